"""Confidences and whether each was right → risk-coverage curve, and the threshold whose error is bounded with a stated confidence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

# Thresholds that are tried: fixed beforehand, so that each test is on rows it was not chosen by; even in log-odds, 0.999 to 0.05.
GRID = tuple(round(1 / (1 + math.exp(-step / 10)), 4) for step in range(70, -31, -1))
LEAST_COVERAGE = 0.2  # where the sequence starts: among fewer rows a single mistake would end it


@dataclass(frozen=True, slots=True)
class Point:
    """Accepting all from `threshold` on: share of the rows accepted, share of wrong ones among them."""

    threshold: float
    coverage: float
    risk: float


@dataclass(frozen=True, slots=True)
class Choice:
    """A threshold with what it does on the rows it was chosen on; `bound` is the highest error that the confidence leaves open."""

    threshold: float
    coverage: float
    risk: float
    bound: float

    def to_dict(self) -> dict[str, Any]:
        return {name: round(number, 4) for name, number in asdict(self).items()}


def risk_coverage(confidences: Sequence[float], right: Sequence[bool], rows: int | None = None) -> list[Point]:
    """The curve of selective classification (El-Yaniv and Wiener 2010), a point a distinct confidence, strictest first.

    Args:
        confidences: Of the rows that may be accepted.
        right: Whether each of them was.
        rows: What coverage is a share of, when rows were turned away before; None for the number of confidences.
    """
    total = rows or len(confidences)
    pairs = sorted(zip(confidences, right, strict=True), key=lambda pair: -pair[0])
    points: list[Point] = []
    wrong = 0
    for number, (confidence, good) in enumerate(pairs, 1):
        wrong += not good
        if number == len(pairs) or pairs[number][0] < confidence:
            points.append(Point(confidence, number / total, wrong / number))
    return points


def upper_bound(errors: int, rows: int, confidence: float) -> float:
    """One-sided upper bound of an error rate by Clopper and Pearson (1934): a quantile of Beta(errors + 1, rows - errors).

    Args:
        errors: Wrong rows.
        rows: All rows.
        confidence: Probability, in (0, 1), that the bound holds.
    """
    from scipy.stats import beta

    return 1.0 if errors >= rows else float(beta.ppf(confidence, errors + 1, rows - errors))


def safe_threshold(
    confidences: Sequence[float], right: Sequence[bool], max_error: float, confidence: float, rows: int | None = None
) -> Choice | None:
    """The lowest threshold whose error among accepted rows is at most `max_error`.

    Fixed-sequence testing (Angelopoulos et al. 2021, Learn then Test, section 4): thresholds of GRID from the strictest down, each
    tested at the full level by the Clopper-Pearson bound; the first failure ends it. Thresholds that accept too few rows to pass even
    without a mistake are passed over beforehand, which looks at how many they accept and not at which are right.

    Args:
        confidences: Of rows that were neither trained on nor used to fit the confidences.
        right: Whether each was right.
        max_error: Share of wrong rows allowed among the accepted ones, in (0, 1).
        confidence: Probability, in (0, 1), with which that holds for rows of the same kind.
        rows: See `risk_coverage`.

    Returns:
        The choice; None where no threshold passes.
    """
    total = rows or len(confidences)
    least = max(math.ceil(math.log(1 - confidence) / math.log(1 - max_error)), LEAST_COVERAGE * total)
    chosen = None
    for threshold in GRID:
        good = [r for c, r in zip(confidences, right, strict=True) if c >= threshold]
        if len(good) < least:
            continue
        errors = len(good) - sum(good)
        bound = upper_bound(errors, len(good), confidence)
        if bound > max_error:
            break
        chosen = Choice(threshold, len(good) / total, errors / len(good), bound)
    return chosen
