"""Dates against a reference day: spans, ISO 8601 values, the calendar of festivals."""

from __future__ import annotations

from datetime import date

import pytest

from nlp.schema import DateValue
from nlp.text import find

TODAY = date(2026, 11, 21)  # a Saturday


def dates(text: str, reference: date | None = TODAY) -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = []
    for entity in find(text, {"date"}, reference):
        assert entity.value is None or isinstance(entity.value, DateValue)
        found.append((text[entity.start : entity.end], entity.value.iso if entity.value else None))
    return found


@pytest.mark.parametrize(
    ("text", "span", "iso"),
    [
        ("2022年8月15日前", "2022年8月15日", "2022-08-15"),
        ("二〇二一年五月三日", "二〇二一年五月三日", "2021-05-03"),
        ("1987年出生", "1987年", "1987"),
        ("98年3月参保", "98年3月", "1998-03"),
        ("零八年六月", "零八年六月", "2008-06"),
        ("截止19年", "19年", "2019"),
        ("86年参加工作", "86年", "1986"),
        ("2025-07-04", "2025-07-04", "2025-07-04"),
        ("2025.7.4号", "2025.7.4号", "2025-07-04"),
        ("20250704", "20250704", "2025-07-04"),
        ("202507交的", "202507", "2025-07"),
        ("4/7/2025", "4/7/2025", "2025-07-04"),
        ("2019二月份", "2019二月份", "2019-02"),
        ("８月２日", "８月２日", "2026-08-02"),
        ("去年5月", "去年5月", "2025-05"),
        ("上个月底", "上个月底", "2026-10-31"),
        ("下个月初", "下个月初", "2026-12-01"),
        ("明年年底", "明年年底", "2027-12"),
        ("本月9号", "本月9号", "2026-11-09"),
        ("前天", "前天", "2026-11-19"),
        ("大后天", "大后天", "2026-11-24"),
        ("昨晚上", "昨晚上", "2026-11-20"),
        ("下周三", "下周三", "2026-11-25"),
        ("上上周五", "上上周五", "2026-11-06"),
        ("这个星期一", "这个星期一", "2026-11-16"),
        ("上周", "上周", "2026-11-09/2026-11-15"),
        ("上半年", "上半年", "2026-01/2026-06"),
        ("2024年第三季度", "2024年第三季度", "2024-07/2024-09"),
        ("七十年代", "七十年代", "1970/1979"),
        ("五月的第二个星期日", "五月的第二个星期日", "2026-05-10"),
        ("民国三十七年", "民国三十七年", "1948"),
    ],
)
def test_reads_a_date(text: str, span: str, iso: str) -> None:
    assert dates(text) == [(span, iso)]


@pytest.mark.parametrize(
    ("text", "span", "iso"),
    [
        ("2011年至2016年", "2011年至2016年", "2011/2016"),
        ("2018-2020年", "2018-2020年", "2018/2020"),
        ("2019年2月到9月", "2019年2月到9月", "2019-02/2019-09"),
        ("今年3-7月", "今年3-7月", "2026-03/2026-07"),
        ("6月2日至5日", "6月2日至5日", "2026-06-02/2026-06-05"),
        ("6月2-5日", "6月2-5日", "2026-06-02/2026-06-05"),
        ("去年11月至今年2月", "去年11月至今年2月", "2025-11/2026-02"),
        ("今年元至9月", "今年元至9月", "2026-01/2026-09"),
    ],
)
def test_a_period_is_one_span(text: str, span: str, iso: str) -> None:
    assert dates(text) == [(span, iso)]


@pytest.mark.parametrize(
    ("text", "span", "iso"),
    [
        ("国庆节放几天", "国庆节", "2026-10-01"),
        ("五一放假", "五一", "2026-05-01"),
        ("十一期间", "十一", "2026-10-01"),
        ("2025年春节", "2025年春节", "2025-01-29"),
        ("除夕", "除夕", "2027-02-05"),
        ("去年中秋节", "去年中秋节", "2025-10-06"),
        ("正月初八", "正月初八", "2026-02-24"),
        ("农历四月初八", "农历四月初八", "2026-05-24"),
        ("腊月二十", "腊月二十", "2027-01-27"),
        ("去年八月十五", "去年八月十五", "2025-10-06"),
        ("清明", "清明", "2026-04-05"),
        ("2025年冬至", "2025年冬至", "2025-12-21"),
        ("双十一", "双十一", "2026-11-11"),
        ("七夕", "七夕", "2026-08-19"),
    ],
)
def test_festivals_and_lunar_days(text: str, span: str, iso: str) -> None:
    assert dates(text)[0] == (span, iso)


@pytest.mark.parametrize(
    "text",
    [
        "每周三",
        "第3天",
        "15号楼",
        "国办发〔2021〕8号",
        "满15年",
        "30日内",
        "三年",
        "如今年轻人",
        "以前的",
        "现在",
        "最近",
        "今后天气",
        "1:30",
    ],
)
def test_leaves_the_rest_alone(text: str) -> None:
    assert dates(text) == []


def test_without_a_reference_day_relative_dates_have_no_value() -> None:
    assert dates("去年5月3日", None) == [("去年5月3日", None)]
    assert dates("5月3日", None) == [("5月3日", "--05-03")]
    assert dates("2024年5月", None) == [("2024年5月", "2024-05")]


def test_a_date_takes_its_year_from_the_one_before_it() -> None:
    assert dates("2019年3月立案，6月2日结案") == [("2019年3月", "2019-03"), ("6月2日", "2019-06-02")]
    assert dates("2019年3月立案。6月2日结案") == [("2019年3月", "2019-03"), ("6月2日", "2026-06-02")]
    assert dates("公示期7月8日、9日") == [("7月8日", "2026-07-08"), ("9日", "2026-07-09")]


def test_a_day_that_no_calendar_has_is_found_without_a_value() -> None:
    assert dates("2月30日") == [("2月30日", None)]


def test_the_weekday_beside_a_date_is_part_of_one_date() -> None:
    assert dates("8月3日（星期一）开会") == [("8月3日", "2026-08-03")]
    assert dates("星期一, 八月三号") == [("星期一, 八月三号", "2026-08-03")]


@pytest.mark.parametrize(
    ("text", "span", "iso"),
    [
        ("本季度", "本季度", "2026-10/2026-12"),
        ("今年前三季度", "今年前三季度", "2026-01/2026-09"),
        ("去年冬天", "去年冬天", "2025-12/2026-02"),
        ("19世纪60年代", "19世纪60年代", "1860/1869"),
        ("二十世纪", "二十世纪", "1901/2000"),
        ("公元前50年", "公元前50年", "-0049"),
        ("上上个月", "上上个月", "2026-09"),
        ("2025-2026学年", "2025-2026学年", "2025/2026"),
    ],
)
def test_long_periods(text: str, span: str, iso: str) -> None:
    assert dates(text) == [(span, iso)]


@pytest.mark.parametrize(
    ("text", "span"),
    [("2024年报销比例", "2024年"), ("10号公司发工资", "10号"), ("15号门诊看病", "15号"), ("2023年均未发", "2023年")],
)
def test_the_word_after_a_date_is_no_part_of_it(text: str, span: str) -> None:
    assert [s for s, _ in dates(text)] == [span]
