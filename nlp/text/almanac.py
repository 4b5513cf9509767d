"""The Chinese calendar: lunar dates, solar terms and holidays → dates of the common calendar. Years 1900 to 2100."""

from __future__ import annotations

import math
from bisect import bisect_right
from datetime import date, timedelta
from itertools import accumulate

FIRST_YEAR = 1900
_NEW_YEAR = date(1900, 1, 31)  # the first day of lunar year 1900
# One number a lunar year: bits 15 to 4 are months 1 to 12 (set: 30 days, clear: 29), bits 3 to 0 the leap month, bit 16 whether
# that has 30 days. Facts of the calendar as the Hong Kong Observatory and GB/T 33661-2017 give them.
_YEAR_TABLE = """
04bd8 04ae0 0a570 054d5 0d260 0d950 16554 056a0 09ad0 055d2 04ae0 0a5b6 0a4d0 0d250 1d255 0b540 0d6a0 0ada2 095b0 14977
04970 0a4b0 0b4b5 06a50 06d40 1ab54 02b60 09570 052f2 04970 06566 0d4a0 0ea50 16a95 05ad0 02b60 186e3 092e0 1c8d7 0c950
0d4a0 1d8a6 0b550 056a0 1a5b4 025d0 092d0 0d2b2 0a950 0b557 06ca0 0b550 15355 04da0 0a5b0 14573 052b0 0a9a8 0e950 06aa0
0aea6 0ab50 04b60 0aae4 0a570 05260 0f263 0d950 05b57 056a0 096d0 04dd5 04ad0 0a4d0 0d4d4 0d250 0d558 0b540 0b6a0 195a6
095b0 049b0 0a974 0a4b0 0b27a 06a50 06d40 0af46 0ab60 09570 04af5 04970 064b0 074a3 0ea50 06b58 05ac0 0ab60 096d5 092e0
0c960 0d954 0d4a0 0da50 07552 056a0 0abb7 025d0 092d0 0cab5 0a950 0b4a0 0baa4 0ad50 055d9 04ba0 0a5b0 15176 052b0 0a930
07954 06aa0 0ad50 05b52 04b60 0a6e6 0a4e0 0d260 0ea65 0d530 05aa0 076a3 096d0 04afb 04ad0 0a4d0 1d0b6 0d250 0d520 0dd45
0b5a0 056d0 055b2 049b0 0a577 0a4b0 0aa50 1b255 06d20 0ada0 14b63 09370 049f8 04970 064b0 168a6 0ea50 06b20 1a6c4 0aae0
092e0 0d2e3 0c960 0d557 0d4a0 0da50 05d55 056a0 0a6d0 055d4 052d0 0a9b8 0a950 0b4a0 0b6a6 0ad50 055a0 0aba4 0a5b0 052b0
0b273 06930 07337 06aa0 0ad50 14b55 04b60 0a570 054e4 0d260 0e968 0d520 0daa0 16aa6 056d0 04ae0 0a9d4 0a4d0 0d150 0f252
0d520
"""
_YEARS = tuple(int(code, 16) for code in _YEAR_TABLE.split())


def _leap(code: int) -> int:
    return code & 15


def _months(code: int) -> list[tuple[int, bool, int]]:
    """The months of a lunar year in order: (month, whether it is the leap one, days)."""
    months: list[tuple[int, bool, int]] = []
    for month in range(1, 13):
        months.append((month, False, 30 if code & (0x10000 >> month) else 29))
        if month == _leap(code):
            months.append((month, True, 30 if code & 0x10000 else 29))
    return months


_STARTS = tuple(accumulate((sum(days for _, _, days in _months(code)) for code in _YEARS), initial=0))


def lunar_to_solar(year: int, month: int, day: int, leap: bool = False) -> date | None:
    """The common date of a lunar one; None where the year has no such day or is not between 1900 and 2100.

    Args:
        year: Lunar year, by the common year in which it begins.
        month: 1 to 12.
        day: 1 to 30; 30 in a month of 29 days stands for its last day, as in 大年三十.
        leap: Whether the leap month (闰月) of that number is meant.
    """
    if not FIRST_YEAR <= year < FIRST_YEAR + len(_YEARS):
        return None
    offset = _STARTS[year - FIRST_YEAR]
    for number, is_leap, days in _months(_YEARS[year - FIRST_YEAR]):
        if (number, is_leap) == (month, leap):
            return _NEW_YEAR + timedelta(days=offset + min(day, days) - 1) if 1 <= day <= 30 else None
        offset += days
    return None


def lunar_year(day: date) -> int | None:
    """The lunar year that a day lies in; None outside the table."""
    offset = (day - _NEW_YEAR).days
    return FIRST_YEAR + bisect_right(_STARTS, offset) - 1 if 0 <= offset < _STARTS[-1] else None


# First years of eras, as documents and family records still write them; names that are common words (文明, 长寿) are left out.
_ERA_TABLE = """
贞观627 永徽650 显庆656 龙朔661 麟德664 总章668 咸亨670 上元674 仪凤676 永隆680 垂拱685 天授690 证圣695 圣历698 神龙705 景龙707
景云710 先天712 开元713 天宝742 至德756 乾元758 宝应762 广德763 大历766 建中780 贞元785 元和806 长庆821 宝历825 开成836 会昌841
大中847 咸通860 乾符874 广明880 中和881 光启885 景福892 乾宁894 天复901 天祐904 建隆960 开宝968 淳化990 咸平998 景德1004
天圣1023 庆历1041 嘉祐1056 治平1064 熙宁1068 元丰1078 元祐1086 崇宁1102 大观1107 政和1111 宣和1119 靖康1126 建炎1127 绍兴1131 隆兴1163
乾道1165 淳熙1174 至元1264 至正1341 洪武1368 建文1399 永乐1403 洪熙1425 宣德1426 正统1436 景泰1450 天顺1457 成化1465 弘治1488
正德1506 嘉靖1522 隆庆1567 万历1573 天启1621 崇祯1628 顺治1644 康熙1662 雍正1723 乾隆1736 嘉庆1796 道光1821 咸丰1851 同治1862
光绪1875 宣统1909 民国1912
"""
ERAS = {entry[:2]: int(entry[2:]) for entry in _ERA_TABLE.split()}

# 24 solar terms by longitude of the sun, beginning with the one in early January (285 degrees).
_TERM_NAMES = "小寒大寒立春雨水惊蛰春分清明谷雨立夏小满芒种夏至小暑大暑立秋处暑白露秋分寒露霜降立冬小雪大雪冬至"
TERMS = tuple(_TERM_NAMES[i : i + 2] for i in range(0, 48, 2))


def solar_term(year: int, name: str) -> date:
    """The day in China of a solar term of the common year.

    Source: low-precision position of the sun, J. Meeus, Astronomical Algorithms, chapter 25; good to some minutes from 1900
    to 2100, so that a term close to midnight can fall a day off (19 of 4,776 do).

    Raises:
        ValueError: `name` is not a solar term.
    """
    index = TERMS.index(name)
    target = (285 + 15 * index) % 360
    moment = 2451544.5 + (year - 2000) * 365.2422 + 5.5 + index * 15.2184  # a first guess, Julian day
    for _ in range(5):
        error = (target - _sun_longitude(moment) + 180) % 360 - 180
        moment += error * 365.2422 / 360
    seconds = 62.92 + 0.32217 * (year - 2000) + 0.005589 * (year - 2000) ** 2  # terrestrial less universal time, near 2000
    beijing = moment - seconds / 86400 + 8 / 24
    return date.fromordinal(math.floor(beijing - 1721424.5))


def _sun_longitude(moment: float) -> float:
    """Apparent longitude of the sun in degrees at a Julian day of terrestrial time."""
    t = (moment - 2451545.0) / 36525
    mean = 280.46646 + 36000.76983 * t + 0.0003032 * t * t
    anomaly = math.radians(357.52911 + 35999.05029 * t - 0.0001537 * t * t)
    center = (
        (1.914602 - 0.004817 * t) * math.sin(anomaly)
        + (0.019993 - 0.000101 * t) * math.sin(2 * anomaly)
        + 0.000289 * math.sin(3 * anomaly)
    )
    node = math.radians(125.04 - 1934.136 * t)
    return (mean + center - 0.00569 - 0.00478 * math.sin(node)) % 360


# Name → (calendar, month, day); weekday holidays are (month, n-th, weekday 0 = Monday).
_SOLAR = {
    "元旦": (1, 1),
    "新年": (1, 1),
    "情人节": (2, 14),
    "女生节": (3, 7),
    "妇女节": (3, 8),
    "三八节": (3, 8),
    "女神节": (3, 8),
    "植树节": (3, 12),
    "愚人节": (4, 1),
    "劳动节": (5, 1),
    "青年节": (5, 4),
    "护士节": (5, 12),
    "儿童节": (6, 1),
    "建党节": (7, 1),
    "建军节": (8, 1),
    "教师节": (9, 10),
    "国庆节": (10, 1),
    "国庆": (10, 1),
    "记者节": (11, 8),
    "万圣节": (10, 31),
    "光棍节": (11, 11),
    "国家公祭日": (12, 13),
    "平安夜": (12, 24),
    "圣诞节": (12, 25),
}
_LUNAR = {
    "春节": (1, 1),
    "大年初一": (1, 1),
    "元宵节": (1, 15),
    "元宵": (1, 15),
    "龙抬头": (2, 2),
    "端午节": (5, 5),
    "端午": (5, 5),
    "七夕节": (7, 7),
    "七夕": (7, 7),
    "中元节": (7, 15),
    "中秋节": (8, 15),
    "中秋": (8, 15),
    "重阳节": (9, 9),
    "腊八节": (12, 8),
    "腊八": (12, 8),
    "小年": (12, 23),
    "除夕夜": (12, 30),
    "除夕": (12, 30),
    "年三十": (12, 30),
    "大年三十": (12, 30),
}
_WEEKDAYS = {"母亲节": (5, 2, 6), "父亲节": (6, 3, 6), "感恩节": (11, 4, 3)}
HOLIDAYS = frozenset((*_SOLAR, *_LUNAR, *_WEEKDAYS, "清明节"))


def holiday(year: int, name: str) -> date | None:
    """The day of a holiday of a common year; the eve of the lunar new year counts to the lunar year that it ends.

    Raises:
        ValueError: `name` is not one of `HOLIDAYS`.
    """
    if name in _SOLAR:
        return date(year, *_SOLAR[name])
    if name in _LUNAR:
        return lunar_to_solar(year, *_LUNAR[name])
    if name in _WEEKDAYS:
        month, nth, weekday = _WEEKDAYS[name]
        return nth_weekday(year, month, nth, weekday)
    return solar_term(year, name.removesuffix("节"))


def nth_weekday(year: int, month: int, nth: int, weekday: int) -> date | None:
    """The n-th Monday (0) … Sunday (6) of a month; None where the month has fewer."""
    first = date(year, month, 1)
    day = first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))
    return day if day.month == month else None
