"""Percentages: writings, ranges, comparators, levels and changes, and what only looks like one."""

from __future__ import annotations

from decimal import Decimal

import pytest

from nlp.schema import PercentValue
from nlp.text import find


def percents(text: str) -> list[tuple[str, PercentValue]]:
    found = []
    for entity in find(text, {"percent"}):
        assert isinstance(entity.value, PercentValue)
        found.append((text[entity.start : entity.end], entity.value))
    return found


@pytest.mark.parametrize(
    ("text", "span", "value"),
    [
        ("能报82%", "82%", "0.82"),
        ("自付１８％", "１８％", "0.18"),
        ("万分之三的滞纳金", "万分之三", "0.0003"),
        ("千分之一点五", "千分之一点五", "0.0015"),
        ("费率6‰", "6‰", "0.006"),
        ("百分之四十五", "百分之四十五", "0.45"),
        ("百分百报销", "百分百", "1"),
        ("报六成", "六成", "0.6"),
        ("报八成半", "八成半", "0.85"),
        ("大概七成二", "七成二", "0.72"),
        ("打九五折", "九五折", "0.95"),
        ("享受6.8折", "6.8折", "0.68"),
        ("三折", "三折", "0.3"),
        ("报七成才合理", "七成", "0.7"),
        ("三成年轻人", "三成", "0.3"),
        ("百分之十二.五", "百分之十二.五", "0.125"),
        ("负百分之二", "负百分之二", "-0.02"),
    ],
)
def test_reads_the_ratio(text: str, span: str, value: str) -> None:
    assert [(s, v.low, v.high, v.comparator) for s, v in percents(text)] == [(span, Decimal(value), Decimal(value), "eq")]


@pytest.mark.parametrize(
    ("text", "span", "low", "high"),
    [
        ("按60%～90%报销", "60%～90%", "0.6", "0.9"),
        ("比例为55-75%", "55-75%", "0.55", "0.75"),
        ("百分之二十到百分之三十", "百分之二十到百分之三十", "0.2", "0.3"),
        ("百分之五至十", "百分之五至十", "0.05", "0.1"),
        ("占六七成", "六七成", "0.6", "0.7"),
        ("两到三成", "两到三成", "0.2", "0.3"),
    ],
)
def test_reads_a_range(text: str, span: str, low: str, high: str) -> None:
    assert [(s, v.low, v.high) for s, v in percents(text)] == [(span, Decimal(low), Decimal(high))]


@pytest.mark.parametrize(
    ("text", "comparator", "low", "high"),
    [
        ("持股达30%以上", "ge", "0.3", None),
        ("不得超过合同总价的15%", "le", None, "0.15"),
        ("招聘人数不低于去年在岗职工总数的10%", "ge", "0.1", None),
        ("利率低于4.2%", "lt", None, "0.042"),
        ("最高可达85%", "le", None, "0.85"),
        ("超过30万元的部分按70%报销", "eq", "0.7", "0.7"),
    ],
)
def test_comparators(text: str, comparator: str, low: str | None, high: str | None) -> None:
    [(_, value)] = percents(text)
    assert value.comparator == comparator
    assert value.low == (None if low is None else Decimal(low))
    assert value.high == (None if high is None else Decimal(high))


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("费率下调0.5个百分点", True),
        ("养老金上涨3.8%", True),
        ("实现9%的增长", True),
        ("待遇提高到75%", False),
        ("比例降至6%", False),
        ("减按15%征收", False),
        ("报销75%", False),
    ],
)
def test_changes_are_no_levels(text: str, change: bool) -> None:
    assert [value.change for _, value in percents(text)] == [change]


@pytest.mark.parametrize(
    "text", ["四成年子女", "一成不变", "比分2:1", "两折叠桌子", "打折", "三分之二", "首付几成？", "五成员小组", "一半"]
)
def test_leaves_the_rest_alone(text: str) -> None:
    assert percents(text) == []
