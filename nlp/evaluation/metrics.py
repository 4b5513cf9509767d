"""Gold rows and predicted rows → a Report of topic, entity, role and value figures. Knows nothing of models."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean
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
    def precision(self) -> float:
        return self.right / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        return self.right / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        total = self.predicted + self.gold
        return 2 * self.right / total if total else 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """Figures in [0, 1]; `topics` and `types` hold the counts behind the F1 of each label, `confusions` those of (gold, predicted).

    A figure is None where no row can tell it: topics without rows that have one, entities where neither side has any, roles and values
    without a gold one on a span that was found, and `out_of_scope_auroc` where the rows are not of both kinds, or no topic is marked as out
    of scope.
    """

    rows: int
    topic_accuracy: float | None
    topic_accuracy_lenient: float | None
    topic_macro_f1: float | None
    topic_ece: float | None
    entity_f1: float | None
    role_accuracy: float | None
    value_accuracy: float | None
    out_of_scope_auroc: float | None = None
    topics: dict[str, Count] = field(default_factory=dict)
    types: dict[str, Count] = field(default_factory=dict)
    confusions: dict[tuple[str, str], int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        topics = ("topic_accuracy", "topic_accuracy_lenient", "topic_macro_f1", "topic_ece")
        names = ("rows", *topics, "entity_f1", "role_accuracy", "value_accuracy", "out_of_scope_auroc")
        row: dict[str, Any] = {name: _rounded(getattr(self, name)) for name in names}
        row["topic_f1"] = {t: {"f1": _rounded(c.f1), "n": c.gold} for t, c in sorted(self.topics.items())}
        row["entity_f1_by_type"] = {t: {"f1": _rounded(c.f1), "n": c.gold} for t, c in sorted(self.types.items())}
        return row


def _rounded(number: float | None) -> float | None:
    return round(number, 4) if isinstance(number, float) else number


def evaluate(gold: Sequence[Example], predicted: Sequence[Analysis], outside: str | None = None) -> Report:
    """Compares row by row.

    Args:
        gold: The gold rows; those without a topic count for entities alone.
        predicted: One analysis for each of them, in the same order.
        outside: The topic for questions that are nobody's business (`LabelSchema.out_of_scope()`), None where there is none.

    Raises:
        ValueError: The two have different lengths.
    """
    pairs = list(zip(gold, predicted, strict=True))
    with_topic = [(g, p) for g, p in pairs if g.topic]
    lenient = [right_topic(g, p) for g, p in with_topic]
    topics = count_topics((g.topic or "", p.topic) for g, p in with_topic)
    types = count_spans((g.entities, p.entities) for g, p in pairs)
    matched = [m for g, p in pairs for m in matched_entities(g.entities, p.entities)]
    return Report(
        rows=len(pairs),
        topic_accuracy=_mean([g.topic == p.topic for g, p in with_topic]),
        topic_accuracy_lenient=_mean(lenient),
        topic_macro_f1=_mean([c.f1 for c in topics.values() if c.gold]),
        topic_ece=calibration_error([p.probability for _, p in with_topic], lenient) if with_topic else None,
        entity_f1=sum(types.values(), Count()).f1 if types else None,
        role_accuracy=_mean([a.role == b.role for a, b in matched if a.role]),
        value_accuracy=_mean([same_value(a, b) for a, b in matched if a.value is not None]),
        out_of_scope_auroc=auroc(*scope_scores(pairs, outside)) if outside else None,
        topics=topics,
        types=types,
        confusions=dict(Counter((g.topic or "", p.topic) for g, p in with_topic if not right_topic(g, p)).most_common()),
    )


def right_topic(gold: Example, predicted: Analysis) -> bool:
    """Whether the predicted topic is one that a careful reader would accept: the gold one or one of `also`."""
    return predicted.topic in (gold.topic, *gold.also)


def in_scope(gold: Example, outside: str) -> bool | None:
    """Whether a row lies in scope; None where it has no topic or could be seen either way."""
    if gold.topic == outside:
        return False
    return True if gold.topic and outside not in gold.also else None


def scope_scores(pairs: Iterable[tuple[Example, Analysis]], outside: str) -> tuple[list[float], list[float]]:
    """Probabilities of the topic `outside` on the rows that are out of scope, and on those that are in scope."""
    scores: dict[bool, list[float]] = {False: [], True: []}
    for gold, predicted in pairs:
        inside = in_scope(gold, outside)
        if inside is not None:
            scores[inside].append(topic_probability(predicted, outside))
    return scores[False], scores[True]


def topic_probability(analysis: Analysis, topic: str) -> float:
    """The probability of one topic, 0 for one that the model does not know."""
    return next((score.probability for score in analysis.topics if score.topic == topic), 0.0)


def _mean(values: Sequence[float]) -> float | None:
    """None of nothing."""
    return fmean(values) if values else None


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


def matched_entities(gold: Sequence[Entity], predicted: Sequence[Entity]) -> list[tuple[Entity, Entity]]:
    """The gold entities whose start, end and type were found, each with the one found."""
    found = {(e.start, e.end, e.type): e for e in predicted}
    return [(e, found[key]) for e in gold if (key := (e.start, e.end, e.type)) in found]


def same_value(gold: Entity, predicted: Entity) -> bool:
    """Whether both have the same canonical value; of a region, the same codes."""
    if predicted.value is None or gold.value is None:
        return False
    left, right = gold.value.to_dict(), predicted.value.to_dict()
    if isinstance(left, dict) and isinstance(right, dict) and "resolved" in left:
        return bool(left["resolved"] == right.get("resolved"))
    return bool(left == right)


def calibration_error(confidences: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Expected calibration error over bins of equal mass (Naeini et al. 2015)."""
    parts = calibration_bins(confidences, right, bins)
    return sum(rows * abs(confidence - share) for confidence, share, rows in parts) / max(1, len(confidences))


def calibration_bins(confidences: Sequence[float], right: Sequence[bool], bins: int = 10) -> list[tuple[float, float, int]]:
    """(Mean confidence, share of right ones, rows) of bins of equal mass, the least confident first; empty ones are left out."""
    pairs = sorted(zip(confidences, right, strict=True))
    parts = (pairs[number * len(pairs) // bins : (number + 1) * len(pairs) // bins] for number in range(bins))
    return [(fmean(c for c, _ in part), fmean(r for _, r in part), len(part)) for part in parts if part]


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """Probability that a positive scores above a negative, ties half (Mann and Whitney 1947); None where one kind is missing."""
    if not positive or not negative:
        return None
    below, above = Counter(negative), sorted(Counter(positive).items())
    ranked, seen, wins = sorted(below), 0, 0.0
    position = 0
    for score, count in above:
        while position < len(ranked) and ranked[position] < score:
            seen += below[ranked[position]]
            position += 1
        wins += count * (seen + below[score] / 2)
    return wins / (len(positive) * len(negative))
