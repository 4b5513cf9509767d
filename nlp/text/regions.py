"""Regions of a text and what they are: ranked readings with codes, decided by the text where it decides.

    find_regions(normalize("北京医保卡在河北不能刷"))  →  [0:2] 110000, [6:8] 130000

A name with several readings is resolved when one of them stands far above the others (海南: the province), when its chain
decides (辽宁朝阳), or when another place of the text does (朝阳 … 长春). A group has several codes, a masked place none.
"""

from __future__ import annotations

from collections.abc import Sequence

from nlp.schema import Entity, RegionCandidate, RegionValue
from nlp.text.gazetteer import (
    Gazetteer,
    Level,
    Reading,
    Relation,
    children,
    former,
    gazetteer,
    level,
    name,
    parents,
    related,
)
from nlp.text.normalize import NormalizedText, normalize
from nlp.text.places import Place, find_places, read_place

__all__ = ["Level", "Relation", "children", "find_regions", "former", "level", "name", "parents", "related", "resolve"]

DECISIVE = 0.75  # share of the best reading from which a name needs no context; 吉林 (0.71) and 朝阳 (0.66) lie below
MAX_CANDIDATES = 6
NEIGHBOURS = 20  # places on each side that help to decide


def find_regions(normalized: NormalizedText) -> list[Entity]:
    """All regions of a text, as entities of type `region` with spans of the original text.

    Args:
        normalized: The text as `normalize` gave it.
    """
    places = find_places(normalized.text)
    entities = []
    for i, place in enumerate(places):
        start, end = normalized.to_original(place.start, place.end)
        others = [*places[max(0, i - NEIGHBOURS) : i], *places[i + 1 : i + 1 + NEIGHBOURS]]
        entities.append(Entity(start, end, "region", value=_value(place, others)))
    return entities


def resolve(text: str, start: int, end: int, mentions: Sequence[tuple[int, int]] = ()) -> RegionValue | None:
    """Reads the value of a span that something else, such as a model, took for a region.

    Args:
        text: The whole original text.
        start: Where the span begins, in code points.
        end: Where it ends.
        mentions: Spans of other regions of the text, which help to decide; without them the text is searched.

    Returns:
        The value, without codes for a masked place; None where the span holds no name that a table knows and no mask.

    Raises:
        ValueError: A span does not lie inside `text`.
    """
    place = _place(text, start, end)
    if place is None:
        return None
    if not place.readings or _decisive(place.readings):
        return _value(place, ())
    if mentions:
        others = [other for span in mentions if span != (start, end) and (other := _place(text, *span)) is not None]
    else:
        normalized = normalize(text)
        others = [Place(*normalized.to_original(p.start, p.end), p.readings) for p in find_places(normalized.text)]
    return _value(place, [o for o in others if o.end <= start or end <= o.start])


def _place(text: str, start: int, end: int) -> Place | None:
    if not 0 <= start <= end <= len(text):
        raise ValueError(f"span [{start}, {end}) does not lie inside the text of {len(text)} characters")
    place = read_place(normalize(text[start:end]).text)
    return None if place is None else Place(start, end, place.readings)


def _value(place: Place, others: Sequence[Place]) -> RegionValue:
    """The value of a place in the company of other places."""
    if not place.readings:
        return RegionValue()
    readings = place.readings
    decided = _decisive(readings)
    if decided is None:
        readings = _narrowed(place, others)
        decided = _decisive(readings)
    return RegionValue(_candidates(readings, gazetteer()), () if decided is None else decided.codes)


def _decisive(readings: Sequence[Reading]) -> Reading | None:
    """The reading that stands far above the others; a former unit that was divided is decided by none."""
    best = readings[0]
    if best.weight / sum(r.weight for r in readings) < DECISIVE or (best.kind == "former" and len(best.codes) > 1):
        return None
    return best


def _narrowed(place: Place, others: Sequence[Place]) -> tuple[Reading, ...]:
    """The readings that the nearest telling place leaves: one that contains them, lies in them or in the same city."""
    readings = place.readings
    for other in sorted(others, key=lambda o: max(place.start - o.end, o.start - place.end)):
        known = _decisive(other.readings) if other.readings else None
        if known is None:
            continue
        for test in (_nested, _neighbours):
            left = tuple(r for r in readings if any(test(a, b) for a in r.codes for b in known.codes))
            if left and len(left) < len(readings):
                readings = left
                break
        if len(readings) == 1:
            break
    return readings


def _nested(a: str, b: str) -> bool:
    return related(a, b) != "disjoint"


def _neighbours(a: str, b: str) -> bool:
    """Two units of one city; municipalities are one city."""
    return related(a, b) == "disjoint" and parents(a)[:1] == parents(b)[:1] != ()


def _candidates(readings: Sequence[Reading], tables: Gazetteer) -> tuple[RegionCandidate, ...]:
    """Scores that add up to one; the codes of a group share its score."""
    total = sum(r.weight for r in readings)
    scores: dict[str, float] = {}
    for reading in readings:
        for code in reading.codes:
            score = reading.weight / total if reading.kind == "group" else reading.weight / total / len(reading.codes)
            scores[code] = max(score, scores.get(code, 0.0))
    ranked = sorted(scores.items(), key=lambda item: -item[1])
    limit = max(MAX_CANDIDATES, len(readings[0].codes))
    return tuple(RegionCandidate(code, tables.units.get(code, ""), score) for code, score in ranked[:limit])
