"""Lengths of time, against points in time, periods and ages that look like them."""

from __future__ import annotations

import pytest

from nlp.schema import DurationValue
from nlp.text import find


def durations(text: str) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for entity in find(text, {"duration"}):
        assert isinstance(entity.value, DurationValue)
        found.append((text[entity.start : entity.end], entity.value.to_dict()))
    return found


@pytest.mark.parametrize(
    ("text", "span", "iso"),
    [
        ("干了12年", "12年", "P12Y"),
        ("住院45天", "45天", "P45D"),
        ("四年半", "四年半", "P4Y6M"),
        ("一个半月", "一个半月", "P1.5M"),
        ("半年", "半年", "P6M"),
        ("半天", "半天", "PT12H"),
        ("两个月零十天", "两个月零十天", "P2M10D"),
        ("判了一年六个月", "一年六个月", "P1Y6M"),
        ("六个星期", "六个星期", "P6W"),
        ("10個工作日", "10個工作日", "P10D"),
        ("2小时30分", "2小时30分", "PT2H30M"),
        ("三分半钟", "三分半钟", "PT3M30S"),
        ("5天4晚", "5天4晚", "P5D"),
        ("领了3个月津贴", "3个月", "P3M"),
        ("发三天津贴", "三天", "P3D"),
        ("90天才能办", "90天", "P90D"),
        ("缴15年会怎样", "15年", "P15Y"),
        ("近三年均未缴", "三年", "P3Y"),
        ("工作10年终于退休", "10年", "P10Y"),
    ],
)
def test_reads_a_length(text: str, span: str, iso: str) -> None:
    assert durations(text) == [(span, iso)]


@pytest.mark.parametrize(
    ("text", "span", "low", "high"),
    [
        ("需要3~5个工作日", "3~5个工作日", "P3D", "P5D"),
        ("三天到一周", "三天到一周", "P3D", "P1W"),
        ("两三个月", "两三个月", "P2M", "P3M"),
        ("干了十几年", "十几年", "P11Y", "P19Y"),
        ("半年多", "半年多", "P6M", "P12M"),
        ("一年多了", "一年多", "P1Y", "P2Y"),
        ("5个多月", "5个多月", "P5M", "P6M"),
    ],
)
def test_reads_a_range(text: str, span: str, low: str, high: str) -> None:
    assert durations(text) == [(span, {"low": low, "high": high, "comparator": "range"})]


@pytest.mark.parametrize(
    ("text", "span", "low", "high", "comparator"),
    [
        ("缴费满10年", "10年", "P10Y", None, "ge"),
        ("工作5年以上", "5年", "P5Y", None, "ge"),
        ("在30日内申请", "30日", None, "P30D", "le"),
        ("不超过2年", "2年", None, "P2Y", "le"),
        ("不足六个月", "六个月", None, "P6M", "lt"),
        ("不少于20分钟", "20分钟", "PT20M", None, "ge"),
    ],
)
def test_comparators(text: str, span: str, low: str | None, high: str | None, comparator: str) -> None:
    assert durations(text) == [(span, {"low": low, "high": high, "comparator": comparator})]


def test_a_fact_is_no_condition() -> None:
    assert durations("我已经满10年了") == [("10年", "P10Y")]


@pytest.mark.parametrize(
    "text",
    [
        "2015年",
        "读三年级",
        "每三个月发一次",
        "150元一天",
        "一个月800",
        "总有一天",
        "第五年",
        "要判几年？",
        "3月办的",
        "八十年代",
        "一天到晚",
        "一年比一年难",
        "两周岁",
        "12月3日",
    ],
)
def test_leaves_the_rest_alone(text: str) -> None:
    assert durations(text) == []


def test_so_many_days_a_month_is_a_rate() -> None:
    assert durations("一个月4天假") == [("4天", "P4D")]


def test_a_masked_length_has_no_bounds() -> None:
    assert durations("拖了XX个月") == [("XX个月", {"low": None, "high": None, "comparator": "eq"})]
