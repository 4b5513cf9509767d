"""Lengths of time in running text: 15年, 两年半, 三个月零五天, 3~6个月, 半年多, 十几年, 15个工作日."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal

from nlp.schema import Comparator, DurationValue
from nlp.text.modifiers import RANGE, read_condition
from nlp.text.numerals import Numeral
from nlp.text.tape import NUMERAL, Mention, Tape

# Unit → designator of ISO 8601 (`m` minutes, `t` school terms, which ISO lacks) and how many of it.
_UNITS: dict[str, tuple[str, int]] = {
    word: (designator, count)
    for words, designator, count in (
        ("世纪 个世纪", "Y", 100),
        ("年 周年 载 学年 个学年", "Y", 1),
        ("学期 个学期", "t", 1),
        ("季度 个季度", "M", 3),
        ("月 个月 个自然月 个足月", "M", 1),
        ("周 星期 个星期 礼拜 个礼拜", "W", 1),
        ("天 日 昼夜 个昼夜 工作日 个工作日 交易日 个交易日 自然日 个自然日", "D", 1),
        ("小时 个小时 钟头 个钟头 个钟 时", "H", 1),
        ("刻钟 个刻钟", "m", 15),
        ("分钟 分", "m", 1),
        ("秒 秒钟", "S", 1),
    )
    for word in words.split()
}
_RANK = {designator: rank for rank, designator in enumerate("tYMWDHmS")}  # larger units first
_SECONDS = {"t": 0, "Y": 31557600, "M": 2629800, "W": 604800, "D": 86400, "H": 3600, "m": 60, "S": 1}
_HALVES = {
    "t": ("t", Decimal("0.5")),
    "Y": ("M", Decimal(6)),
    "M": ("M", Decimal("0.5")),
    "W": ("D", Decimal("3.5")),
    "D": ("H", Decimal(12)),
    "H": ("m", Decimal(30)),
    "m": ("S", Decimal(30)),
}
# What after the unit makes it another word: 三年级, 80年代, 两周岁, 六到八周期.
_TRAPS = {"年": "级代糕", "周": "岁末期边围", "载": "体重货客"}
_WORDS = "|".join(sorted(_UNITS, key=len, reverse=True))
_UNIT = re.compile(
    rf"(?P<more>个?[多余几来]个?|个?)(?P<half>半个?)?(?P<unit>{_WORDS})(?P<tail>半(?:钟头?)?|[多余](?![少额款元]))?"
    r"(?:时间(?=[了的内，,。]))?"
)
_HALF = re.compile(
    r"(?P<size>[大小])?半个?(?P<more>[多来])?个?(?P<unit>学年|学期|世纪|小时|钟头|分钟|星期|礼拜|[年月天日钟周])(?P<tail>多)?"
    r"(?![级代边])"
)
_TO = re.compile(rf"{RANGE}(?={NUMERAL})")
_JOIN = re.compile(rf"[零又余加]?(?={NUMERAL})")
_TAIL = re.compile(rf"{NUMERAL}[晚夜]|春秋")  # 6天5晚, 七载春秋
_DAYS_AFTER = re.compile(r"以?内|之内|以?后(?!天)|以上|以下|以前|之后|的?(?:期限|时限|宽限)")
_DAYS_BEFORE = re.compile(r"(?:[满达近约共过]|超过|不超|少于|多于|连续|累计|为期|逾期|提前|不足|至少|最[长多])[了到]?$")
_QUESTION = re.compile(r"[呢啊吗呀才能]?[?？]|[呢吗]$")
_ASKING = tuple("判要交缴多满需是能得待休放")

_Parts = tuple[tuple[str, Decimal], ...]  # designators and counts, larger units first


@dataclass(frozen=True, slots=True)
class _Length:
    """A length on the tape; bounds None where masked or in a unit that ISO 8601 lacks."""

    end: int
    low: _Parts | None
    high: _Parts | None
    unit: str


def find_durations(tape: Tape) -> list[Mention]:
    """Finds lengths of time on a tape; 每月 and the 一天 of 110元一天 are periods and not among them."""
    found: list[Mention] = []
    last = 0
    positions = list(tape.numerals)
    if "半" in tape.text:
        positions = sorted((*positions, *(m.start() for m in _HALF.finditer(tape.text))))
    for position in positions:
        mention = _find(tape, position) if position >= last else None
        if mention is not None:
            found.append(mention)
            last = mention.end
    return found


def _find(tape: Tape, position: int) -> Mention | None:
    if tape.text[position - 1 : position] in ("第", "每") or _is_idiom(tape, position):
        return None
    length = _read_length(tape, position)
    ranged = _read_range(tape, position, length)
    if ranged is not None:
        value = DurationValue(_render(ranged.low), _render(ranged.high), "range")
        return Mention(position, ranged.end, "duration", value)
    if length is None or _asks(tape, position, length.end) or _is_period(tape, position, length.end):
        return None
    comparator: Comparator = "range" if length.low != length.high else read_condition(tape, position, length.end)
    low = None if comparator in ("le", "lt") else _render(length.low)
    high = None if comparator in ("ge", "gt") else _render(length.high)
    return Mention(position, length.end, "duration", DurationValue(low, high, comparator))


def _read_range(tape: Tape, position: int, length: _Length | None) -> _Length | None:
    """3~6个月, 3天—8天; the first number may lack the unit."""
    to = _TO.match(tape.text, position + 1 if length is None else length.end)
    last = _read_length(tape, to.end(), ranged=True) if to else None
    numeral = tape.numerals.get(position)
    if last is None or last.high is None:
        return None
    if length is not None:
        low = length.low
    elif numeral is not None and numeral.low is not None and numeral.form != "digits":
        designator, count = _UNITS[last.unit]
        low = ((designator, numeral.low * count),)
    else:
        return None
    return replace(last, low=low) if low is not None and _seconds(low) <= _seconds(last.high) else None


def _is_period(tape: Tape, position: int, end: int) -> bool:
    """110元一天, 一年5000: one unit after or before an amount says how often, not how long."""
    numeral = tape.numerals.get(position)
    if numeral is None or numeral.text not in ("一", "1"):
        return False
    return tape.text[position - 1 : position] in ("元", "块", "钱", NUMERAL) or tape.text.startswith(NUMERAL, end)


def _is_idiom(tape: Tape, position: int) -> bool:
    """总有一天, 这一天, 一年比一年, 一天到晚."""
    numeral = tape.numerals.get(position)
    if numeral is None or numeral.text != "一":
        return False
    text, before = tape.text, tape.text[position - 1 : position]
    day = before in ("有", "某", "哪", "那", "这") and text.startswith("天", position + 1)
    compared = before in ("比", "逐") or text.startswith(f"比{NUMERAL}", position + 2)
    return day or compared or text.startswith("天到晚", position + 1)


def _asks(tape: Tape, position: int, end: int) -> bool:
    """判几年？ asks for a length."""
    numeral = tape.numerals.get(position)
    if numeral is None or numeral.text != "几":
        return False
    return bool(_QUESTION.match(tape.text, end)) or (end == len(tape.text) and tape.text[:position].endswith(_ASKING))


def _read_length(tape: Tape, position: int, ranged: bool = False) -> _Length | None:
    """One length that begins at a numeral or at 半, with the smaller units that follow it: 一年又一个月21天."""
    text = tape.text
    if position not in tape.numerals:
        half = _HALF.match(text, position)
        return _read_half(half) if half else None
    length = _read_part(tape, position, "", ranged)
    if length is None or _is_rate(tape, position, length):
        return length
    while length.low is not None and length.high is not None and (join := _JOIN.match(text, length.end)):
        part = _read_part(tape, join.end(), length.unit, ranged)
        if part is None or part.low is None or part.high is None or _rank(part) <= _rank(length):
            break
        # the 多 of 一年多三个月 says no more than "and"
        length = replace(part, low=(*length.low, *part.low), high=(*length.low, *part.high))
    tail = _TAIL.match(text, length.end)
    return replace(length, end=tail.end()) if tail and length.unit in ("天", "日", "载") else length


def _rank(length: _Length) -> int:
    return _RANK[_UNITS[length.unit][0]]


def _is_rate(tape: Tape, position: int, length: _Length) -> bool:
    """一个月5天假: five days in a month, not a month and five days; 一年三个月 and 一小时20分 are sums."""
    single = tape.numerals[position].text in ("一", "1") and length.unit not in ("年", "小时", "个小时", "分钟", "分")
    return single and tape.text.startswith(NUMERAL, length.end)


def _read_half(match: re.Match[str]) -> _Length | None:
    """半年, 半个多月, 大半天: more than half of it, 小半年: less."""
    unit = match.group("unit").replace("钟", "钟头") if match.group("unit") == "钟" else match.group("unit")
    designator, count = _HALVES[_UNITS[unit][0]]
    low = high = count * _UNITS[unit][1]
    if designator == "t":
        return _Length(match.end(), None, None, unit)
    if match.group("size") == "大":
        high = low * Decimal("1.8")
    elif match.group("size") == "小":
        low = low / 2
    elif match.group("more") or match.group("tail"):
        high = low * 2
    return _Length(match.end(), ((designator, low),), ((designator, high),), unit)


def _read_part(tape: Tape, position: int, larger: str, ranged: bool) -> _Length | None:
    """One count with its unit; `larger` is the unit before it, "" for none."""
    match = _UNIT.match(tape.text, position + 1)
    if match is None or not _is_length(tape, position, match, larger, ranged):
        return None
    numeral, unit, tail = tape.numerals[position], match.group("unit"), match.group("tail") or ""
    designator, count = _UNITS[unit]
    if numeral.low is None or numeral.high is None or designator == "t":
        return _Length(match.end(), None, None, unit)
    low, high = map(Decimal, numeral.pair) if numeral.pair else (numeral.low, numeral.high)
    if tail in ("多", "余") or any(c in match.group("more") for c in "多余几来"):
        high += 1
    lows, highs = ((designator, low * count),), ((designator, high * count),)
    if match.group("half") or tail.startswith("半"):
        return _Length(match.end(), (*lows, _HALVES[designator]), (*highs, _HALVES[designator]), unit)
    return _Length(match.end(), lows, highs, unit)


def _is_length(tape: Tape, position: int, match: re.Match[str], larger: str, ranged: bool) -> bool:
    """Whether a unit that also names a point in time (3月, 5日, 20分) or begins a word (三年级) is a length here."""
    text, numeral, unit, end = tape.text, tape.numerals[position], match.group("unit"), match.end()
    if numeral.form == "bare" and not numeral.approximate:
        return False
    after = text[end : end + 1]
    if unit == "天" and after == "津":
        return text.startswith("津贴", end)
    if after and after in _TRAPS.get(unit, "") and not match.group("tail"):
        return False
    if unit == "月":
        return "个" in match.group() or numeral.text == "数"
    if unit == "世纪":
        return numeral.low is None or numeral.low < 10
    if unit in ("年", "学年"):
        return not is_year(numeral)
    if unit == "日" and not larger and (numeral.low is None or numeral.low <= 31):
        return ranged or bool(_DAYS_AFTER.match(text, end) or _DAYS_BEFORE.search(text, max(0, position - 4), position))
    if unit == "时":
        return _UNITS.get(larger, ("",))[0] == "D"
    if unit == "分":
        halved = (match.group("tail") or "").startswith("半")
        return halved or _UNITS.get(larger, ("",))[0] == "H" or text.startswith("秒", end + 1)
    return True


def is_year(numeral: Numeral) -> bool:
    """Whether N年 names a year by the look of N: 2008, 二零零八 and 08 do, 15 and 三十 count years."""
    surface = numeral.text
    if numeral.form == "digits":
        return numeral.pair is None
    if surface.isascii() and surface.isdigit():
        return (len(surface) == 4 and 1000 <= int(surface) <= 2999) or (len(surface) == 2 and surface[0] == "0")
    return numeral.form == "chinese" and numeral.low is not None and surface[0] in "一两二" and 1900 <= numeral.low <= 2199


def _seconds(parts: _Parts) -> Decimal:
    """Rough length, to see that the bounds of a range rise."""
    return sum((_SECONDS[designator] * count for designator, count in parts), Decimal(0))


def _render(parts: _Parts | None) -> str | None:
    """(("Y", 2), ("M", 6)) → P2Y6M. Weeks stand alone in ISO 8601, so beside other units they become days."""
    if parts is None:
        return None
    totals: dict[str, Decimal] = {}
    for part in parts:
        designator, count = ("D", part[1] * 7) if part[0] == "W" and len(parts) > 1 else part
        totals[designator] = totals.get(designator, Decimal(0)) + count
    days = "".join(f"{_plain(totals[d])}{d}" for d in "YMWD" if d in totals)
    time = "".join(f"{_plain(totals[d])}{d.upper()}" for d in "HmS" if d in totals)
    return f"P{days}T{time}" if time else f"P{days}"


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
