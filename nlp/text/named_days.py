"""Days with a name: holidays (国庆, 五一, 正月初一), solar terms, 今天 and 前天, days of the week (下周三, 周末)."""

from __future__ import annotations

import re

from nlp.text.almanac import HOLIDAYS, TERMS
from nlp.text.points import Point
from nlp.text.tape import DATE, NUMERAL, Tape

_HOLIDAY_NAMES = {name: name for name in HOLIDAYS} | {
    "国际劳动节": "劳动节",
    "国际妇女节": "妇女节",
    "国际儿童节": "儿童节",
    "元旦节": "元旦",
    "中秋佳节": "中秋节",
    "圣诞": "圣诞节",
}
_HOLIDAY = re.compile("|".join(sorted(_HOLIDAY_NAMES, key=len, reverse=True)))
# Holidays that go by the numbers of their month and day: 五一 is the first of May.
_NUMBERED = {
    "五一": "劳动节",
    "三八": "妇女节",
    "六一": "儿童节",
    "五四": "青年节",
    "七一": "建党节",
    "八一": "建军节",
    "十一": "国庆节",
}
_NUMBERED_HOLIDAY = re.compile(
    rf"{NUMERAL}(?:(?P<name>节|(?:国际)?(?:{'|'.join(sorted(set(_NUMBERED.values())))})|国庆)|小?长?假|放假|期间|黄金周|当天)"
)
_DOUBLED = {"十一": 11, "11": 11, "十二": 12, "12": 12}  # 双十一
# Terms that are ordinary words as well (小满 is a name, 大雪 is weather) count only after a year.
_WORDS_TOO = frozenset({"雨水", "小满", "小雪", "大雪", "白露", "寒露", "霜降", "小暑", "大暑"})
_TERM = re.compile("|".join(TERMS))
_NEW_YEAR_DAYS = re.compile(rf"大年初{NUMERAL}")

_SHIFTS = {"今": 0, "当": 0, "本": 0, "昨": -1, "明": 1, "次": 1, "翌": 1, "前": -2, "后": 2, "听": 1, "琴": -1, "寻": -1}
# What may follow: 前天 but not 前日志. 听日 is Cantonese for 明天, 琴日 and 寻日 for 昨天.
_UNITS = {"今": "天日晚早夜儿", "昨": "天日晚夜早儿", "明": "天日晚早儿", "前": "天日", "后": "天日", "当": "天日晚"}
_DAY_WORD = re.compile(
    r"(?P<far>大{1,4})?(?P<day>(?<!如)今|昨|明|听|琴|寻|(?<![以之提先从日])前|(?<![以之今然此最日])后|当|次|翌|本)"
    r"(?P<unit>[天日](?![然津河后前]|头条)|[早晚](?![期餐饭点辈])(?:上|间)?|儿个?|夜)(?:上午|下午|晚上|早上|中午|凌晨)?"
)
_WEEK_NAME = "(?:周|星期|礼拜)"
_WEEK = re.compile(
    rf"(?P<word>上{{1,4}}|下{{1,4}}|这|本|今)?(?P<one>{NUMERAL})?个?(?P<unit>周|星期|礼拜){_WEEK_NAME}?"
    rf"(?:(?P<num>{NUMERAL})|(?P<day>[日天末](?![期报子刊津])))?"
)
_NTH = re.compile(rf"的?(?:第{NUMERAL}|(?P<last>最后{NUMERAL}?))个?{_WEEK_NAME}(?:(?P<num>{NUMERAL})|(?P<day>[日天]))")
_AFTER_DATE = re.compile(rf"[日号{DATE}]\(?$")


def read_holiday(tape: Tape, start: int) -> Point | None:
    """A holiday or solar term that begins at a position of the tape."""
    text = tape.text
    lead = tape.numerals[start].text if start in tape.numerals else ""
    if lead:
        return _read_numbered(tape, start, lead)
    match = _HOLIDAY.match(text, start)
    if match is not None:
        return Point(match.end(), part=_HOLIDAY_NAMES[match.group()])
    term = _TERM.match(text, start)
    if term is not None and (term.group() not in _WORDS_TOO or text[start - 1 : start] == "年"):
        return Point(term.end(), part=term.group())
    return _read_split(tape, start)


def _read_numbered(tape: Tape, start: int, lead: str) -> Point | None:
    """五一, 七夕, 万圣节: holidays whose name begins with a numeral."""
    text = tape.text
    match = _HOLIDAY.match(lead + text[start + 1 : start + 6])
    if match is not None and match.end() > len(lead):
        return Point(start + 1 + match.end() - len(lead), part=_HOLIDAY_NAMES[match.group()])
    name = _NUMBERED.get(lead)
    if name is None:
        return None
    numbered = _NUMBERED_HOLIDAY.match(text, start)
    if numbered is not None:
        return Point(numbered.end() if numbered.group("name") else start + 1, part=name)
    alone = len(text) == 1 or text[start - 1 : start] in ("天", "年", "日")
    return Point(start + 1, part=name) if alone else None


def _read_split(tape: Tape, start: int) -> Point | None:
    """Names that hold a numeral: 大年三十, 腊八, 双十一, 大年初二."""
    text = tape.text
    numeral = tape.numerals.get(start + 1)
    if numeral is not None and text.startswith("腊", start) and numeral.text == "八":
        return Point(start + (3 if text.startswith("节", start + 2) else 2), part="腊八节")
    if numeral is not None and text.startswith("双", start) and numeral.text in _DOUBLED:
        return Point(start + 2, month=_DOUBLED[numeral.text], day=_DOUBLED[numeral.text])
    if not text.startswith("大年", start):
        return None
    last = tape.numerals.get(start + 2)
    if last is not None and last.whole == 30:
        return Point(start + 3, part="除夕")
    first = _NEW_YEAR_DAYS.match(text, start)
    day = tape.numerals[first.end() - 1].whole if first else None
    return Point(first.end(), month=1, day=day, lunar=True) if first and day and day <= 10 else None


def starts_holiday(tape: Tape, position: int) -> bool:
    """Whether a holiday or solar term follows, as in 06年端午."""
    return bool(
        _HOLIDAY.match(tape.text, position) or _TERM.match(tape.text, position) or _NUMBERED_HOLIDAY.match(tape.text, position)
    )


def read_day_word(tape: Tape, start: int) -> Point | None:
    """今天, 昨晚上, 大后天."""
    match = _DAY_WORD.match(tape.text, start)
    if match is None:
        return None
    far, day = match.group("far") or "", match.group("day")
    if match.group("unit")[0] not in _UNITS.get(day, "日") or (far and day not in "前后"):
        return None
    shift = _SHIFTS[day]
    return Point(match.end(), unit="day", shift=shift + (len(far) if shift > 0 else -len(far)))


def read_week(tape: Tape, start: int) -> Point | None:
    """下周三, 上个星期, 周末, 最后一个周三; 每周一 and the weekday in 3月5日(星期三) are no dates of their own."""
    text = tape.text
    match = _WEEK.match(text, start)
    if match is None:
        nth = read_nth_weekday(tape, Point(start, unit="month"))
        return nth if nth is not None and nth.nth < 0 else None
    before, word = text[start - 1 : start], match.group("word") or ""
    if before in ("每", NUMERAL, "第", "个") or _AFTER_DATE.search(text, max(0, start - 2), start):
        return None
    if match.group("one") and (not word or tape.numerals[match.start("one")].text != "一"):
        return None
    shift = {"上": -1, "下": 1}.get(word[:1], 0) * len(word)
    weekday = _read_weekday(tape, match)
    end = match.start("num") if match.group("num") and weekday is None else match.end()
    if match.group("day") == "末":
        return Point(end, unit="week", shift=shift, part="周末")
    if weekday is not None:
        return Point(end, unit="week" if word else "weekday", shift=shift, weekday=weekday)
    if not word or (match.group("unit") == "周" and text[end : end + 1] in ("岁", "年", "边", "围")):
        return None
    return Point(end, unit="week", shift=shift)


def read_nth_weekday(tape: Tape, month: Point) -> Point | None:
    """第一个星期一, 最后一个周五 after a month."""
    match = _NTH.match(tape.text, month.end)
    if match is None:
        return None
    weekday = _read_weekday(tape, match)
    count = -1 if match.group("last") else tape.numerals[tape.text.index(NUMERAL, month.end)].whole
    if weekday is None or not count or count > 5:
        return None
    return Point(match.end(), month.year, month.month, unit=month.unit, shift=month.shift, weekday=weekday, nth=count)


def _read_weekday(tape: Tape, match: re.Match[str]) -> int | None:
    """0 for Monday to 6; None where no day of the week is named."""
    if not match.group("num"):
        return 6 if match.group("day") in ("日", "天") else None
    number = tape.numerals[match.start("num")]
    return number.whole - 1 if len(number.text) == 1 and number.whole and number.whole < 7 else None
