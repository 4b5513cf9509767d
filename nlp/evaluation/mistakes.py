"""Gold rows and predictions → the rows that went wrong, worst first, with the text marked."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nlp.evaluation.metrics import matched_entities, right_topic
from nlp.schema import Analysis, Entity, Example

EXCERPT = 240  # code points of a text that are shown
LEAD = 60  # of them before the first mark
KINDS = ("boundary", "type", "missed", "extra")


@dataclass(frozen=True, slots=True)
class Mistake:
    """A row with a wrong topic or wrong spans: `missed` are gold spans that were not found, `extra` found ones that are not gold."""

    gold: Example
    predicted: Analysis
    missed: tuple[Entity, ...]
    extra: tuple[Entity, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.gold.id,
            "text": self.gold.text,
            "topic": self.gold.topic,
            "also": list(self.gold.also),
            "predicted": self.predicted.topic,
            "probability": round(self.predicted.probability, 4),
            "missed": [e.to_dict() for e in self.missed],
            "extra": [e.to_dict() for e in self.extra],
        }


def topic_mistakes(gold: Sequence[Example], predicted: Sequence[Analysis]) -> list[Mistake]:
    """Rows with a topic that no careful reader would accept, the most confident first."""
    wrong = [_mistake(g, p) for g, p in zip(gold, predicted, strict=True) if g.topic and not right_topic(g, p)]
    return sorted(wrong, key=lambda mistake: -mistake.predicted.probability)


def span_mistakes(gold: Sequence[Example], predicted: Sequence[Analysis]) -> list[Mistake]:
    """Rows with missed or extra spans, those with the most of them first."""
    rows = (_mistake(g, p) for g, p in zip(gold, predicted, strict=True))
    return sorted((m for m in rows if m.missed or m.extra), key=lambda m: -len(m.missed) - len(m.extra))


def _mistake(gold: Example, predicted: Analysis) -> Mistake:
    keys, others = ({(e.start, e.end, e.type) for e in entities} for entities in (gold.entities, predicted.entities))
    missed = tuple(e for e in gold.entities if (e.start, e.end, e.type) not in others)
    extra = tuple(e for e in predicted.entities if (e.start, e.end, e.type) not in keys)
    return Mistake(gold, predicted, missed, extra)


def count_kinds(mistakes: Sequence[Mistake]) -> dict[str, Counter[str]]:
    """How spans of each type went wrong.

    Returns:
        For each type, how many gold spans were found with another `boundary` or as another `type`, or `missed` altogether, and how
        many `extra` spans lie where no gold span is.
    """
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for mistake in mistakes:
        for entity in mistake.missed:
            rivals = {e.type for e in mistake.extra if _overlap(e, entity)}
            counts[entity.type]["boundary" if entity.type in rivals else "type" if rivals else "missed"] += 1
        for entity in mistake.extra:
            if not any(_overlap(entity, e) for e in mistake.gold.entities):
                counts[entity.type]["extra"] += 1
    return dict(counts)


def _overlap(a: Entity, b: Entity) -> bool:
    return a.start < b.end and b.start < a.end


def mark_spans(text: str, entities: Sequence[Entity]) -> str:
    """The text around the first entities, each as `{span|type}`; `…` stands where text is left out.

    Args:
        text: Any string.
        entities: Spans of it; one that overlaps an earlier one is left out.
    """
    ordered = sorted(entities, key=lambda e: (e.start, e.end))
    start = max(0, ordered[0].start - LEAD) if ordered and len(text) > EXCERPT else 0
    end = min(len(text), start + EXCERPT)
    parts, at = ["…" if start else ""], start
    for entity in ordered:
        if entity.start >= at and entity.end <= end:
            label = f"{entity.type}:{entity.role}" if entity.role else entity.type
            parts += [text[at : entity.start], f"{{{text[entity.start : entity.end]}|{label}}}"]
            at = entity.end
    return "".join([*parts, text[at:end], "…" if end < len(text) else ""])


def role_confusions(gold: Sequence[Example], predicted: Sequence[Analysis]) -> Counter[tuple[str, str]]:
    """Wrong roles as (gold, found) of the spans that were found; `-` for no role."""
    pairs = [m for g, p in zip(gold, predicted, strict=True) for m in matched_entities(g.entities, p.entities)]
    return Counter((a.role, b.role or "-") for a, b in pairs if a.role and a.role != b.role)
