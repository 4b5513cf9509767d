from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("datasketch", reason="the extra `train` is not installed")

from nlp.data.duplicates import leaked, merged_groups, read_texts, shingles, similar_pairs

TEXTS = ["沈阳的医保断了两个月能补吗", "沈阳的医保断了两个月能补吗？", "大连的医保断了两个月能补吗", "加班费怎么算", "", "好"]


def test_shingles_leave_punctuation_out() -> None:
    assert shingles("补，贴 吗？") == {"补贴吗"}
    assert shingles("") == shingles("？！") == {""}


def test_similar_pairs_are_found_with_their_similarity() -> None:
    found = similar_pairs(TEXTS, 0.6)
    assert [(a, b) for a, b, _ in found] == [(0, 1), (0, 2), (1, 2)]
    assert found[0][2] == 1.0
    assert all(similarity >= 0.6 for *_, similarity in found)


def test_a_leak_names_the_text_that_it_resembles_most() -> None:
    assert leaked(["加班费怎么算呢", "加班费怎么算", "别的事"], ["不相干的话", "加班费怎么算"]) == {0: 1, 1: 1}
    assert leaked(TEXTS, []) == {}


def test_groups_of_similar_texts_are_joined() -> None:
    assert merged_groups(["c", "a", "b", "d"], [(0, 2), (2, 1)]) == ["a", "a", "a", "d"]


def test_texts_of_any_evaluation_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "一"}\n{"query": "二", "text": ""}\nbroken\n{"question": "三"}\n{"id": 4}\n', encoding="utf-8")
    assert list(read_texts(path)) == ["一", "二", "三"]
