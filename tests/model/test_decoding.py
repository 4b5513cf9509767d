from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp.model.decoding import Calibration, decode_spans, energy_score, softmax, topic_scores

NAMES = ("O", "B-a", "I-a", "E-a", "S-a", "B-b", "I-b", "E-b", "S-b")


def legal(path: tuple[int, ...]) -> bool:
    opened = ""
    for tag in path:
        name = NAMES[tag]
        if (name[0] in "IE") != bool(opened) or (opened and name[2:] != opened):
            return False
        opened = name[2:] if name[0] in "BI" else ""
    return not opened


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_decoding_finds_the_best_legal_sequence(length: int, seed: int) -> None:
    logits = np.random.default_rng(seed).normal(size=(length, len(NAMES))).astype(np.float32)
    best = max(
        (p for p in product(range(len(NAMES)), repeat=length) if legal(p)),
        key=lambda p: sum(logits[i, t] for i, t in enumerate(p)),
    )
    expected, start = [], 0
    for place, tag in enumerate(best):
        start = place if NAMES[tag][0] in "BS" else start
        if NAMES[tag][0] in "ES":
            expected.append((start, place, NAMES[tag][2:]))
    found = decode_spans(logits, NAMES)
    assert [span[:3] for span in found] == expected
    assert all(0 < span[3] <= 1 for span in found)


def test_nothing_to_decode() -> None:
    assert decode_spans(np.zeros((0, 9), dtype=np.float32), NAMES) == []
    assert decode_spans(np.eye(9, dtype=np.float32)[[0, 0]], NAMES) == []


def test_temperature_flattens_without_changing_the_order() -> None:
    logits = np.array([1.0, 3.0, 2.0], dtype=np.float32)
    sharp, flat = topic_scores(logits, "abc", Calibration()), topic_scores(logits, "abc", Calibration(4.0))
    assert [s.topic for s in sharp] == [s.topic for s in flat] == ["b", "c", "a"]
    assert sharp[0].probability > flat[0].probability
    assert sum(s.probability for s in flat) == pytest.approx(1)


@given(
    st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=6),
    st.floats(0.1, 10),
    st.floats(0.1, 5),
    st.floats(-5, 5),
)
def test_probabilities_sum_to_one_in_the_order_of_the_logits(
    values: list[float], temperature: float, slope: float, shift: float
) -> None:
    logits = np.array(values, dtype=np.float32)
    found = Calibration(temperature, slope, shift).probabilities(logits)
    assert found.sum() == pytest.approx(1)
    higher = logits[:, None] > logits[None, :]
    assert (found[:, None] >= found[None, :] - 1e-9)[higher].all()


def test_slope_and_shift_move_the_first_topic_and_the_others_share_the_rest() -> None:
    logits = np.log(np.array([0.6, 0.3, 0.1], dtype=np.float32))
    assert Calibration(shift=np.log(2.0)).probabilities(logits) == pytest.approx([0.75, 0.1875, 0.0625])
    assert Calibration(shift=-9.0).probabilities(logits) == pytest.approx([3 / 7, 3 / 7, 1 / 7]), "the first stays first"
    assert topic_scores(logits[[1, 0, 2]], "abc", Calibration(shift=-9.0))[0].topic == "b"
    assert Calibration.from_dict({"temperature": 2.0}) == Calibration(2.0)


def test_softmax_is_stable() -> None:
    assert softmax(np.array([1e9, 0.0], dtype=np.float32)).tolist() == [1.0, 0.0]


def test_energy_is_high_where_no_topic_is_strong() -> None:
    assert energy_score(np.zeros(4, np.float32)) == pytest.approx(-np.log(4))
    assert energy_score(np.array([1000.0, 0.0], np.float32)) == pytest.approx(-1000)
    assert energy_score(np.array([1.0, 0.0], np.float32)) > energy_score(np.array([9.0, 0.0], np.float32))
