"""Two models on the same gold rows → the difference of each figure with its paired bootstrap interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlp.evaluation.metrics import count_spans, in_scope, matched_entities, right_topic, same_value, topic_probability
from nlp.schema import Analysis, Entity, Example

Floats = NDArray[np.float64]
Rows = Sequence[tuple[Example, Analysis]]
Statistic = Callable[[Floats], Floats]  # how often each row is drawn (samples, rows) → the figure of each sample (samples,)
SAMPLES = 2000
LEVEL = 0.95
CHUNK = 100  # samples drawn at a time, which bounds the memory
BINS = 10  # of the calibration error


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of both models, and the interval in which the second less the first lies with probability LEVEL."""

    name: str
    first: float
    second: float
    low: float
    high: float

    @property
    def significant(self) -> bool:
        return self.low > 0 or self.high < 0

    def to_dict(self) -> dict[str, Any]:
        numbers = {"first": self.first, "second": self.second, "low": self.low, "high": self.high}
        return {
            "name": self.name,
            **{name: round(number, 4) for name, number in numbers.items()},
            "significant": self.significant,
        }


def differences(
    gold: Sequence[Example], first: Sequence[Analysis], second: Sequence[Analysis], outside: str | None = None
) -> list[Difference]:
    """Compares two predictions figure by figure; those that no row counts for are left out.

    Args:
        gold: The gold rows.
        first: One analysis for each of them.
        second: One of the other model.
        outside: As in `evaluate`.

    Raises:
        ValueError: The three have different lengths.
    """
    pairs = [list(zip(gold, predicted, strict=True)) for predicted in (first, second)]
    found = []
    for name, statistic in STATISTICS.items():
        a, b = (statistic(rows, outside) for rows in pairs)
        if a and b:
            found.append(paired_bootstrap(name, a, b, len(gold)))
    return found


def paired_bootstrap(
    name: str, first: Statistic, second: Statistic, rows: int, samples: int = SAMPLES, seed: int = 0
) -> Difference:
    """Percentile interval over resampled rows, the same rows for both (Efron and Tibshirani 1993, chapter 13).

    Args:
        name: Of the figure.
        first: The figure of the first model.
        second: That of the second, over the same rows.
        rows: Number of rows.
        samples: Resamplings.
        seed: Of their random numbers.
    """
    generator = np.random.default_rng(seed)
    drawn = []
    for start in range(0, samples, CHUNK):
        weights = generator.multinomial(rows, np.full(rows, 1 / rows), size=min(CHUNK, samples - start)).astype(np.float64)
        drawn.append(second(weights) - first(weights))
    low, high = np.quantile(np.concatenate(drawn), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    once = np.ones((1, rows))
    return Difference(name, float(first(once)[0]), float(second(once)[0]), float(low), float(high))


def ratio(above: Floats, below: Floats) -> Statistic | None:
    """Mean over columns of the sum of numerators by the sum of denominators, of the columns that have any.

    Args:
        above: What each row adds to the numerators (rows, columns).
        below: What it adds to the denominators (rows, columns).

    Returns:
        The figure; None where no row counts.
    """

    def figure(weights: Floats) -> Floats:
        tops, bottoms = weights @ above, weights @ below
        there = bottoms > 0
        parts = np.divide(tops, bottoms, out=np.zeros_like(tops), where=there)
        return np.asarray(parts.sum(axis=1) / np.maximum(there.sum(axis=1), 1))

    return figure if below.sum() else None


def _share(parts: Sequence[tuple[float, float]]) -> Statistic | None:
    table = np.array(parts, dtype=np.float64).reshape(-1, 2)
    return ratio(table[:, :1], table[:, 1:])


def _accuracy(rows: Rows, outside: str | None) -> Statistic | None:
    return _share([(bool(g.topic) and g.topic == p.topic, bool(g.topic)) for g, p in rows])


def _lenient(rows: Rows, outside: str | None) -> Statistic | None:
    return _share([(bool(g.topic) and right_topic(g, p), bool(g.topic)) for g, p in rows])


def _macro_f1(rows: Rows, outside: str | None) -> Statistic | None:
    topics = sorted({g.topic for g, _ in rows if g.topic})
    gold = np.array([[g.topic == t for t in topics] for g, _ in rows], dtype=np.float64)
    found = np.array([[bool(g.topic) and p.topic == t for t in topics] for g, p in rows], dtype=np.float64)
    return ratio(2 * gold * found, gold + found)


def _calibration_error(rows: Rows, outside: str | None) -> Statistic | None:
    """The error of `metrics.calibration_error`, with bins of equal mass made anew for each sample."""
    known = np.array([n for n, (g, _) in enumerate(rows) if g.topic], dtype=np.int64)
    if not len(known):
        return None
    pairs = np.array([(rows[n][1].probability, right_topic(*rows[n])) for n in known])
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    ranked, gaps = known[order], (pairs[:, 0] - pairs[:, 1])[order]

    def figure(weights: Floats) -> Floats:
        errors = np.zeros(len(weights))
        for number, counts in enumerate(weights[:, ranked].astype(np.int64)):
            sums = np.concatenate([[0.0], np.repeat(gaps, counts).cumsum()])
            ends = np.arange(BINS + 1) * (len(sums) - 1) // BINS
            errors[number] = np.abs(np.diff(sums[ends])).sum() / max(1, len(sums) - 1)
        return errors

    return figure


def _auroc(rows: Rows, outside: str | None) -> Statistic | None:
    """The figure of `metrics.auroc` for the probability of the out-of-scope topic."""
    if outside is None:
        return None
    kinds = [in_scope(g, outside) for g, _ in rows]
    if not {True, False} <= set(kinds):
        return None
    _, ranks = np.unique([topic_probability(p, outside) for _, p in rows], return_inverse=True)
    order = np.argsort(ranks, kind="stable")
    starts = np.flatnonzero(np.diff(ranks[order], prepend=-1))  # of each group of equal scores
    outer, inner = (np.array([kind is wanted for kind in kinds], dtype=np.float64) for wanted in (False, True))

    def figure(weights: Floats) -> Floats:
        positive, negative = (np.add.reduceat((weights * part)[:, order], starts, axis=1) for part in (outer, inner))
        wins = (positive * (negative.cumsum(axis=1) - negative / 2)).sum(axis=1)
        return np.asarray(wins / np.maximum(positive.sum(axis=1) * negative.sum(axis=1), 1))

    return figure


def _entity_f1(rows: Rows, outside: str | None) -> Statistic | None:
    parts = []
    for gold, predicted in rows:
        counts = count_spans([(gold.entities, predicted.entities)]).values()
        parts.append((2 * sum(c.right for c in counts), sum(c.predicted + c.gold for c in counts)))
    return _share(parts)


def _matched(rows: Rows) -> list[list[tuple[Entity, Entity]]]:
    return [matched_entities(gold.entities, predicted.entities) for gold, predicted in rows]


def _roles(rows: Rows, outside: str | None) -> Statistic | None:
    right = [[a.role == b.role for a, b in pairs if a.role] for pairs in _matched(rows)]
    return _share([(sum(row), len(row)) for row in right])


def _values(rows: Rows, outside: str | None) -> Statistic | None:
    right = [[same_value(a, b) for a, b in pairs if a.value is not None] for pairs in _matched(rows)]
    return _share([(sum(row), len(row)) for row in right])


STATISTICS: dict[str, Callable[[Rows, str | None], Statistic | None]] = {
    "topic_accuracy": _accuracy,
    "topic_accuracy_lenient": _lenient,
    "topic_macro_f1": _macro_f1,
    "topic_ece": _calibration_error,
    "entity_f1": _entity_f1,
    "role_accuracy": _roles,
    "value_accuracy": _values,
    "out_of_scope_auroc": _auroc,
}
