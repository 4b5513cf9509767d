"""Another place, another writing of a number: edits that keep what an entity is.

Places: every unit named in a text becomes another of the same level, the same one wherever it stands, a district of a city a district of
the city that replaces it; written as before (河北省, 河北, 冀, 江苏溧阳). Numbers: the same value otherwise (12000, 1.2万, 一万二, 12k).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import cache
from itertools import combinations, product
from random import Random

from nlp.data.noise import Edit
from nlp.schema import Entity, RegionValue
from nlp.text.gazetteer import gazetteer, level, parents, related
from nlp.text.numerals import read_numeral

LEVELS = ("province", "city", "county")
_NUMERAL = re.compile(r"\d[\d,]*(?:\.\d+)?[百千万亿wWkK]*|[〇零一二两三四五六七八九十百千万亿]+(?!分之)")
_VAGUE = re.compile(r"[几数多余来xX*某第]")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)[%％]|百分之([〇零一二三四五六七八九十百\d]+)|([一二两三四五六七八九])成")
_CALENDAR = re.compile(r"年|个?月|[日号]")
_DIGITS, _FORMAL = "零一二三四五六七八九", str.maketrans("一二两三四五六七八九十百千", "壹贰贰叁肆伍陆柒捌玖拾佰仟")
# 一万二千 is said 一万二, 八千五百 八千五: the last unit falls off where it is the next one down.
_LAST_UNIT = re.compile(r"(?<=万)([一二三四五六七八九])千$|(?<=千)([一二三四五六七八九])百$")
_MOST = 10**8  # larger numbers are left as they are


def place_edits(text: str, regions: Sequence[Entity], chance: Random) -> tuple[list[Edit], dict[str, str]]:
    """Swaps the places of a text.

    Args:
        text: The text.
        regions: Its regions with values.
        chance: Source of randomness.

    Returns:
        The edits and the new code of each old one; both empty where a place is undecided, a group, or written in no usual form.
    """
    written: list[tuple[Entity, str, tuple[tuple[str, str], ...]]] = []
    for region in regions:
        codes = region.value.resolved if isinstance(region.value, RegionValue) else ()
        known = len(codes) == 1 and codes[0] in gazetteer().units
        parts = _parts(text[region.start : region.end], codes[0]) if known else None
        if parts is None:
            return [], {}
        written.append((region, codes[0], parts))
    swaps: dict[str, str] = {}
    for code in sorted({code for _, code, _ in written}, key=lambda c: LEVELS.index(level(c))):
        above = next((swaps[p] for p in parents(code) if p in swaps), "")
        peers = [c for c in _peers(level(code), len(parents(code)), above) if c != code and c not in swaps.values()]
        if not peers:
            return [], {}
        swaps[code] = chance.choice(peers)
    edits = []
    for region, code, parts in written:
        units = {level(c): c for c in (*parents(swaps[code]), swaps[code])}
        words = [_forms(units[tier]).get(form, "") if tier in units else "" for tier, form in parts]
        if not all(words):
            return [], {}
        edits.append((region.start, region.end, "".join(words)))
    return edits, swaps


def _parts(surface: str, code: str) -> tuple[tuple[str, str], ...] | None:
    """How a place is written: (level, form) of each unit of the chain, 江苏溧阳 → province short, county short."""
    above = tuple(reversed(parents(code)))
    for count in range(len(above) + 1):
        for chosen in combinations(above, count):
            chain = (*chosen, code)
            for forms in product(*(_forms(c) for c in chain)):
                if "".join(_forms(c)[form] for c, form in zip(chain, forms, strict=True)) == surface:
                    return tuple((level(c), form) for c, form in zip(chain, forms, strict=True))
    return None


@cache
def _peers(tier: str, depth: int, inside: str) -> tuple[str, ...]:
    """Units of one level with as many units above them, inside a unit where one is given."""
    units = (c for c in gazetteer().units if level(c) == tier and len(parents(c)) == depth)
    return tuple(c for c in units if not inside or related(inside, c) == "contains")


@cache
def _words() -> dict[str, list[str]]:
    """Code → every name and abbreviation of that one unit."""
    words: dict[str, list[str]] = {}
    tables = gazetteer()
    for names in (tables.names, tables.abbreviations):
        for word, readings in names.items():
            if readings and len(readings[0].codes) == 1 and readings[0].kind in ("unit", "name", "abbreviation"):
                words.setdefault(readings[0].codes[0], []).append(word)
    return words


@cache
def _forms(code: str) -> dict[str, str]:
    """The usual forms of a name: `official` 河北省, `short` 河北, `letter` 冀; those that mean another unit first are left out."""
    official = gazetteer().units[code]
    words = _words().get(code, [])
    short = max((w for w in words if official.startswith(w) and 1 < len(w) < len(official)), key=len, default="")
    letter = next((w for w in words if len(w) == 1), "")
    return {form: word for form, word in (("official", official), ("short", short), ("letter", letter)) if word}


def numeral_edits(text: str, entity: Entity, kind: str, share: float, chance: Random) -> list[Edit]:
    """Writes numerals of one entity otherwise, each with probability `share`; vague and masked ones stay.

    Args:
        text: The text.
        entity: The entity.
        kind: The grammar of its values.
        share: Probability in [0, 1].
        chance: Source of randomness.
    """
    surface = text[entity.start : entity.end]
    if kind == "percent":
        others = _percents(surface) if chance.random() < share else []
        return [(entity.start, entity.end, chance.choice(others))] if others else []
    if _VAGUE.search(surface):
        return []
    edits = []
    for match in _NUMERAL.finditer(surface):
        after = surface[match.end() :]
        if chance.random() >= share or (kind == "date" and not _CALENDAR.match(after)):
            continue
        others = [w for w in _writings(match.group(), kind, after) if w != match.group()]
        if others:
            edits.append((entity.start + match.start(), entity.start + match.end(), chance.choice(others)))
    return edits


def _percents(surface: str) -> list[str]:
    """Other writings of a plain ratio: 70%, 百分之七十, 七成."""
    match = _PERCENT.fullmatch(surface)
    read = read_numeral(match.group(1) or match.group(2) or match.group(3)) if match else None
    if match is None or read is None or read.low is None or read.low != read.high or not 0 < read.low < 1000:
        return []
    value = read.low * 10 if match.group(3) else read.low
    spoken = [f"百分之{spell(int(value)).replace('两', '二')}"] if value == int(value) else []
    tenths = [f"{spell(int(value) // 10).replace('两', '二')}成"] if value < 100 and value % 10 == 0 else []
    return [word for word in (f"{_arabic(value)}%", *spoken, *tenths) if word != surface]


def _writings(numeral: str, kind: str, after: str) -> list[str]:
    read = read_numeral(numeral)
    if read is None or read.low is None or read.low != read.high or read.approximate or not 0 < read.low < _MOST:
        return []
    value = read.low
    if kind == "date" and after.startswith("年"):
        digits = numeral if read.form == "arabic" else format(value, "f")
        spelled = "".join(_DIGITS[int(d)] for d in digits) if digits.isdigit() else ""
        return [digits, spelled, spelled.replace("零", "〇")] if len(digits) == 4 and spelled else []
    if kind == "date":  # 二月, not 两月
        return [word.replace("两", "二") for word in _plain(value)]
    return list(dict.fromkeys(writings(value) if kind in ("amount", "number") else _plain(value)))


def _plain(value: Decimal) -> Iterator[str]:
    yield _arabic(value)
    if value == int(value):
        yield spell(int(value))


def writings(value: Decimal) -> Iterator[str]:
    """Ways to write a number: 12000, 12,000, 1.2万, 1.2w, 12k, 一万二千, 一万二, 壹万贰仟.

    Args:
        value: Above 0 and below 100 million.
    """
    yield from _plain(value)
    if value != int(value):
        return
    number = int(value)
    if number >= 1000:
        yield f"{number:,}"
        yield spell(number).translate(_FORMAL)
    if number >= 10000 and number % 100 == 0:
        yield _arabic(value / 10000) + "万"
        yield _arabic(value / 10000) + "w"
    if 1000 <= number < 100000 and number % 100 == 0:
        yield _arabic(value / 1000) + "k"
    yield _LAST_UNIT.sub(lambda match: match.group(1) or match.group(2), spell(number).replace("万两千", "万二千"))


def _arabic(value: Decimal) -> str:
    return format(value.normalize(), "f")


def spell(number: int) -> str:
    """A whole number from 1 to 100 million in Chinese: 10500 → 一万零五百, 12 → 十二, 2000 → 两千."""
    high, low = divmod(number, 10000)
    words = _below_ten_thousand(low)
    if high:
        words = ("两" if high == 2 else _below_ten_thousand(high)) + "万" + ("零" if 0 < low < 1000 else "") + words
    return "两" if number == 2 else words[1:] if words.startswith("一十") else words


def _below_ten_thousand(number: int) -> str:
    words = ""
    for digit, unit in zip(f"{number:04d}", ("千", "百", "十", ""), strict=True):
        if digit != "0":
            words += ("两" if digit + unit == "2千" else _DIGITS[int(digit)]) + unit
        elif words and not words.endswith("零"):
            words += "零"
    return words.rstrip("零")
