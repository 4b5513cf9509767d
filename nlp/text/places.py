"""Where a text names places: names, chains of them, masked names, abbreviations, zones, towns and villages.

A chain is one place (`江苏溧阳`, `A7县金井镇团山村`). Spans are half-open code points of a normalised text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nlp.schema import NATIONAL
from nlp.text.gazetteer import CITY_STANDING, Gazetteer, Reading, gazetteer, level, related
from nlp.text.lookalikes import FUNCTION, HAN, UNIT_SUFFIXES, is_institution, is_lookalike, is_street, organisation_end

# 西地省 is the mask of a province in a public corpus of citizens' letters.
_MASKED = re.compile(
    r"(?:(?<![A-Za-z0-9])[A-Z][0-9]{0,3} ?(?:县市|[省市县区州镇乡村]|街道)"
    r"|(?<![A-Za-zXx×*○])[Xx×*○]{1,4}(?:[省市县区州镇乡村]|街道)"
    r"|某{1,2}(?:[省市县区州镇乡村]|街道)"
    r"|[甲乙丙丁][国省市县镇村]|西地省)(?![场值价容块间别民道])"
)
_MASK_STARTS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZx×*○某甲乙丙丁西")
_PROVINCE_LIKE = re.compile(rf"[^\W\d_{FUNCTION}各跨外本全两多几邻异此整出回节]{{2}}省")
# Characters and words that stand before 镇 or 村 in running text and are no name: 所属镇, 自然村, 加强集镇建设.
_NO_TOWN = f"{FUNCTION}农城本全老家故返下市县区省险费户乡镇村街个属组织"
_NO_NAME = (
    "(?!.{0,2}(?:当地|所在|建立|召集|派出|责成|目前|部分|发挥|委托|一样|据悉|加强|强化|政府|工业|交通|自然|行政|多数|教师|千年|现代"
    "|特色|房产))"
)
_TOWN_KIND = "(?:街道(?!办)|镇(?![静痛级长])|乡(?![镇村亲愁里下道长]))"
_VILLAGE = rf"{_NO_NAME}[^\W\d_{_NO_TOWN}]{{1,4}}?村(?![民委里庄干集镇道级长]|花园|小区)"
_TOWNS = re.compile(rf"{_NO_NAME}[^\W\d_{_NO_TOWN}]{{2,4}}?{_TOWN_KIND}(?:{_VILLAGE})?|{_VILLAGE}")
# Without a place before it, a town has a short name and stands behind a character that ends another word.
_OPENING = "经据现原系转自达使离年求临住居询映诉示入望"
_FREE_TOWN = re.compile(
    rf"(?:(?<![{HAN}])|(?<=[{FUNCTION}{_OPENING}])){_NO_NAME}"
    rf"[^\W\d_{_NO_TOWN}{_OPENING}反投希咨集古小重][^\W\d_{_NO_TOWN}{_OPENING}集重]{{1,2}}{_TOWN_KIND}(?:{_VILLAGE})?|(?<=原){_VILLAGE}"
)
_ZONE = re.compile(
    rf"[^\W\d_{FUNCTION}省市县区保险]{{0,3}}?(?:高新技术产业开发区|经济技术开发区|高新技术开发区|经济开发区|工业园区|高新区"
    "|经开区|开发区|综合实验区|保税区|自贸区|自由贸易试验区|自贸试验区|经济区|管理区|新区)"
)
_GAP = re.compile(r"[ \t]{0,2}(?:[-·][ \t]{0,2})?")
_LONGEST_TITLE = 80
_TAILS = {"市": "场民面值价容", "省": "会份", "县": "级", "区": "别间块"}

_PLAIN_ABBREVIATIONS = frozenset("沪粤皖闽赣鄂渝黔滇湘豫琼鲁冀浙穗蓉甬")
_OTHER_ABBREVIATIONS = frozenset("京津晋蒙辽苏桂川陕甘疆藏深杭厦港澳台")
_JOINT = re.compile("[京津沪渝冀豫辽湘皖鲁苏浙赣鄂桂晋陕闽粤川琼黔滇藏甘]{2,6}(?=[两三四五六七]?[地省])")
_MOVE = frozenset("返离赴抵驻留援")
_BESIDE = frozenset("在来进入回到从由往居至去")
_BELONGS = re.compile("[内籍户]|医保|社保|医疗保险|养老|低保|公积金|居住证|户口")
_ACTS = re.compile(rf"$|[^{HAN}\w]|[内籍户参缴工居住打务买报落生读就办看务创务人]|医保|社保")


@dataclass(frozen=True, slots=True)
class Part:
    """A link of a chain: its span, and its readings (none for masked places, towns and unknown names)."""

    start: int
    end: int
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A mention of a place: its span, and what the whole chain may stand for, best first."""

    start: int
    end: int
    readings: tuple[Reading, ...]


def find_places(text: str) -> list[Place]:
    """All places of a normalised text, in text order, without overlap."""
    tables = gazetteer()
    places: list[Place] = []
    i = 0
    while i < len(text):
        part, after = _first(text, i, tables)
        if part is None:
            i = after
            continue
        place = _chain(text, part, tables)
        blocked = organisation_end(text, place.start, place.end, tables)
        if blocked is None and not (places and _is_estate(text, place, places[-1])):
            places.append(place)
        i = blocked or place.end
    return places


def _is_estate(text: str, place: Place, before: Place) -> bool:
    """Whether a name without 市, 县 … stands right behind a small place that does not contain it: 伊宁市上海城."""
    if place.start != before.end or text[place.end - 1] in UNIT_SUFFIXES:
        return False
    return not before.readings or all(level(c) == "county" for r in before.readings for c in r.codes)


def begins_institution(text: str, start: int, end: int) -> bool:
    """Whether the span `text[start:end]` that a model took for a place begins the name of a public body or of a hospital."""
    return is_institution(text, start, end, gazetteer())


def read_place(text: str) -> Place | None:
    """Reads a normalised text as one place, as for a span that a model tagged; guards against look-alikes do not apply."""
    tables = gazetteer()
    for i in range(len(text)):
        part = _name_at(text, i, tables, guarded=False)
        if part is None or not part.readings:
            part = _masked_at(text, i) or (part if part is None else None)
        if part is not None:
            return _chain(text, part, tables)
    # 沪上 and 粤省 are provinces, but 新区, 黑市 and 吉市 are none.
    smaller = text[1:] not in ("", "省") and text[-1] in UNIT_SUFFIXES
    abbreviation = () if smaller else tables.abbreviations.get(text[:1], ())
    return _chain(text, Part(0, 1, abbreviation), tables) if abbreviation else None


def _first(text: str, i: int, tables: Gazetteer) -> tuple[Part | None, int]:
    """The place that begins at `i`, or where to look next. Titles in 《》 are documents, with the places in them."""
    if text[i] == "《":
        return None, text.find("》", i, i + _LONGEST_TITLE) + 1 or i + 1
    if text[i : i + 2] in tables.lengths:
        part = _name_at(text, i, tables, guarded=True)
        if part is not None:
            return (part, part.end) if part.readings else (None, part.end)
    char = text[i]
    part = _masked_at(text, i) if char in _MASK_STARTS else None
    if part is None and char in tables.abbreviations:
        part = _abbreviation_at(text, i, tables)
    if part is None and text[i + 2 : i + 3] == "省":
        part = _misspelt_at(text, i, tables)
    if part is None:
        match = _FREE_TOWN.match(text, i)
        part = Part(i, match.end()) if match else None
    return part, i + 1


def _name_at(text: str, i: int, tables: Gazetteer, *, guarded: bool, inner: bool = False) -> Part | None:
    """The longest name at `i`. A part without readings is a word that hides names and is to be passed over.

    Args:
        text: Normalised text.
        i: Where the name begins.
        tables: The gazetteer.
        guarded: Whether look-alikes are left out.
        inner: Whether the name follows a place that may contain it; only then may it be a common word.
    """
    for length in tables.lengths.get(text[i : i + 2], ()):
        end = i + length
        word = text[i:end]
        readings = tables.names.get(word) if end <= len(text) else None
        if readings is None:
            continue
        if not readings:
            if guarded:
                return Part(i, end)
            continue
        if end < len(text) and text[end] in _TAILS.get(word[-1], "") and not _unit_begins(text, end, tables):
            continue
        if guarded and ((not inner and _too_common(text, i, end, tables)) or is_lookalike(text, i, end, tables, inner=inner)):
            continue
        return Part(i, end, readings)
    return None


def _unit_begins(text: str, i: int, tables: Gazetteer) -> bool:
    """Whether a name with 市, 县 … begins at `i`: 保定市|容城县 is not 保定|市容."""
    words = (text[i : i + length] for length in tables.lengths.get(text[i : i + 2], ()))
    return any(tables.names.get(word) and word[-1] in UNIT_SUFFIXES for word in words)


def _too_common(text: str, start: int, end: int, tables: Gazetteer) -> bool:
    """Whether a name is a common word and not followed by what belongs to a city (`白银医保`)."""
    word = text[start:end]
    return word in tables.weak and (tables.names[word][0].weight < CITY_STANDING or _BELONGS.match(text, end) is None)


def _masked_at(text: str, i: int) -> Part | None:
    match = _MASKED.match(text, i)
    return Part(i, match.end()) if match and not is_street(text, match.end()) else None


def _misspelt_at(text: str, i: int, tables: Gazetteer) -> Part | None:
    """A province of two characters with one of them wrong: 安微省."""
    match = _PROVINCE_LIKE.match(text, i)
    if match is None:
        return None
    provinces = [tables.units[code] for code in tables.inner[NATIONAL]]
    near = [o for o in provinces if len(o) == 3 and o[2] == "省" and (o[0] == text[i] or o[1] == text[i + 1])]
    return Part(i, i + 3, tuple(r for official in near for r in tables.names[official])) if near else None


def _abbreviation_at(text: str, i: int, tables: Gazetteer) -> Part | None:
    """One character for a province or city, where the text around it says so: 返穗, 在沪参保, 疆内; and 苏皖两省."""
    joint = _JOINT.match(text, i)
    if joint:
        codes = tuple(tables.abbreviations[c][0].codes[0] for c in joint.group())
        return Part(i, joint.end(), (Reading("group", codes, 1.0),))
    char, before = text[i], text[max(0, i - 3) : i].rstrip(")")[-1:]
    if char not in _PLAIN_ABBREVIATIONS and char not in _OTHER_ABBREVIATIONS:
        return None
    free = not before or not "\u4e00" <= before <= "\u9fff"
    moved = before in _MOVE or (before in _BESIDE and _ACTS.match(text, i + 1) is not None)
    if moved or (free and _BELONGS.match(text, i + 1) is not None):
        return Part(i, i + 1, tables.abbreviations[char])
    return None


def _chain(text: str, first: Part, tables: Gazetteer) -> Place:
    """Joins what follows and lies inside: units, then a zone, then a town and village."""
    end, readings = first.end, first.readings
    while (link := _link(text, end, readings, tables)) is not None:
        end = link.end
        readings = link.readings or readings
    if all(r.kind != "group" for r in readings):
        for pattern in (_ZONE, _TOWNS):
            match = pattern.match(text, end)
            end = match.end() if match else end
    return Place(first.start, end, readings)


def _link(text: str, end: int, readings: tuple[Reading, ...], tables: Gazetteer) -> Part | None:
    """The next link of a chain that ends at `end`: a unit inside one of `readings`, or a masked one."""
    gap = _GAP.match(text, end)
    start = gap.end() if gap else end  # the pattern may match nothing, so it always matches
    masked = _masked_at(text, start)
    if masked is None and not readings and text.startswith("地区", start):
        masked = _masked_at(text, start + 2)
    if masked is not None:
        # The same mask twice is a sentence that begins anew.
        return None if text.endswith(text[masked.start : masked.end], 0, end) else masked
    part = _name_at(text, start, tables, guarded=True, inner=True)
    if part is None or not part.readings:
        return None
    if not readings:
        if text[part.start : part.end] in tables.weak:
            return None
        return part if text[part.end - 1] in UNIT_SUFFIXES and start == end else None
    inside = tuple(r for r in part.readings if _fits(r, readings))
    if not inside or inside[0].weight < 0.2 * part.readings[0].weight:
        return None
    return Part(part.start, part.end, inside)


def _fits(inner: Reading, outer: tuple[Reading, ...]) -> bool:
    """Whether some reading of the place before contains this one; zones and former units may share its code."""
    wanted = ("contains", "same") if inner.kind in ("zone", "part", "former") else ("contains",)
    return any(o.kind != "group" and related(a, b) in wanted for o in outer for a in o.codes for b in inner.codes)
