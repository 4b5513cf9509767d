"""Late interaction: what is packed, what it scores, and what the index and the ranker make of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from nlp.errors import InputError
from nlp.retrieval.index import AnswerIndex
from nlp.retrieval.interaction import ANSWER_TOKENS, QUESTION_TOKENS, interaction, pack, unrelated
from nlp.schema import Entry

WIDTH = 8


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def drawn(rows: int, seed: int = 0) -> NDArray[np.float32]:
    return unit(np.random.default_rng(seed).normal(size=(rows, WIDTH)).astype(np.float32))


@settings(deadline=None)
@given(st.integers(1, 80), st.lists(st.integers(1, 90), min_size=1, max_size=5), st.integers(0, 9))
def test_the_score_is_the_mean_of_the_largest_cosines(asked: int, sizes: list[int], seed: int) -> None:
    question, packed = drawn(asked, seed), [pack(drawn(size, seed + n + 1)) for n, size in enumerate(sizes)]
    found = interaction(question, packed)
    plain = [(question[:QUESTION_TOKENS] @ (rows / 127).T).max(axis=1).mean() for rows in packed]
    assert found == pytest.approx(plain, abs=1e-5)


def test_two_neighbours_share_a_vector_and_long_texts_are_cut() -> None:
    first, second = np.eye(WIDTH, dtype=np.float32)[:2]
    (together,) = pack(np.stack([first, second]))
    assert together[:2].tolist() == [90, 90]
    assert len(pack(drawn(3))) == 2
    assert len(pack(drawn(500), drawn(500))) == (QUESTION_TOKENS + ANSWER_TOKENS) // 2


def test_texts_without_tokens_are_near_nothing() -> None:
    nothing = np.zeros((0, WIDTH), np.float32)
    assert pack(nothing, nothing).tolist() == [[0] * WIDTH]
    assert interaction(drawn(3), [pack(nothing)]).tolist() == [0]
    assert interaction(nothing, [pack(drawn(3))]).tolist() == [0]
    assert interaction(drawn(3), []).tolist() == []


def test_unrelated_texts_are_the_measure() -> None:
    packed = [pack(drawn(20, seed)) for seed in range(40)]
    mean, deviation = unrelated(packed)
    others = [interaction(drawn(16, 100 + seed), packed).mean() for seed in range(20)]
    assert mean == pytest.approx(np.mean(others), abs=0.1)
    assert 0 < deviation < 0.2
    assert unrelated(packed[:1]) == (0.0, 1.0)


def entries(count: int) -> list[Entry]:
    return [Entry(f"e{n}", f"第{n}问", f"第{n}答") for n in range(count)]


def test_an_index_finds_the_entry_whose_tokens_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = [drawn(10, seed) for seed in range(5)]
    index = AnswerIndex.build(tmp_path / "index", entries(4), drawn(4), "e", tokens=[pack(rows) for rows in tokens[:4]])
    index = index.add([Entry("new", "新问", "新答")], drawn(1, 9), tokens=[pack(tokens[4])])
    for resident in (10_000, 0):
        monkeypatch.setattr("nlp.retrieval.index.RESIDENT_ROWS", resident)
        hits = AnswerIndex.open(index.path).search([], drawn(1)[0], tokens[4])
        best = max(hits, key=lambda hit: hit.features["token_closeness"])
        assert (best.entry.id, len(hits)) == ("new", 5)
    assert all("token_closeness" not in hit.features for hit in index.search([], drawn(1)[0]))


def test_vectors_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    index = AnswerIndex.build(tmp_path / "index", entries(2), drawn(2), "e", tokens=[pack(drawn(3))] * 2)
    with pytest.raises(InputError, match=r"\(3, 5\).*\(3, 8\)"):
        index.search([], drawn(1)[0], np.zeros((3, 5), np.float32))
    with pytest.raises(InputError, match="widths"):
        index.add(entries(3)[2:], drawn(1))
    with pytest.raises(InputError, match="token vectors of 1"):
        AnswerIndex.build(tmp_path / "other", entries(2), drawn(2), "e", tokens=[pack(drawn(3))])
