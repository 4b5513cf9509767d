"""Gold rows and predicted rows → a Report of topic, entity, role and value figures. Knows nothing of models."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from nlp.schema import Analysis, Entity, Example


@dataclass(frozen=True, slots=True)
class Count:
    """How often something was right, predicted and there."""

    right: int = 0
    predicted: int = 0
    gold: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.right + other.right, self.predicted + other.predicted, self.gold + other.gold)

    @property
    def f1(self) -> float:
        total = self.predicted + self.gold
        return 2 * self.right / total if total else 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """Figures in [0, 1]; `topics` and `types` hold the counts behind the F1 of each label."""

    rows: int
    topic_accuracy: float
    topic_accuracy_lenient: float
    topic_macro_f1: float
    topic_ece: float
    entity_f1: float
    role_accuracy: float
    value_accuracy: float
    topics: dict[str, Count] = field(default_factory=dict)
    types: dict[str, Count] = field(default_factory=dict)
    confusions: dict[tuple[str, str], int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        names = ("rows", "topic_accuracy", "topic_accuracy_lenient", "topic_macro_f1", "topic_ece")
        row: dict[str, Any] = {
            name: _rounded(getattr(self, name)) for name in (*names, "entity_f1", "role_accuracy", "value_accuracy")
        }
        row["topic_f1"] = {t: {"f1": _rounded(c.f1), "n": c.gold} for t, c in sorted(self.topics.items())}
        row["entity_f1_by_type"] = {t: {"f1": _rounded(c.f1), "n": c.gold} for t, c in sorted(self.types.items())}
        return row


def _rounded(number: float) -> float:
    return number if isinstance(number, int) else round(number, 4)


def evaluate(gold: Sequence[Example], predicted: Sequence[Analysis]) -> Report:
    """Compares row by row.

    Args:
        gold: The gold rows; those without a topic count for entities alone.
        predicted: One analysis for each of them, in the same order.

    Raises:
        ValueError: The two have different lengths.
    """
    pairs = list(zip(gold, predicted, strict=True))
    with_topic = [(g, p) for g, p in pairs if g.topic]
    lenient = [p.topic in (g.topic, *g.also) for g, p in with_topic]
    topics = count_topics((g.topic or "", p.topic) for g, p in with_topic)
    types = count_spans((g.entities, p.entities) for g, p in pairs)
    matched = [m for g, p in pairs for m in _matched(g.entities, p.entities)]
    return Report(
        rows=len(pairs),
        topic_accuracy=_mean([g.topic == p.topic for g, p in with_topic]),
        topic_accuracy_lenient=_mean(lenient),
        topic_macro_f1=_mean([c.f1 for c in topics.values() if c.gold]),
        topic_ece=calibration_error([p.probability for _, p in with_topic], lenient),
        entity_f1=sum(types.values(), Count()).f1,
        role_accuracy=_mean([a.role == b.role for a, b in matched if a.role]),
        value_accuracy=_mean([_same_value(a, b) for a, b in matched if a.value is not None]),
        topics=topics,
        types=types,
        confusions=dict(
            Counter((g.topic or "", p.topic) for g, p in with_topic if p.topic not in (g.topic, *g.also)).most_common()
        ),
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def count_topics(pairs: Iterable[tuple[str, str]]) -> dict[str, Count]:
    """Counts of each topic from (gold, predicted) names."""
    counts: dict[str, Count] = defaultdict(Count)
    for gold, predicted in pairs:
        counts[gold] += Count(int(gold == predicted), 0, 1)
        counts[predicted] += Count(0, 1, 0)
    return dict(counts)


def count_spans(pairs: Iterable[tuple[Sequence[Entity], Sequence[Entity]]]) -> dict[str, Count]:
    """Counts of each entity type; a span is right when start, end and type are."""
    counts: dict[str, Count] = defaultdict(Count)
    for gold, predicted in pairs:
        left, right = ({(e.start, e.end, e.type) for e in entities} for entities in (gold, predicted))
        for spans, count in ((left & right, Count(1, 0, 0)), (right, Count(0, 1, 0)), (left, Count(0, 0, 1))):
            for _, _, kind in spans:
                counts[kind] += count
    return dict(counts)


def _matched(gold: Sequence[Entity], predicted: Sequence[Entity]) -> list[tuple[Entity, Entity]]:
    found = {(e.start, e.end, e.type): e for e in predicted}
    return [(e, found[key]) for e in gold if (key := (e.start, e.end, e.type)) in found]


def _same_value(gold: Entity, predicted: Entity) -> bool:
    if predicted.value is None or gold.value is None:
        return False
    left, right = gold.value.to_dict(), predicted.value.to_dict()
    if isinstance(left, dict) and isinstance(right, dict) and "resolved" in left:
        return bool(left["resolved"] == right.get("resolved"))
    return bool(left == right)


def calibration_error(confidences: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Expected calibration error over bins of equal mass (Naeini et al. 2015)."""
    pairs = sorted(zip(confidences, right, strict=True))
    error = 0.0
    for number in range(bins):
        part = pairs[number * len(pairs) // bins : (number + 1) * len(pairs) // bins]
        if part:
            error += len(part) / len(pairs) * abs(_mean([c for c, _ in part]) - _mean([float(r) for _, r in part]))
    return error
