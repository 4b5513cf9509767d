from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp.model.decoding import decode_spans, energy_score, softmax, topic_scores

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
    sharp, flat = topic_scores(logits, "abc", 1.0), topic_scores(logits, "abc", 4.0)
    assert [s.topic for s in sharp] == [s.topic for s in flat] == ["b", "c", "a"]
    assert sharp[0].probability > flat[0].probability
    assert sum(s.probability for s in flat) == pytest.approx(1)


def test_softmax_is_stable() -> None:
    assert softmax(np.array([1e9, 0.0], dtype=np.float32)).tolist() == [1.0, 0.0]


def test_energy_is_high_where_no_topic_is_strong() -> None:
    assert energy_score(np.zeros(4, np.float32)) == pytest.approx(-np.log(4))
    assert energy_score(np.array([1000.0, 0.0], np.float32)) == pytest.approx(-1000)
    assert energy_score(np.array([1.0, 0.0], np.float32)) > energy_score(np.array([9.0, 0.0], np.float32))
