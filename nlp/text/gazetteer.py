"""Administrative units of China: codes of GB/T 2260, their hierarchy, and every name that stands for one.

The hierarchy is read off the code: 44 is a province, 4401 a city in it, 440106 a district of that city. County-level units
directly under a province (429004 仙桃市) and districts of municipalities (110105) have the province as parent. Tables:
`data/regions.tsv` (official and former names), `data/region_names.tsv` (short names, groups, zones), `data/region_words.tsv`
(names that are common words).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

from nlp.schema import NATIONAL

Level = Literal["nation", "province", "city", "county"]
Relation = Literal["same", "contains", "inside", "disjoint"]

# Standing among units of one name: 朝阳 is the city before the districts; a county is last unless it lies in a large city.
_PROVINCE, _LARGE_CITY, _CITY, CITY_STANDING, _DISTRICT, _COUNTY = 100.0, 60.0, 40.0, 20.0, 10.0, 5.0
_LARGE_CITIES = frozenset({"2102", "3205", "3302", "3502", "3702", "4403"})
_FORMER_SHARE = 0.5
_HABIT_SHARE = 0.1
_INNER_SHARE = 0.05  # 湘潭 is the city 湘潭市, hardly ever 湘潭县 inside it
_UNITS_OF_COUNTIES = "县市区"


@dataclass(frozen=True, slots=True)
class Reading:
    """One thing that a name may stand for.

    Attributes:
        kind: `unit`, `name` (short), `abbreviation`, `group`, `zone`, `part` or `former`.
        codes: Six-digit codes; several for a group, or for a former unit that was divided.
        weight: Standing among the readings of the name, above 0.
        year: Year in which a former name ended, else None.
    """

    kind: str
    codes: tuple[str, ...]
    weight: float
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """The tables in memory.

    Attributes:
        units: Code → official name.
        names: Name of two characters or more → readings, best first; words that only hide a name have none.
        abbreviations: One character → readings.
        lengths: First two characters of a name → lengths of the names that begin so, longest first.
        weak: Names that are common words.
        left: Name → characters that may not stand before it.
        right: Name → characters that may not stand after it.
        inner: Code → codes of the units directly inside.
    """

    units: Mapping[str, str]
    names: Mapping[str, tuple[Reading, ...]]
    abbreviations: Mapping[str, tuple[Reading, ...]]
    lengths: Mapping[str, tuple[int, ...]]
    weak: frozenset[str]
    left: Mapping[str, str]
    right: Mapping[str, str]
    inner: Mapping[str, tuple[str, ...]]


def level(code: str) -> Level:
    """The level of a code; county-level cities and districts are `county`, 东莞 and other cities without districts `city`."""
    if code == NATIONAL:
        return "nation"
    return "province" if code.endswith("0000") else "city" if code.endswith("00") else "county"


def name(code: str) -> str:
    """The official name of a unit, empty for an unknown code."""
    return "全国" if code == NATIONAL else gazetteer().units.get(code, "")


def parents(code: str) -> tuple[str, ...]:
    """Codes of the units that contain `code`, nearest first; the nation is not listed."""
    above = (code[:4] + "00", code[:2] + "0000")
    return tuple(c for c in above if c != code and c in gazetteer().units) if code != NATIONAL else ()


def children(code: str) -> tuple[str, ...]:
    """Codes of the units directly inside `code`; the provinces for `nlp.schema.NATIONAL`."""
    return gazetteer().inner.get(code, ())


def related(a: str, b: str) -> Relation:
    """How two units lie to each other: `contains` means that `a` contains `b`. Codes need not be in the table."""
    if a == b:
        return "same"
    stem_a, stem_b = _stem(a), _stem(b)
    if stem_b.startswith(stem_a):
        return "contains"
    return "inside" if stem_a.startswith(stem_b) else "disjoint"


def former(name_: str) -> tuple[Reading, ...]:
    """What a renamed or abolished unit became: codes of its successors and the year; nothing for a name in use."""
    return tuple(r for r in gazetteer().names.get(name_, ()) if r.kind == "former")


@cache
def gazetteer() -> Gazetteer:
    """Reads the tables, once."""
    rows = [
        (kind, tuple(codes.split(" ")), names.split(" "), year) for kind, codes, names, year in _rows("regions", "region_names")
    ]
    units = {codes[0]: names[0] for kind, codes, names, _ in rows if kind == "unit"}
    found: dict[str, dict[tuple[str, ...], Reading]] = defaultdict(dict)
    for kind, codes, names, year in rows:
        for position, word in enumerate(names):
            weight = (
                _DISTRICT if kind in ("zone", "part") else _standing(codes[0]) * (_FORMER_SHARE if kind == "former" else 1.0)
            )
            reading = Reading(kind if position == 0 or kind != "unit" else "name", codes, weight, int(year) if year else None)
            found[word].setdefault(codes, reading)
    for code, word in _renamed(units, found):
        # 东兴市 is the city of that name before it is 东兴区 by another habit.
        share = _FORMER_SHARE if word not in found else _FORMER_SHARE * _HABIT_SHARE
        found[word].setdefault((code,), Reading("former", (code,), _standing(code) * share))
    words_of: dict[str, list[str]] = defaultdict(list)
    for kind, words, *_ in _rows("region_words"):
        words_of[kind] += words.split(" ")
    readings = {word: _ranked(by_codes.values()) for word, by_codes in found.items()}
    readings.update((word, ()) for word in words_of["word"] if word not in readings)
    return Gazetteer(
        units,
        {word: r for word, r in readings.items() if len(word) > 1},
        {word: r for word, r in readings.items() if len(word) == 1},
        _lengths(word for word in readings if len(word) > 1),
        frozenset(words_of["weak"]),
        dict(pair.split(":") for pair in words_of["left"]),
        dict(pair.split(":") for pair in words_of["right"]),
        _inner(units),
    )


def _rows(*files: str) -> Iterator[tuple[str, str, str, str]]:
    """The columns of the tables, comments left out, missing columns empty."""
    for file in files:
        table = resources.files(__package__).joinpath(f"data/{file}.tsv").read_text(encoding="utf-8")
        for line in table.splitlines():
            if not line.startswith("#"):
                kind, first, second, third, *_ = (*line.split("\t"), "", "")
                yield kind, first, second, third


def _renamed(units: Mapping[str, str], found: Mapping[str, Mapping[tuple[str, ...], Reading]]) -> list[tuple[str, str]]:
    """Names that county-level units had or are given by habit: 新津县 for 新津区."""
    renamed = []
    for code, official in units.items():
        stem = official[:-1]
        if level(code) == "county" and len(stem) > 1 and official[-1] in _UNITS_OF_COUNTIES and (code,) in found.get(stem, {}):
            # 大城县 is never called 大城市, nor 天全县 天全市.
            units_ = "县" if stem[-1] in "城全" else _UNITS_OF_COUNTIES
            words = (stem + unit for unit in units_ if unit != official[-1])
            renamed += [(code, w) for w in words if all(codes[0][:4] != code[:4] for codes in found.get(w, ()))]
    return renamed


def _standing(code: str) -> float:
    large = code[2:4] == "01" or code[:4] in _LARGE_CITIES
    if code.endswith("0000"):
        return _PROVINCE
    if code.endswith("00"):
        return _LARGE_CITY if large else _CITY if int(code[2:4]) < 21 else CITY_STANDING
    return _DISTRICT if large else _COUNTY


def _ranked(readings: Iterable[Reading]) -> tuple[Reading, ...]:
    """Readings by falling weight; those inside another reading of the same name hardly count."""
    every = list(readings)
    ranked = []
    for r in every:
        inside = any(len(o.codes) == 1 and len(r.codes) == 1 and related(o.codes[0], r.codes[0]) == "contains" for o in every)
        # 吉林市 lies in 吉林省, and both are meant by 吉林.
        share = _INNER_SHARE if inside and level(r.codes[0]) == "county" else 1.0
        ranked.append(Reading(r.kind, r.codes, r.weight * share, r.year))
    return tuple(sorted(ranked, key=lambda r: (-r.weight, r.codes)))


def _lengths(words: Iterable[str]) -> dict[str, tuple[int, ...]]:
    lengths: dict[str, set[int]] = defaultdict(set)
    for word in words:
        lengths[word[:2]].add(len(word))
    return {start: tuple(sorted(found, reverse=True)) for start, found in lengths.items()}


def _inner(units: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    inner: dict[str, list[str]] = defaultdict(list)
    for code in sorted(units):
        above = (code[:4] + "00", code[:2] + "0000")
        inner[next((c for c in above if c != code and c in units), NATIONAL)].append(code)
    return {code: tuple(inside) for code, inside in inner.items()}


def _stem(code: str) -> str:
    return "" if code == NATIONAL else code[:2] if code.endswith("0000") else code[:4] if code.endswith("00") else code
