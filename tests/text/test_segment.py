"""Segmentation for search: domain words, no trace on jieba's own tokenizer, any string."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp.text import segment as module
from nlp.text.segment import information, segment


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("跨省异地就医备案", {"异地", "就医", "备案", "跨省异地就医"}),
        ("門診慢特病怎麼報銷", {"慢特病", "报销"}),
        ("Ｃ１驾照２０２４年换证", {"c1", "驾照", "2024", "换证"}),
    ],
)
def test_domain_words_and_their_parts_are_given(text: str, words: set[str]) -> None:
    assert words <= set(segment(text))


def test_spaces_and_punctuation_are_dropped() -> None:
    assert segment(" ，。!?\n\t《》") == []


def test_common_words_say_less_than_rare_ones() -> None:
    assert information("的") < information("补贴") < information("没有人数过的词")


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(), max_size=60))
def test_any_string_is_cut_into_words_without_spaces(text: str) -> None:
    assert all(word and not any(c.isspace() for c in word) for word in segment(text))


def test_a_long_run_without_punctuation_is_cut_in_linear_time() -> None:
    assert len(segment("保" * 20_000)) >= 20_000


def test_jieba_says_nothing_and_keeps_its_own_tokenizer() -> None:
    code = (
        "from nlp.text.segment import segment; segment('医保'); import jieba; d = jieba.dt; print(d.initialized, len(d.FREQ))"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert (done.stdout.split(), done.stderr) == (["False", "0"], "")


def test_cache_is_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "words.json"
    module._write_cache(path, {"医保": 3})
    assert module._read_cache(path) == {"医保": 3}
    assert [p.name for p in path.parent.iterdir()] == ["words.json"]


@pytest.mark.parametrize("content", ["", "[1]", '{"医保": '])
def test_a_damaged_cache_is_passed_over(tmp_path: Path, content: str) -> None:
    path = tmp_path / "words.json"
    path.write_text(content, encoding="utf-8")
    assert module._read_cache(path) is None


def test_a_cache_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(json.dumps({}))
    module._write_cache(tmp_path / "file" / "words.json", {"医保": 3})
