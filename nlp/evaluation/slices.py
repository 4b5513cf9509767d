"""Gold rows → parts of them that differ in length, register, number of entities or level of the places named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any

from nlp.evaluation.metrics import Report, evaluate
from nlp.schema import Analysis, Example, LabelSchema, RegionValue
from nlp.text.gazetteer import level

LENGTHS = (20, 60, 200)  # last code points of the length bands
ENTITIES = (0, 2, 5)  # last numbers of entities of their bands
LEVELS = ("nation", "province", "city", "county", "undecided", "no region")


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the rows, such as length 21-60, and its figures."""

    kind: str
    name: str
    report: Report

    def to_dict(self) -> dict[str, Any]:
        figures = self.report.to_dict()
        numbers = {name: value for name, value in figures.items() if not isinstance(value, dict)}
        return {"kind": self.kind, "name": self.name, "topic_rows": self.topic_rows, "entities": self.entities, **numbers}

    @property
    def topic_rows(self) -> int:
        return sum(count.gold for count in self.report.topics.values())

    @property
    def entities(self) -> int:
        return sum(count.gold for count in self.report.types.values())


def slice_reports(gold: Sequence[Example], predicted: Sequence[Analysis], labels: LabelSchema) -> list[Slice]:
    """Figures of each slice. Those of one kind share no rows, except places: a row counts for every level it names.

    Raises:
        ValueError: `gold` and `predicted` have different lengths.
    """
    regions = labels.place_types()
    parts: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, (example, _) in enumerate(zip(gold, predicted, strict=True)):
        for key in _slices_of(example, regions):
            parts[key].append(number)
    return [
        Slice(kind, name, evaluate([gold[n] for n in rows], [predicted[n] for n in rows], labels.out_of_scope()))
        for (kind, name), rows in sorted(parts.items(), key=lambda part: _order(part[0]))
    ]


def _slices_of(example: Example, regions: Set[str]) -> Iterator[tuple[str, str]]:
    yield "length", _band(len(example.text), LENGTHS)
    if example.register:
        yield "register", example.register
    yield "entities", _band(len(example.entities), ENTITIES)
    for name in _levels(example, regions):
        yield "region level", name


def _levels(example: Example, regions: Set[str]) -> set[str]:
    """Levels of the places that the gold row names; `undecided` for masked places and those with several readings."""
    levels: set[str] = set()
    for entity in example.entities:
        if entity.type in regions:
            codes = entity.value.resolved if isinstance(entity.value, RegionValue) else ()
            levels |= {level(code) for code in codes} or {"undecided"}
    return levels or {"no region"}


def _band(number: int, ends: tuple[int, ...]) -> str:
    first = 0
    for end in ends:
        if number <= end:
            return str(end) if first == end else f"{first}-{end}"
        first = end + 1
    return f"{first}+"


def _order(key: tuple[str, str]) -> tuple[str, float, str]:
    """Bands by their first number, levels from the nation down, registers by name."""
    kind, name = key
    if name in LEVELS:
        return kind, LEVELS.index(name), name
    first = name.rstrip("+").split("-")[0]
    return kind, int(first) if first.isdecimal() else 0, name
