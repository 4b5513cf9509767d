"""The shipped bundle, loaded as a user loads it."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp.analyzer import Analyzer
from nlp.errors import BundleError, InputError

BUNDLE = Path(__file__).resolve().parents[1] / "models" / "policy"


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer.from_pretrained(BUNDLE, threads=1)


def test_one_and_many_agree(analyzer: Analyzer) -> None:
    texts = ["广西的低保怎么申请", "老板拖欠两万工资", "养老保险缴费满15年，年满50周岁"] * 40
    for text, analysis in zip(texts, analyzer.pipe(iter(texts), batch_size=7), strict=True):
        alone = analyzer(text)
        assert analysis.topic == alone.topic
        # int8 activations are scaled by the batch, so the two differ in the last digits
        assert analysis.probability == pytest.approx(alone.probability, abs=0.05)
        assert analysis.vector is not None
        assert alone.vector is not None
        assert float(analysis.vector @ alone.vector) > 0.99


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(), max_size=80))
def test_any_text_gives_valid_spans(analyzer: Analyzer, text: str) -> None:
    analysis = analyzer(text)
    end = 0
    for entity in analysis.entities:
        assert end <= entity.start < entity.end <= len(text)
        end = entity.end
    assert sum(t.probability for t in analysis.topics) == pytest.approx(1, abs=1e-3)
    assert analysis.text == text


def test_a_long_text_is_read_whole(analyzer: Analyzer) -> None:
    sentence = "我在苏州上班，医保交在南京，现在要住院。"
    text = sentence * 500
    analysis = analyzer(text)
    found = {(e.start % len(sentence), text[e.start : e.end]) for e in analysis.entities if e.type == "region"}
    assert (2, "苏州") in found
    starts = [e.start for e in analysis.entities if e.type == "region"]
    assert max(starts) > len(text) - len(sentence)
    assert len(starts) > 900


def test_blank_text_says_nothing(analyzer: Analyzer) -> None:
    for text in ("", " \t\n"):
        analysis = analyzer(text)
        assert analysis.entities == ()
        assert analysis.probability == pytest.approx(1 / len(analyzer.labels.topics))


def test_relative_dates_count_from_the_reference(analyzer: Analyzer) -> None:
    analysis = analyzer("去年3月我在公司受的伤", reference=date(2025, 6, 1))
    dates = [e.value.to_dict() for e in analysis.entities if e.type == "date" and e.value]
    assert dates == ["2024-03"]


def test_wrong_input(analyzer: Analyzer) -> None:
    with pytest.raises(InputError, match="expected a string, got 5"):
        analyzer(5)  # type: ignore[arg-type]


def test_vectors_have_unit_length(analyzer: Analyzer) -> None:
    vector = analyzer("公积金贷款").vector
    assert vector is not None
    assert vector.dtype == np.float32
    assert float(np.linalg.norm(vector)) == pytest.approx(1, abs=1e-4)


def test_each_token_has_a_vector_also_across_windows(analyzer: Analyzer) -> None:
    for text in ("公积金贷款", "我在苏州上班，医保交在南京。" * 60):
        tokens = analyzer(text).tokens
        assert tokens is not None
        assert len(tokens) == len(text)
        assert np.linalg.norm(tokens, axis=1) == pytest.approx(1, abs=1e-4)


def test_a_changed_byte_is_refused(tmp_path: Path) -> None:
    shutil.copytree(BUNDLE, tmp_path / "bundle")
    network = tmp_path / "bundle/onnx/model_int8.onnx"
    data = bytearray(network.read_bytes())
    data[len(data) // 2] ^= 1
    network.write_bytes(data)
    with pytest.raises(BundleError, match="changed"):
        Analyzer.from_pretrained(tmp_path / "bundle")
