"""All values of a text in one pass: `find` for a whole text, `read_value` for a span that a model tagged."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import date

from nlp.schema import VALUE_KINDS, Entity, LabelSchema, Value, ValueKind
from nlp.text.ages import find_ages, read_plain_age
from nlp.text.amounts import find_amounts, read_plain_amount
from nlp.text.counts import find_numbers, find_ordinals
from nlp.text.dates import DATE_INITIALS, find_dates, read_plain_year
from nlp.text.durations import find_durations
from nlp.text.normalize import normalize
from nlp.text.numerals import DIGIT_CHARS, UNIT_CHARS
from nlp.text.percents import find_percents
from nlp.text.regions import NEIGHBOURS, find_regions, resolve
from nlp.text.tape import Mention, Tape, fold

# Order breaks ties between readings of the same length.
_FINDERS: tuple[tuple[ValueKind, Callable[[Tape], list[Mention]]], ...] = (
    ("ordinal", find_ordinals),
    ("percent", find_percents),
    ("amount", find_amounts),
    ("age", find_ages),
    ("duration", find_durations),
    ("number", find_numbers),
)
# Any character that a value can begin with; a text without one has no values but regions.
_TRIGGER = re.compile(rf"[0-9Xx*×几半{DIGIT_CHARS}{UNIT_CHARS}{DATE_INITIALS}]")


def find(text: str, types: Collection[ValueKind] | None = None, reference: date | None = None) -> list[Entity]:
    """Finds values in a text.

    Args:
        text: Any text, as it came.
        types: The kinds to find; None for all.
        reference: The day that relative dates count from; without it they are found but have no value.

    Returns:
        Entities in text order, without overlap, with offsets of `text`; `type` is the kind, `value` the canonical value.
    """
    wanted = VALUE_KINDS if types is None else types
    normalized = normalize(text)
    found: list[Entity] = []
    if any(kind != "region" for kind in wanted) and _TRIGGER.search(normalized.text):
        tape = fold(normalized.text)
        for mention in _choose(tape, _mentions(tape, reference)):
            if mention.kind in wanted:
                start, end = normalized.to_original(*tape.span(mention.start, mention.end))
                found.append(Entity(start, end, mention.kind, value=mention.value))
    if "region" in wanted:
        found = _merge(found, find_regions(normalized))
    return found


def read_value(text: str, start: int, end: int, kind: ValueKind, reference: date | None = None) -> Value | None:
    """Reads the value of one span that a model tagged, with the words around it (不低于, 每人每月).

    Args:
        text: The whole text, as it came.
        start: First code point of the span.
        end: Code point after the span.
        kind: What the span is said to be.
        reference: The day that relative dates count from.

    Returns:
        The canonical value, or None where the span holds none of that kind.

    Raises:
        ValueError: The span does not lie inside the text.
    """
    return read_values(text, [(start, end, kind)], reference)[0]


def read_values(text: str, spans: Sequence[tuple[int, int, ValueKind]], reference: date | None = None) -> list[Value | None]:
    """Reads the values of all spans (start, end, kind) of a text at once; regions help to decide one another.

    Returns:
        A value, or None, for each span, as `read_value` gives it.
    """
    normalized = normalize(text)
    tape: Tape | None = None
    mentions: dict[ValueKind, list[Mention]] = {}
    regions = [(start, end) for start, end, kind in spans if kind == "region"]
    values: list[Value | None] = []
    for start, end, kind in spans:
        if kind == "region":
            place = regions.index((start, end))
            near = [*regions[max(0, place - NEIGHBOURS) : place], *regions[place + 1 : place + 1 + NEIGHBOURS]]
            values.append(resolve(text, start, end, near))
            continue
        tape = tape or fold(normalized.text)
        if kind not in mentions:
            mentions[kind] = find_dates(tape, reference) if kind == "date" else dict(_FINDERS)[kind](tape)
        values.append(_read_span(tape, mentions[kind], *tape.locate(*normalized.to_normalized(start, end)), kind))
    return values


def add_values(text: str, entities: Sequence[Entity], labels: LabelSchema, reference: date | None = None) -> tuple[Entity, ...]:
    """The entities of a text, each of a type that has a grammar with its value; those that have one keep it."""
    kinds = {label.id: label.value for label in labels.types}
    bare = {e: kind for e in entities if e.value is None and (kind := kinds.get(e.type))}
    values = dict(zip(bare, read_values(text, [(e.start, e.end, kind) for e, kind in bare.items()], reference), strict=True))
    return tuple(replace(e, value=values[e]) if e in bare else e for e in entities)


def _read_span(tape: Tape, mentions: Sequence[Mention], first: int, last: int, kind: ValueKind) -> Value | None:
    touching = [m for m in mentions if m.start < last and first < m.end]
    if touching:
        return max(touching, key=lambda m: (min(m.end, last) - max(m.start, first), m.end - m.start)).value
    return _read_bare(tape, first, last, kind)


def _read_bare(tape: Tape, first: int, last: int, kind: ValueKind) -> Value | None:
    """A number whose unit the writer left out, taken for what the model says it is: 月工资[8000], 退休前([50]或55)."""
    position = next((p for p in tape.numerals if first <= p < last), None)
    if position is None:
        return None
    if kind == "amount":
        return read_plain_amount(tape, position)
    if kind == "age":
        return read_plain_age(tape, position)
    return read_plain_year(tape, position) if kind == "date" else None


def _mentions(tape: Tape, reference: date | None) -> list[Mention]:
    mentions = find_dates(tape, reference)
    if tape.numerals or "半" in tape.text:
        for _, finder in _FINDERS:
            mentions.extend(finder(tape))
    return mentions


def _choose(tape: Tape, mentions: list[Mention]) -> list[Mention]:
    """The longest reading wins where two overlap, then the kind that stands first."""
    starts, ends = tape.starts, tape.ends
    mentions.sort(key=lambda m: (starts[m.start] - ends[m.end - 1], _RANK[m.kind]))
    taken: set[int] = set()
    chosen: list[Mention] = []
    for mention in mentions:
        places = range(mention.start, mention.end)
        if taken.isdisjoint(places):
            taken.update(places)
            chosen.append(mention)
    chosen.sort(key=lambda m: m.start)
    return chosen


_RANK = {kind: rank for rank, kind in enumerate(("date", *(kind for kind, _ in _FINDERS)))}


def _merge(values: list[Entity], regions: list[Entity]) -> list[Entity]:
    """Joins two lists in text order. A region yields to a value as long as itself (三元 is money here), but not to a bare number."""
    starts = [value.start for value in values]
    dropped: set[int] = set()
    kept: list[Entity] = []
    for region in regions:
        first, last = max(bisect_right(starts, region.start) - 1, 0), bisect_left(starts, region.end)
        rivals = [i for i in range(first, last) if values[i].end > region.start and i not in dropped]
        if all(values[i].type == "number" or values[i].end - values[i].start < region.end - region.start for i in rivals):
            dropped.update(rivals)
            kept.append(region)
    return sorted((*kept, *(v for i, v in enumerate(values) if i not in dropped)), key=lambda e: e.start)
