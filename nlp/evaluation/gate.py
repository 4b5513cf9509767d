"""Gold rows and predictions → the out-of-scope gate: probability, free energy, or both, whichever tells the kinds apart best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlp.evaluation.metrics import auroc, in_scope
from nlp.evaluation.thresholds import Gate, scope_features
from nlp.schema import Analysis, Example

FOLDS = 5
GAIN = 0.002  # in AUROC that both features must bring over the better of them alone
ALONE = {"probability": (1.0, 0.0), "energy": (0.0, 1.0)}


@dataclass(frozen=True, slots=True)
class GateFit:
    """A gate with what it does on the rows it was fitted on; `auroc` of each way tried, that of both features cross-validated."""

    gate: Gate
    chosen: str
    auroc: dict[str, float]
    in_scope_recall: float
    out_of_scope_recall: float

    def to_dict(self) -> dict[str, Any]:
        return {
            "chosen": self.chosen,
            "auroc": {name: round(number, 4) for name, number in self.auroc.items()},
            "in_scope_recall": round(self.in_scope_recall, 4),
            "out_of_scope_recall": round(self.out_of_scope_recall, 4),
        }


def fit_gate(gold: Sequence[Example], predicted: Sequence[Analysis], outside: str, recall: float) -> GateFit | None:
    """Chooses the features and the limit.

    Args:
        gold: Rows that the model was not trained on.
        predicted: One analysis for each, in the same order.
        outside: The topic for questions that are nobody's business.
        recall: Share of the rows in scope that must pass, in (0, 1].

    Returns:
        The gate; None where one of the two kinds has fewer than FOLDS rows.
    """
    known = [(p, inside) for g, p in zip(gold, predicted, strict=True) if (inside := in_scope(g, outside)) is not None]
    features = np.array([scope_features(p, outside) for p, _ in known]).reshape(-1, 2)
    labels = np.array([not inside for _, inside in known], dtype=bool)
    if min(labels.sum(), (~labels).sum()) < FOLDS:
        return None
    weights, figures = _choose(features, labels)
    chosen = max(figures, key=lambda name: figures[name] - (GAIN if name == "both" else 0))
    log_odds, energy = (round(weight, 4) for weight in weights[chosen])
    limit = _limit([log_odds * a + energy * b for a, b in features[~labels]], recall)
    gate = Gate(outside, log_odds, energy, limit)
    outcome = np.array([gate.outside(p) for p, _ in known])
    return GateFit(gate, chosen, figures, float(1 - outcome[~labels].mean()), float(outcome[labels].mean()))


def _choose(
    features: NDArray[np.float64], labels: NDArray[np.bool_]
) -> tuple[dict[str, tuple[float, float]], dict[str, float]]:
    """Weights and AUROC of each way; a model that gives no energy has the probability alone."""
    from sklearn.model_selection import StratifiedKFold

    weights = dict(ALONE) if np.ptp(features[:, 1]) else {"probability": ALONE["probability"]}
    figures = {name: _auroc(features @ np.array(pair), labels) for name, pair in weights.items()}
    if "energy" in weights:
        scores = np.empty(len(labels))
        for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(features, labels):
            scores[test] = features[test] @ np.array(_fit(features[train], labels[train]))
        figures["both"] = _auroc(scores, labels)
        weights["both"] = _fit(features, labels)
    return weights, figures


def _fit(features: NDArray[np.float64], labels: NDArray[np.bool_]) -> tuple[float, float]:
    """Weights of a logistic regression, of length 1: the limit takes the place of its intercept and scale."""
    from sklearn.linear_model import LogisticRegression

    first, second = LogisticRegression().fit(features, labels).coef_[0]
    length = math.hypot(first, second) or 1.0
    return float(first / length), float(second / length)


def _auroc(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    return auroc(scores[labels].tolist(), scores[~labels].tolist()) or 0.0


def _limit(inside: Sequence[float], recall: float) -> float:
    """The lowest limit under which the asked share of the rows in scope stays, rounded up."""
    ranked = sorted(inside)
    return math.ceil(ranked[math.ceil(recall * len(ranked)) - 1] * 1e4) / 1e4
