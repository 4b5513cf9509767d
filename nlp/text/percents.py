"""Percentages in running text: %, ‰, 百分之, 万分之, 成, 折, 个百分点; ranges, comparators, and whether a change is meant."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal

from nlp.schema import Comparator, PercentValue
from nlp.text.amounts import shift_point
from nlp.text.modifiers import RANGE, bound, read_comparator
from nlp.text.numerals import Numeral
from nlp.text.tape import NUMERAL, Mention, Tape

# What after 成 and 折 makes another word: 三成年人 (but 三成年轻人), 一成不变, 两折叠.
_CHENG_TRAPS = "年(?!轻)|[员功立果群双对套语绩型品]|分(?!之)|本(?![科地人])|不变"
_RATIO = re.compile(
    rf"{NUMERAL}(?:(?P<sign>[%‰])|分(?P<of>之?)(?={NUMERAL})|(?P<points>个?百分点)"
    rf"|(?P<cheng>成(?!{_CHENG_TRAPS}))|(?P<zhe>折(?![扣腾叠断磨旧射页子桂纸])))"
)
_COUNTED = re.compile("[个元块万亿年月日天岁人名位次%‰成折倍点户家条]")
_TO = re.compile(RANGE)
_FROM = re.compile(rf"{NUMERAL}{RANGE}$")
_RISE = re.compile(
    "(?:[提升]高|降低|[上下]调|调[高低]|[增减降涨升跌]|增长|[上下][升降涨跌浮]|下滑|减少|增加|回[升落]|[增降涨跌]幅|多|少|提升|[高低]出)"
    "(?:了|约|近|将近|超过?|达|不低于|不超过|至少|最多|幅度)*$"
)
_RISE_AFTER = re.compile("的?(?:高位|快速|较快|平均|年均|同比|速度)*(?:增[长幅速]|[涨降]幅|[下上][降跌涨升])")


@dataclass(frozen=True, slots=True)
class _Ratio:
    """A ratio on the tape; bounds as fractions, None where masked. `places` is the power of ten that its sign divides by."""

    start: int
    end: int
    low: Decimal | None
    high: Decimal | None
    places: int
    points: bool = False
    ranged: bool = False


def find_percents(tape: Tape) -> list[Mention]:
    """Finds percentages on a tape: 70%, 百分之六十五, 七成五, 八折, 五个百分点, 60%-300%, 百分之三十到四十."""
    found: list[Mention] = []
    last = 0
    for match in _RATIO.finditer(tape.text):
        ratio = _read_ratio(tape, match.start()) if match.start() >= last else None
        if ratio is None:
            continue
        ratio = _extend(tape, ratio, last)
        change = ratio.points or _is_change(tape.text, ratio)
        comparator: Comparator = "range" if ratio.ranged else read_comparator(tape, ratio.start, ratio.end, reach=28)
        low, high = bound(ratio.low, ratio.high, comparator)
        found.append(Mention(ratio.start, ratio.end, "percent", PercentValue(low, high, comparator, change)))
        last = ratio.end
    return found


def _is_change(text: str, ratio: _Ratio) -> bool:
    """提高5% and 12%的增长 are changes, 提高到60% is a level."""
    return bool(_RISE.search(text, max(0, ratio.start - 10), ratio.start) or _RISE_AFTER.match(text, ratio.end))


def _extend(tape: Tape, ratio: _Ratio, floor: int) -> _Ratio:
    """Joins a ratio with the number or ratio that a range sign parts from it."""
    text, low, high = tape.text, ratio.low, ratio.high
    to = _TO.match(text, ratio.end)
    if to is not None and to.end() in tape.numerals and low is not None:
        last = _read_ratio(tape, to.end()) or _read_upper(tape, ratio, to.end())
        if last is not None and last.high is not None and low <= last.high:
            return replace(last, start=ratio.start, low=low, points=ratio.points or last.points, ranged=True)
    start = _FROM.search(text, max(floor, ratio.start - 4), ratio.start)
    first = tape.numerals.get(start.start()) if start and ratio.places else None
    if start is None or first is None or first.low is None or high is None:
        return ratio
    lower = shift_point(first.low, ratio.places)
    return replace(ratio, start=start.start(), low=lower, ranged=True) if lower is not None and lower <= high else ratio


def _read_upper(tape: Tape, ratio: _Ratio, position: int) -> _Ratio | None:
    """The 四十 of 百分之三十到四十."""
    if not tape.text.startswith("分之", ratio.start + 1):
        return None
    unit, upper = tape.numerals[ratio.start], tape.numerals[position]
    if unit.low is None or upper.low is None or _COUNTED.match(tape.text, position + 1):
        return None
    places = len(str(unit.low)) - 1
    return _Ratio(position, position + 1, shift_point(upper.low, places), shift_point(upper.high, places), 0)


def _read_ratio(tape: Tape, position: int) -> _Ratio | None:
    """One ratio that begins at a numeral."""
    match = _RATIO.match(tape.text, position)
    numeral = tape.numerals.get(position)
    if match is None or numeral is None or numeral.text == "几":  # 首付几成？ asks
        return None
    end, kind, low, high = match.end(), match.lastgroup, numeral.low, numeral.high
    if kind == "of":
        return _read_hundredths(numeral, tape.numerals[end], position, end + 1, bool(match.group("of")))
    if numeral.pair and kind != "zhe":
        low, high = Decimal(numeral.pair[0]), Decimal(numeral.pair[1])
    if kind in ("sign", "points"):
        places = 3 if match.group().endswith("‰") else 2
        return _Ratio(position, end, shift_point(low, places), shift_point(high, places), places, kind == "points")
    if low is None or high is None or numeral.form == "bare" or low < 0 or tape.text[position - 1 : position] == "第":
        return None
    if kind == "zhe":  # 九折, 八五折, 8.5折
        places = 1 if high <= 10 else 2
        return _Ratio(position, end, shift_point(low, places), shift_point(high, places), places) if high < 100 else None
    return _read_tenths(tape, _Ratio(position, end, shift_point(low, 1), shift_point(high, 1), 1)) if high <= 10 else None


def _read_tenths(tape: Tape, ratio: _Ratio) -> _Ratio:
    """What may follow 成: 五 (七成五), 半."""
    tail = tape.numerals.get(ratio.end)
    extra = tail.low if tail is not None and len(tail.text) == 1 and tail.whole in range(1, 10) else None
    if tape.text.startswith("半", ratio.end):
        extra = Decimal(5)
    if extra is None or ratio.low is None or ratio.high is None or ratio.low != ratio.high:
        return ratio
    value = ratio.low + (shift_point(extra, 2) or 0)
    return _Ratio(ratio.start, ratio.end + 1, value, value, 0)


def _read_hundredths(unit: Numeral, part: Numeral, start: int, end: int, spoken: bool) -> _Ratio | None:
    """百分之N, 万分之N; 百分N and 百分百 without 之."""
    hundred = unit.text in ("百", "佰", "负百")
    if unit.form != "bare" or unit.approximate or unit.low is None or not (spoken or hundred) or part.text == "几":
        return None
    if part.form == "bare" and not (hundred and part.text in ("百", "佰")):
        return None
    places = len(str(abs(unit.low))) - 1
    low, high = shift_point(part.low, places), shift_point(part.high, places)
    if unit.low < 0 and low is not None and high is not None:  # 负百分之三
        low, high = -high, -low
    return _Ratio(start, end, low, high, 0)
