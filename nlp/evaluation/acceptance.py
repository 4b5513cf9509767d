"""Gold rows, predictions and a target → thresholds that keep it; and what given thresholds do on rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from nlp.errors import InputError
from nlp.evaluation.gate import GateFit, fit_gate
from nlp.evaluation.metrics import right_topic
from nlp.evaluation.risk import Choice, Point, risk_coverage, safe_threshold, upper_bound
from nlp.evaluation.thresholds import Gate, TopicThresholds, accepts, passes
from nlp.schema import Analysis, Example


@dataclass(frozen=True, slots=True)
class Target:
    """What thresholds have to keep.

    Attributes:
        max_error: Share of wrong topics allowed among the accepted ones.
        confidence: Probability with which that holds for questions of the same kinds.
        in_scope_recall: Share of the questions in scope that must pass the out-of-scope gate.
    """

    max_error: float = 0.05
    confidence: float = 0.9
    in_scope_recall: float = 0.985

    def __post_init__(self) -> None:
        for name, number in asdict(self).items():
            if not 0 < number < 1:
                raise InputError(f"{name} = {number!r}: expected a share between 0 and 1, both excluded")


@dataclass(frozen=True, slots=True)
class Fit:
    """Fitted thresholds, the target, and figures on the rows they were fitted on."""

    thresholds: TopicThresholds
    target: Target
    rows: int
    choice: Choice | None
    gate: GateFit | None

    def to_dict(self) -> dict[str, Any]:
        """What the manifest of a bundle keeps."""
        return {
            **self.thresholds.to_dict(),
            "target": asdict(self.target),
            "rows": self.rows,
            "choice": self.choice.to_dict() if self.choice else None,
            "gate_fit": self.gate.to_dict() if self.gate else None,
        }


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What thresholds do on rows: shares accepted, wrong among the accepted, and the upper bound of that error."""

    rows: int
    accepted: int
    errors: int
    coverage: float
    error: float
    bound: float

    def to_dict(self) -> dict[str, Any]:
        return {name: round(number, 4) for name, number in asdict(self).items()}


def fit_thresholds(gold: Sequence[Example], predicted: Sequence[Analysis], outside: str | None, target: Target) -> Fit:
    """Fits the out-of-scope gate, then the least probability among the questions that pass it.

    Args:
        gold: Rows that the model was neither trained nor calibrated on; those without a topic do not count.
        predicted: One analysis for each, in the same order.
        outside: The topic for questions that are nobody's business, None where there is none.
        target: What has to hold.

    Raises:
        InputError: No row has a topic.
    """
    pairs = with_topic(gold, predicted)
    if not pairs:
        raise InputError("no row has a topic, so there is nothing to fit thresholds on; give gold rows with `topic`")
    gate = fit_gate([g for g, _ in pairs], [p for _, p in pairs], outside, target.in_scope_recall) if outside else None
    kept = [(p.probability, right_topic(g, p)) for g, p in pairs if passes(p, gate.gate if gate else None)]
    choice = safe_threshold([c for c, _ in kept], [r for _, r in kept], target.max_error, target.confidence, len(pairs))
    thresholds = TopicThresholds(choice.threshold if choice else None, gate.gate if gate else None)
    return Fit(thresholds, target, len(pairs), choice, gate)


def acceptance(
    gold: Sequence[Example], predicted: Sequence[Analysis], thresholds: TopicThresholds, confidence: float
) -> Acceptance:
    """Applies thresholds to rows with topics; `confidence` is that of the upper bound."""
    pairs = with_topic(gold, predicted)
    right = [right_topic(g, p) for g, p in pairs if accepts(p, thresholds)]
    errors = len(right) - sum(right)
    return Acceptance(
        rows=len(pairs),
        accepted=len(right),
        errors=errors,
        coverage=len(right) / max(1, len(pairs)),
        error=errors / max(1, len(right)),
        bound=upper_bound(errors, len(right), confidence),
    )


def curve(gold: Sequence[Example], predicted: Sequence[Analysis], gate: Gate | None = None) -> list[Point]:
    """The risk-coverage curve of the topics, of the rows that pass the gate."""
    pairs = with_topic(gold, predicted)
    kept = [(p.probability, right_topic(g, p)) for g, p in pairs if passes(p, gate)]
    return risk_coverage([c for c, _ in kept], [r for _, r in kept], len(pairs))


def with_topic(gold: Sequence[Example], predicted: Sequence[Analysis]) -> list[tuple[Example, Analysis]]:
    """The rows that have a topic."""
    return [(g, p) for g, p in zip(gold, predicted, strict=True) if g.topic]
