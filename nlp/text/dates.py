"""Calendar points and periods in running text: 2024年3月31日, 去年3月, 上个月底, 2008年至2012年, 正月初六, 国庆, 下周三."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date

from nlp.schema import DateValue
from nlp.text.almanac import ERAS, HOLIDAYS, TERMS
from nlp.text.durations import is_year
from nlp.text.modifiers import RANGE
from nlp.text.named_days import read_day_word, read_holiday, read_nth_weekday, read_week, starts_holiday
from nlp.text.numerals import Numeral
from nlp.text.points import Point, full_year, read_date_digits, resolve
from nlp.text.tape import DATE, NUMERAL, Mention, Tape

_RELATIVE_YEARS = dict(
    zip(
        [
            "大前年",
            "前年",
            "去年",
            "上年",
            "今年",
            "本年",
            "当年",
            "同年",
            "这年",
            "明年",
            "次年",
            "下年",
            "来年",
            "后年",
            "大后年",
        ],
        (-3, -2, -1, -1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 3),
        strict=True,
    )
)
_RELATIVE_MONTHS = {"上": -1, "本": 0, "这": 0, "当": 0, "今": 0, "下": 1, "次": 1}
_MONTH_NAMES = {"正月": 1, "元月": 1, "首月": 1, "冬月": 11, "腊月": 12}
DATE_INITIALS = "今去前明后来上下本当同次翌大昨这农阴旧公正元腊冬首闰年月岁周星礼最听琴寻双第" + "".join(
    sorted({word[0] for word in (*HOLIDAYS, *TERMS, *ERAS)})
)
"""Every character, digits apart, that a date can begin with."""
_ANCHOR = re.compile(rf"[{NUMERAL}{DATE}{DATE_INITIALS}]")
# What follows a numeral that may begin a date; anything else is skipped without a closer look.
_CALENDAR = re.compile(rf"[世年月日号季.{NUMERAL}\-~～—–−〜―到至劳妇儿青建国光节小长假放期黄当夕圣学]|$")
_YEAR_WORD = (
    rf"大前年|大后年|(?<![以提从之先])前年|去年|(?<![以马楼])上{NUMERAL}?年(?!纪)|(?<!如)今年(?!老|轻)|本年|当年|同年"
    rf"|这{NUMERAL}?年(?![来里])|明年|次年|(?<!以)下{NUMERAL}?年|来年|(?<![今以之然最此])后年"
)
_YEAR = re.compile(
    rf"(?P<calendar>[公纪]元前?|农历|阴历)?(?:(?P<number>{NUMERAL})(?:\.?学?年度?(?![级代])|(?={NUMERAL}月))"
    rf"|(?P<word>{_YEAR_WORD})度?(?:同期)?)"
)
_ERA = re.compile(rf"(?P<era>{'|'.join(ERAS)})(?:{NUMERAL}|元)年")
_YEAR_PART = re.compile(r"年?(?P<part>底|末|初(?!一)|中(?=$|[,。;的以之前后]))|(?P<half>[上下]半年)")
_QUARTER = re.compile(rf"(?P<first>前|第)?(?P<number>{NUMERAL})季度?")
_QUARTER_WORD = re.compile(r"(?P<word>(?<![以加])上|下|本|这)个?季度")
_SEASON = re.compile(r"[春夏秋冬][天季]")
_CENTURY = re.compile(rf"(?P<number>{NUMERAL})世纪(?:(?P<decade>{NUMERAL})年代)?")
_MONTH = re.compile(
    rf"(?P<calendar>农历|阴历|旧历)?(?P<leap>闰)?(?:第?(?P<number>{NUMERAL})个?月份?|(?P<name>[正元首冬腊]月)份?)"
    r"|(?P<word>(?<![以马楼加])上{1,3}个?月份?|下{1,3}个?月份?|本月份?|这个?月份?(?![来里])|当月|次月|今个?月)"
)
_LUNAR_BEFORE = re.compile(r"(?:农历|阴历|旧历)$")
_DAY = re.compile(rf"的?(?P<first>初)?(?P<number>{NUMERAL})(?P<suffix>[日号])?")
_MONTH_PART = re.compile(r"份?(?P<part>底|末|初|[上中下]旬)")
_PART = re.compile(r"年(?:底|末|初(?!一)|中(?=$|[,。;的以之前后]))|(?<![加以])上半年|下半年|月[底末初]|岁末")
_FEASTS = frozenset({(1, 15), (5, 5), (7, 7), (7, 15), (8, 15), (9, 9), (12, 8)})
_TO = re.compile(RANGE)
_AFTER_WEEKDAY = re.compile(rf",?(?=[{NUMERAL}{DATE}])")
_SENTENCE_END = re.compile(r"[。！!?？\n]")
# 3号楼, 12号令, 2号窗口 name no day.
_NO_DAY = re.compile(
    "[楼线令院仓床台机厅路站井桥坑栋铺桌街]|文(?!化)|公[馆寓告]|房(?![东租管贷])|病床|窗口|厂房|单元|地块|门(?!诊)|车(?![费祸站])|通知书"
)
_LENGTH_AFTER = re.compile(r"以?内|之内|以?后|之后|以上|游")
_UNIT_AFTER = re.compile(r"[个名位次人元块万亿千百%‰岁周天小分秒年月倍成折家亩斤吨件至到~-]|时(?!候)")


@dataclass(frozen=True, slots=True)
class _Dated:
    """A date, or the two ends of a period."""

    end: int
    first: Point
    last: Point | None = None


def find_dates(tape: Tape, reference: date | None) -> list[Mention]:
    """Finds dates on a tape; relative ones get a value only with a reference day.

    A date without a year takes that of the date before it in the sentence, else that of the reference day, else stays open
    (`--03-31`).
    """
    found: list[Mention] = []
    position, context, context_end = 0, None, 0
    while anchor := _ANCHOR.search(tape.text, position):
        start = anchor.start()
        position = start + 1
        if anchor.group() == NUMERAL and not _CALENDAR.match(tape.text, position):
            continue
        dated = _read(tape, start)
        if dated is None:
            continue
        if context is not None and not _SENTENCE_END.search(tape.text, context_end, start):
            dated = replace(dated, first=_inherit(dated.first, context))
        last = None if dated.last is None else _inherit(dated.last, dated.first)
        value = _join(resolve(dated.first, reference), last, reference)
        found.append(Mention(start, dated.end, "date", None if value is None else DateValue(value)))
        position = max(dated.end, position)
        latest = last or dated.first
        if latest.year is not None or latest.month is not None or latest.unit in ("year", "month"):
            context, context_end = latest, dated.end
    return found


def _inherit(point: Point, before: Point) -> Point:
    """Fills the year, and for a lone day the month, from the date that stands before it."""
    if point.year is not None or point.unit or point.decade or point.weekday is not None:
        return point
    lone = point.month is None and point.day is not None
    if (point.month is None and not lone) or (lone and before.month is None and before.unit != "month"):
        return point
    unit = before.unit if before.unit in ("year", "month") else ""
    if unit == "month" and not lone:
        return point
    month = before.month if lone else point.month
    return replace(point, year=before.year, month=month, unit=unit, shift=before.shift if unit else 0)


def _join(first: str | None, last: Point | None, reference: date | None) -> str | None:
    if last is None:
        return first
    second = resolve(last, reference)
    return None if first is None or second is None else f"{first.partition('/')[0]}/{second.rpartition('/')[2]}"


def _read(tape: Tape, start: int) -> _Dated | None:
    """The date or period that begins at a position of the tape."""
    point = _read_point(tape, start)
    if point is None:
        return _read_open_range(tape, start, None)
    if point.day is None and not point.part and point.weekday is None and point.unit not in ("day", "week"):
        ranged = _read_open_range(tape, point.end, point)
        if ranged is not None:
            return ranged
    to = _TO.match(tape.text, point.end)
    if to is None or (point.part and point.month is None and not point.part.startswith("Q")):
        return _Dated(point.end, point)
    last = _read_point(tape, to.end())
    if last is None or last.weekday is not None:
        return _Dated(point.end, point)
    return _Dated(last.end, point, last)


def _read_open_range(tape: Tape, start: int, base: Point | None) -> _Dated | None:
    """2019-2020年, 1-6月, 元至11月, 3月5-8日: the first number takes the unit of the last; `base` is the year or month before."""
    text = tape.text
    to = _TO.match(text, start + 1)
    if to is None or to.end() not in tape.numerals or (start not in tape.numerals and text[start] != "元"):
        return None
    number = tape.numerals[start].whole if start in tape.numerals else 1
    last = _read_point(tape, to.end())
    if last is None or number is None:
        return None
    unit = text[to.end() + 1 : to.end() + 2]
    if unit in ("年", "学") and last.year is not None and 1000 < number < last.year and base is None:
        return _Dated(last.end, Point(start + 1, year=number), last)
    if unit == "月" and last.month is not None and 1 <= number < last.month and (base is None or base.month is None):
        first = Point(start + 1, month=number)
    elif unit in ("日", "号") and last.month is None and last.day is not None and 1 <= number < last.day:
        first = Point(start + 1, day=number)
    else:
        return None
    return _Dated(last.end, first if base is None else _inherit(first, base), last)


def _read_point(tape: Tape, start: int) -> Point | None:
    """One date that begins at a position of the tape."""
    if tape.text.startswith(DATE, start):
        return _read_digits(tape, start)
    year = _read_era(tape, start) or _read_year(tape, start)
    if year is not None:
        return _read_after_year(tape, year)
    for read in (_read_century, _read_month, read_holiday, read_day_word, read_week, _read_part, _read_quarter, _read_lone_day):
        point = read(tape, start)
        if point is not None:
            return _skip_weekday(tape, point)
    return None


def _skip_weekday(tape: Tape, point: Point) -> Point:
    """星期天, 二月十号 is one date."""
    if point.unit == "weekday" and (match := _AFTER_WEEKDAY.match(tape.text, point.end)):
        dated = _read_point(tape, match.end())
        if dated is not None and dated.day is not None:
            return dated
    return point


def _read_digits(tape: Tape, start: int) -> Point | None:
    fields = read_date_digits(tape.dates[start])
    if fields is None:
        return None
    end = start + 2 if tape.text[start + 1 : start + 2] in ("日", "号", "月") else start + 1
    return Point(end, *fields)


def _read_era(tape: Tape, start: int) -> Point | None:
    """光绪二十六年, 民国三十八年."""
    match = _ERA.match(tape.text, start)
    if match is None:
        return None
    numeral = tape.numerals.get(match.end("era"))
    number = 1 if numeral is None else numeral.whole
    return Point(match.end(), year=ERAS[match.group("era")] + number - 1) if number and number < 100 else None


def _read_year(tape: Tape, start: int) -> Point | None:
    match = _YEAR.match(tape.text, start)
    if match is None:
        return None
    if word := match.group("word"):
        one = tape.numerals.get(match.start("word") + 1)  # 这一年
        if one is not None and one.text != "一":
            return None
        return Point(match.end(), unit="year", shift=_RELATIVE_YEARS[word.replace(NUMERAL, "")])
    numeral = tape.numerals[match.start("number")]
    year = _year_of(numeral)
    if year is None or tape.text[start - 1 : start] == "第":
        return None
    if (match.group("calendar") or "").endswith("前"):
        return Point(match.end(), year=1 - numeral.whole) if numeral.whole else None  # ISO 8601 has a year 0
    return Point(match.end(), year=year) if _is_calendar_year(tape, match, numeral, year) else None


def _is_calendar_year(tape: Tape, match: re.Match[str], numeral: Numeral, year: int) -> bool:
    """Whether N年 names a year; 15年 mostly counts them, unless a month, a holiday or 截止 tells otherwise."""
    text, end = tape.text, match.end()
    before_month = text[end + 1 : end + 2] == "月"
    if is_year(numeral) or before_month or match.group("calendar") or starts_holiday(tape, end):
        return year >= 1500 or before_month
    if not (numeral.text.isdigit() and len(numeral.text) == 2):
        return False
    since = text[max(0, match.start() - 2) : match.start()].endswith(("截止", "截至", "自", "从", "自从"))
    return since or (year < 2000 and not text.startswith(tuple("内以后前的期产使来左了多"), end))


def read_plain_year(tape: Tape, position: int) -> DateValue | None:
    """Takes the numeral at a position of the tape for a year, where 年 follows it: the 18年 of 截止18年."""
    year = _year_of(tape.numerals[position]) if tape.text.startswith("年", position + 1) else None
    return None if year is None else DateValue(f"{year:04d}")


def _year_of(numeral: Numeral) -> int | None:
    number = numeral.whole
    if number is None or not 0 <= number <= 2999:
        return None
    if numeral.form == "digits" or numeral.text.isdigit():
        return full_year(number) if len(numeral.text) == 2 else number
    return number if number > 99 or numeral.form != "arabic" else None


def _read_after_year(tape: Tape, year: Point) -> Point:
    """What may follow a year: month and day, a holiday, 底, 上半年, 第一季度."""
    text = tape.text
    following = year.end + 1 if text.startswith("的", year.end) else year.end
    point = _read_month(tape, following) or read_holiday(tape, following)
    if point is not None and not point.unit:
        # 二零零四年八月十五 is no lunar date, 去年八月十五 is
        lunar = point.lunar and not (year.year is not None and point.feast)
        return replace(point, year=year.year, unit=year.unit, shift=year.shift, lunar=lunar)
    part = _YEAR_PART.match(text, following)
    if part is not None:
        return replace(year, end=part.end(), part=part.group("half") or "年" + part.group("part"))
    season = _SEASON.match(text, following)
    if season is not None:
        return replace(year, end=season.end(), part=season.group()[0])
    quarter = _read_quarter(tape, following)
    return year if quarter is None else replace(year, end=quarter.end, part=quarter.part)


def _read_month(tape: Tape, start: int) -> Point | None:
    text = tape.text
    match = _MONTH.match(text, start)
    if match is None:
        return None
    if match.group("word"):
        word = match.group("word")
        shift = _RELATIVE_MONTHS[word[0]] * (word.count(word[0]) if word[0] in "上下" else 1)
        return _read_month_part(tape, Point(match.end(), unit="month", shift=shift), None)
    name = match.group("name")
    lunar = bool(
        match.group("calendar") or _LUNAR_BEFORE.search(text, max(0, start - 2), start) or name in ("正月", "冬月", "腊月")
    )
    if name == "元月" and start - 1 in tape.numerals and not is_year(tape.numerals[start - 1]):
        return None  # 500元|月租
    numeral = None if name else tape.numerals[match.start("number")]
    month = _MONTH_NAMES[name] if numeral is None else numeral.whole
    if (
        month not in range(1, 13)
        or text[start - 1 : start] == "个"
        or ("个" in match.group()) != match.group().startswith("第")
    ):
        return None
    return _read_month_part(tape, Point(match.end(), month=month, lunar=lunar, leap=bool(match.group("leap"))), numeral)


def _read_month_part(tape: Tape, month: Point, numeral: Numeral | None) -> Point:
    """What may follow a month: a day, 初八, 底, 中旬, 第一个星期一."""
    text = tape.text
    nth = read_nth_weekday(tape, month)
    if nth is not None:
        return nth
    day = _DAY.match(text, month.end)
    if day is not None:
        return _read_day(tape, month, numeral, day)
    part = _MONTH_PART.match(text, month.end)
    if part is not None and not (month.lunar and part.group("part") == "初"):
        return replace(month, end=part.end(), part="月" + part.group("part"))
    return month


def _read_day(tape: Tape, month: Point, month_numeral: Numeral | None, match: re.Match[str]) -> Point:
    numeral = tape.numerals[match.start("number")]
    number, after = numeral.whole, tape.text[match.end() : match.end() + 1]
    if number not in range(1, 32) or (match.group("suffix") == "号" and _NO_DAY.match(tape.text, match.end())):
        return month
    feast = False
    if not match.group("first") and not match.group("suffix"):
        chinese = month_numeral is not None and not month_numeral.text.isascii() and not numeral.text.isascii()
        feast = chinese and (numeral.text[0] in "廿卅" or (month.month, number) in _FEASTS) and not month.lunar
        word_follows = after > "一" and len(numeral.text) < 2 and not feast
        if (
            month.unit
            or numeral.form == "digits"
            or len(numeral.text) > 3
            or word_follows
            or _UNIT_AFTER.match(tape.text, match.end())
        ):
            return month
    sure = month.lunar or bool(match.group("first")) or (feast and numeral.text[0] in "廿卅")
    return replace(month, end=match.end(), day=number, lunar=sure or feast, feast=feast and not sure)


def _read_part(tape: Tape, start: int) -> Point | None:
    """年底, 月初, 上半年 of the year or month at hand."""
    match = _PART.match(tape.text, start)
    if match is None:
        return None
    word, before = match.group().replace("岁", "年"), tape.text[start - 1 : start]
    if word in ("上半年", "下半年"):
        return Point(match.end(), part=word)
    return None if before in tuple("年半每多余几整全个" + NUMERAL) else Point(match.end(), part=word)


def _read_quarter(tape: Tape, start: int) -> Point | None:
    """第一季度, 前三季度 of the year at hand, 上个季度; 三个季度 is a length."""
    word = _QUARTER_WORD.match(tape.text, start)
    if word is not None:
        return Point(word.end(), unit="quarter", shift=_RELATIVE_MONTHS[word.group("word")])
    match = _QUARTER.match(tape.text, start)
    number = tape.numerals[match.start("number")].whole if match else None
    lone = match is not None and not match.group().endswith("度") and tape.text[start - 1 : start] != "年"
    if match is None or number not in (1, 2, 3, 4) or lone:
        return None
    return Point(match.end(), part=f"F{number}" if match.group("first") == "前" else f"Q{number}")


def _read_century(tape: Tape, start: int) -> Point | None:
    """二十世纪, 20世纪80年代."""
    match = _CENTURY.match(tape.text, start)
    number = tape.numerals[match.start("number")].whole if match else None
    if match is None or number is None or not 10 <= number <= 21:
        return None
    decade = tape.numerals[match.start("decade")].whole if match.group("decade") else None
    if decade is None:
        return Point(match.end(), year=100 * number - 99, part="世纪")
    return Point(match.end(), year=100 * number - 100 + decade, decade=True) if decade in range(10, 100, 10) else None


def _read_lone_day(tape: Tape, start: int) -> Point | None:
    """27号, 19日: a day of the month at hand; and decades such as 80年代."""
    text, numeral = tape.text, tape.numerals.get(start)
    number = None if numeral is None else numeral.whole
    if numeral is None or number is None:
        return None
    if text.startswith("年代", start + 1):
        year = full_year(number)
        return Point(start + 3, year=year, decade=True) if number % 10 == 0 and 10 <= number < 3000 else None
    suffix = text[start + 1 : start + 2]
    if suffix not in ("日", "号") or not 1 <= number <= 31 or "." in numeral.text:
        return None
    if text[start - 1 : start] in tuple("第]〕】)每路街弄巷文字满过达连计") or (
        suffix == "号" and _NO_DAY.match(text, start + 2)
    ):
        return None
    return None if _LENGTH_AFTER.match(text, start + 2) else Point(start + 2, day=number)
