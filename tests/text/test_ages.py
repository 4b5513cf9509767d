"""Ages of persons."""

from __future__ import annotations

from decimal import Decimal

import pytest

from nlp.schema import AgeValue
from nlp.text import find


def ages(text: str) -> list[tuple[str, Decimal | None, Decimal | None, str]]:
    found = []
    for entity in find(text, {"age"}):
        assert isinstance(entity.value, AgeValue)
        found.append((text[entity.start : entity.end], entity.value.low, entity.value.high, entity.value.comparator))
    return found


@pytest.mark.parametrize(
    ("text", "span", "low", "high", "comparator"),
    [
        ("我今年38岁", "38岁", "38", "38", "eq"),
        ("女儿五岁半", "五岁半", "5.5", "5.5", "eq"),
        ("年满55周岁", "55周岁", "55", None, "ge"),
        ("男滿六十周歲", "六十周歲", "60", None, "ge"),
        ("刚满十八岁了", "十八岁", "18", "18", "eq"),
        ("65岁以上的老人", "65岁", "65", None, "ge"),
        ("不满14周岁的孩子", "14周岁", None, "14", "lt"),
        ("45岁以下", "45岁", None, "45", "le"),
        ("七八十岁", "七八十岁", "70", "80", "range"),
        ("3到6岁的儿童", "3到6岁", "3", "6", "range"),
        ("十三岁多", "十三岁多", "13", "14", "range"),
        ("8个月的宝宝", "8个月", "0.6667", "0.6667", "eq"),
        ("1岁零6个月", "1岁零6个月", "1.5", "1.5", "eq"),
        ("XX岁的老人", "XX岁", None, None, "eq"),
    ],
)
def test_reads_an_age(text: str, span: str, low: str | None, high: str | None, comparator: str) -> None:
    assert ages(text) == [(span, None if low is None else Decimal(low), None if high is None else Decimal(high), comparator)]


@pytest.mark.parametrize("text", ["岁月", "工龄20年", "交了15年", "第三岁月", "8个月的工资"])
def test_leaves_the_rest_alone(text: str) -> None:
    assert ages(text) == []


def test_both_ends_of_a_condition() -> None:
    assert ages("已满16周岁不满18周岁") == [("16周岁", Decimal(16), None, "ge"), ("18周岁", None, Decimal(18), "lt")]
