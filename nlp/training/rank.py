"""Judged pairs of question and entry → weights of the ranker, and thresholds for a target error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from nlp.errors import InputError
from nlp.retrieval.rank import FEATURES, Ranker


def fit_ranker(features: Sequence[Mapping[str, float]], answers: Sequence[bool], strength: float = 1.0) -> Ranker:
    """Fits a logistic regression; features that never vary get no weight.

    Args:
        features: Of each pair, as `nlp.retrieval.rank.features_of` gives them.
        answers: Whether the entry of the pair answers its question.
        strength: Inverse of the L2 penalty on weights of standardised features.

    Raises:
        InputError: The lengths differ, or all pairs have the same answer.
    """
    from sklearn.linear_model import LogisticRegression

    if len(features) != len(answers) or len(set(answers)) < 2:
        raise InputError(
            f"{len(features)} pairs with {len(answers)} answers, expected as many of each and both kinds of answer"
        )
    table = np.array([[row.get(name, 0.0) for name in FEATURES] for row in features])
    mean, deviation = table.mean(axis=0), table.std(axis=0)
    varied = deviation > 0
    standard = (table[:, varied] - mean[varied]) / deviation[varied]
    model = LogisticRegression(C=strength, max_iter=1_000).fit(standard, np.asarray(answers))
    weights = model.coef_[0] / deviation[varied]
    bias = float(model.intercept_[0] - weights @ mean[varied])
    names = [name for name, kept in zip(FEATURES, varied, strict=True) if kept]
    return Ranker(dict(zip(names, map(float, weights), strict=True)), bias)


def fit_threshold(probabilities: Sequence[float], right: Sequence[bool], target_error: float) -> float:
    """The lowest probability from which at most `target_error` of the answers given are wrong; 1.0 where none is.

    Args:
        probabilities: Of the first answer to each question, in [0, 1].
        right: Whether that answer is right; for a question without an answer in the archive it never is.
        target_error: Share of wrong answers among those given, in [0, 1].
    """
    order = np.argsort(-np.asarray(probabilities), kind="stable")
    ranked, wrong = np.asarray(probabilities)[order], ~np.asarray(right, dtype=bool)[order]
    error = np.cumsum(wrong) / np.arange(1, len(ranked) + 1)
    last_of_ties = np.append(ranked[1:] != ranked[:-1], True)
    allowed = np.flatnonzero((error <= target_error) & last_of_ties)
    return float(ranked[allowed[-1]]) if len(allowed) else 1.0
