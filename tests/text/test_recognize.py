"""All values of a text together: offsets, overlaps, any Unicode, values of tagged spans, speed, scores on shared data."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nlp.schema import VALUE_KINDS, AgeValue, AmountValue, DateValue, DurationValue, PercentValue, ValueKind, value_from_dict
from nlp.text import find, read_value

PIECES = st.sampled_from(
    "一二三四五六七八九十百千万亿零两半几多余点负第年月日号天周岁元块角分成折个至到-~%％.,，/:（）()每人不超过低于以上下内满去今前后上下星期"
    "０１２壹贰萬圓XxK0123456789 \n\t$￥区县京沪吉林朝阳"
)
ANY = st.text(max_size=60) | st.text(PIECES, max_size=60)


@given(ANY)
@example("\ud800三元\x00")
@example("①２０元㎏⼀")
@example("e\u0301五\u20dd元")
@example("\U0001d7d1\U0001d7ce元٣天")
def test_offsets_are_valid_for_any_text(text: str) -> None:
    last = 0
    for entity in find(text, reference=date(2024, 2, 29)):
        assert last <= entity.start < entity.end <= len(text)
        last = entity.end
        if entity.value is not None:
            kind: ValueKind = entity.type  # type: ignore[assignment]
            assert value_from_dict(kind, json.loads(json.dumps(entity.value.to_dict()))).to_dict() == entity.value.to_dict()


@given(ANY, st.integers(0, 60), st.integers(0, 60), st.sampled_from(VALUE_KINDS))
def test_any_span_can_be_read(text: str, a: int, b: int, kind: ValueKind) -> None:
    start, end = sorted((min(a, len(text)), min(b, len(text))))
    read_value(text, start, end, kind)


@given(ANY)
def test_asking_for_one_kind_changes_nothing(text: str) -> None:
    everything = find(text, set(VALUE_KINDS) - {"region"})
    for kind in ("amount", "date", "number"):
        assert find(text, {kind}) == [e for e in everything if e.type == kind]


def test_several_kinds_in_one_sentence() -> None:
    text = "父亲今年61岁，2009年起缴费满12年，每月领1800多元，报销比例提高3个百分点"
    found = [(text[e.start : e.end], e.type) for e in find(text, reference=date(2026, 11, 21))]
    assert found == [
        ("今年", "date"),
        ("61岁", "age"),
        ("2009年", "date"),
        ("12年", "duration"),
        ("1800多元", "amount"),
        ("3个百分点", "percent"),
    ]


def test_offsets_are_those_of_the_original() -> None:
    text = "⻄安的押金 ５ 万 元，㎏单价3元"
    assert [text[e.start : e.end] for e in find(text, {"amount"})] == ["５ 万 元", "3元"]


def test_regions_and_values_do_not_overlap() -> None:
    text = "福建三元区的补贴是三元"
    found = [(text[e.start : e.end], e.type) for e in find(text)]
    assert found[-1] == ("三元", "amount")
    assert all(kind == "region" for _, kind in found[:-1])


@pytest.mark.parametrize(
    ("text", "span", "kind", "value"),
    [
        ("每人每月不低于70元", "70元", "amount", {"low": "70", "high": None, "comparator": "ge", "per": ["person", "month"]}),
        ("月工资6200，没有社保", "6200", "amount", {"low": "6200", "high": "6200"}),
        ("住院报销900多", "900多", "amount", {"low": "900", "high": "1000", "approximate": True}),
        ("退休前(50或55)补缴", "55", "age", {"low": "55", "high": "55"}),
        ("截止21年的工龄", "21年", "date", "2021"),
        ("去年4月受伤", "去年4月", "date", "2025-04"),
        ("不得超过工资总额的20%", "20%", "percent", {"low": None, "high": "0.20", "comparator": "le"}),
        ("拖了XX个月", "XX个月", "duration", {"low": None, "high": None}),
    ],
)
def test_reads_a_tagged_span_in_its_context(text: str, span: str, kind: ValueKind, value: object) -> None:
    start = text.index(span)
    read = read_value(text, start, start + len(span), kind, date(2026, 11, 21))
    assert read is not None
    data = read.to_dict()
    assert data == value if isinstance(value, str) else {k: data[k] for k in value} == value  # type: ignore[attr-defined, call-overload]


def test_a_span_without_a_value_has_none() -> None:
    assert read_value("医保卡在哪里办", 0, 3, "amount") is None
    with pytest.raises(ValueError, match="does not lie inside"):
        read_value("五元", 1, 9, "amount")


def test_values_are_of_their_kind() -> None:
    kinds = {"amount": AmountValue, "percent": PercentValue, "age": AgeValue, "duration": DurationValue, "date": DateValue}
    for entity in find("5元, 6%, 7岁, 8天, 2009年"):
        assert isinstance(entity.value, kinds[entity.type])


@pytest.mark.parametrize(
    "unit", ["3元", "百分之", "上", "大", "周", "一 ", "2024年3月", "(", "X万", "3-", "1:", "不超过", "每人", "半", "去年"]
)
def test_time_is_linear(unit: str) -> None:
    find(unit)
    start = time.process_time()
    find((unit * 10_000)[:10_000], set(VALUE_KINDS) - {"region"})
    assert time.process_time() - start < 3


TARGETS = {"amount": 0.92, "percent": 0.98, "number": 0.95, "ordinal": 0.99, "duration": 0.92, "date": 0.87}


def score(mode: str, gold: Path, rows: list[dict[str, object]], folder: Path, scorer: Path) -> dict[str, float]:
    predicted = folder / "predicted.jsonl"
    predicted.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    output = subprocess.run([sys.executable, scorer, mode, gold, predicted], capture_output=True, text=True, check=True).stdout
    lines = (line.split() for line in output.splitlines())
    return {parts[0]: float(parts[1].rpartition("=")[2]) for parts in lines if len(parts) > 1 and "." in parts[1]}


def test_scores_on_the_tests_of_other_libraries(shared: Path, tmp_path: Path) -> None:
    gold = shared / "data/dev/peer_tests.jsonl"
    rows = []
    for line in gold.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        try:
            reference = date.fromisoformat(str(row.get("ref_date"))[:10])
        except ValueError:
            reference = None
        values = find(row["text"], set(VALUE_KINDS) - {"region"}, reference)
        rows.append({"id": row["id"], "values": [e.to_dict() for e in values]})
    scores = score("values", gold, rows, tmp_path, shared / "tools/score.py")
    assert {k: v for k, v in TARGETS.items() if scores[f"{k}:ALL"] < v} == {}


def test_scores_on_policy_sentences(shared: Path, tmp_path: Path) -> None:
    gold = shared / "data/dev/answers.jsonl"
    rows = []
    for line in gold.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        entities = [e.to_dict() for e in find(row["text"], set(VALUE_KINDS) - {"region"})]
        rows.append({"id": row["id"], "topic": None, "topics": [], "probability": 0.0, "entities": entities})
    scores = score("gold", gold, rows, tmp_path, shared / "tools/score.py")
    for kind in ("amount", "percent", "age", "duration"):
        assert scores[f"entity_f1:{kind}"] >= 0.97
        assert scores[f"value_accuracy:{kind}"] >= 0.97
