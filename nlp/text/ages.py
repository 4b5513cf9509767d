"""Ages of persons in running text: 50周岁, 六七十岁, 3-6岁, 四岁半, 6个月的宝宝."""

from __future__ import annotations

import re
from decimal import Decimal

from nlp.schema import AgeValue, Comparator
from nlp.text.modifiers import RANGE, bound, read_condition
from nlp.text.tape import NUMERAL, Mention, Tape

_AGE = re.compile(
    rf"{NUMERAL}(?P<more>[多余来几])?(?:周岁|岁(?![月末尾首入出暮寒]))(?:(?P<half>半)|(?P<over>多(?!少))|[零又]?(?P<months>{NUMERAL})个月)?"
    rf"|{NUMERAL}(?P<unit>个月|月|天|周)(?:大(?![学型小多家])|龄|(?=的?(?:宝宝|婴儿|婴幼儿|新生儿|幼儿|小?孩|胎儿)))"
)
_PARTS = {"个月": 12, "月": 12, "周": 52, "天": 365}  # of a year
_FROM = re.compile(rf"{NUMERAL}(?:周?岁)?{RANGE}$")

Bounds = tuple[Decimal | None, Decimal | None]


def find_ages(tape: Tape) -> list[Mention]:
    """Finds ages on a tape; values are in years, and 满 and 年满 make them lower bounds."""
    found: list[Mention] = []
    for match in _AGE.finditer(tape.text):
        start, end = match.start(), match.end()
        if start not in tape.numerals:
            continue
        bounds = _read_years(tape, match)
        begin = _FROM.search(tape.text, max(0, start - 6), start)
        lower = _read_lower(tape, begin, match, bounds[1])
        if begin is not None and lower is not None:
            start = begin.start()
            value = AgeValue(lower, bounds[1], "range")
        else:
            value = _bounded(bounds, read_condition(tape, start, end))
        if found and found[-1].end > start:
            found.pop()
        found.append(Mention(start, end, "age", value))
    return found


def read_plain_age(tape: Tape, position: int) -> AgeValue:
    """Takes the numeral at a position of the tape for years of age."""
    numeral = tape.numerals[position]
    return _bounded((numeral.low, numeral.high), read_condition(tape, position, position + 1))


def _bounded(bounds: Bounds, comparator: Comparator) -> AgeValue:
    if comparator == "eq" and bounds[0] != bounds[1]:
        comparator = "range"
    return AgeValue(*bound(*bounds, comparator), comparator)


def _read_lower(tape: Tape, begin: re.Match[str] | None, match: re.Match[str], high: Decimal | None) -> Decimal | None:
    """The 3 of 3-6岁."""
    first = tape.numerals.get(begin.start()) if begin else None
    if first is None or first.low is None or high is None:
        return None
    lower = _in_years(first.low, match.group("unit"))
    return lower if lower <= high else None


def _in_years(count: Decimal, unit: str | None) -> Decimal:
    return round(count / _PARTS[unit], 4) if unit else count


def _read_years(tape: Tape, match: re.Match[str]) -> Bounds:
    numeral = tape.numerals[match.start()]
    if numeral.low is None or numeral.high is None:
        return None, None
    low, high = map(Decimal, numeral.pair) if numeral.pair else (numeral.low, numeral.high)
    if match.group("unit"):
        return _in_years(low, match.group("unit")), _in_years(high, match.group("unit"))
    if match.group("half"):
        return low + Decimal("0.5"), high + Decimal("0.5")
    months = tape.numerals[match.start("months")].low if match.group("months") else None
    if months is not None:
        return low + _in_years(months, "个月"), high + _in_years(months, "个月")
    return low, high + 1 if match.group("over") or match.group("more") else high
