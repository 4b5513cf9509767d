"""Judged pairs of question and entry → weights of the ranker and of its certainty, and thresholds for a target error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from nlp.errors import InputError
from nlp.retrieval.certainty import FEATURES as LIST_FEATURES
from nlp.retrieval.certainty import Certainty
from nlp.retrieval.rank import FEATURES, Ranker

# Own pairs are ranked as well with 0.03 as with 0.3: of these the one that stays nearest to the weights that serve other archives.
PENALTY = 0.3
LIST_PENALTY = 0.1  # a fifth or twice as much ranks own lists as well


def fit_ranker(
    features: Sequence[Mapping[str, float]], answers: Sequence[bool], prior: Ranker | None = None, penalty: float = PENALTY
) -> Ranker:
    """Fits a logistic regression whose weights are held near those of a prior; features that never vary get no weight.

    The pairs are about one archive, while the weights serve others, of other sizes and styles: what the prior says is given up only for a
    clear gain in likelihood.

    Args:
        features: Of each pair, as `nlp.retrieval.rank.features_of` gives them.
        answers: Whether the entry of the pair answers its question.
        prior: None for the weights of the package.
        penalty: Half the squared distance of the weights of standardised features from the prior costs so much log-likelihood a pair.

    Raises:
        InputError: The lengths differ, or all pairs have the same answer.
    """
    return Ranker(*_fit(FEATURES, features, answers, (prior or Ranker.default()).weights, penalty))


def fit_certainty(features: Sequence[Mapping[str, float]], right: Sequence[bool]) -> Certainty:
    """Fits the probability that the first entry of a list answers the question, by the same regression with weights near 0, none below.

    An entry that leads by more is never less certain, whatever the few lists of one archive say.

    Args:
        features: Of each list, as `Ranker.list_features` gives them.
        right: Whether its first entry answers the question.

    Raises:
        InputError: The lengths differ, or all lists are alike in that.
    """
    return Certainty(*_fit(LIST_FEATURES, features, right, {}, LIST_PENALTY, least=0.0))


def _fit(
    names: Sequence[str],
    features: Sequence[Mapping[str, float]],
    answers: Sequence[bool],
    prior: Mapping[str, float],
    penalty: float,
    least: float | None = None,
) -> tuple[dict[str, float], float]:
    """Weights, none below `least`, and bias."""
    from scipy.optimize import minimize

    if len(features) != len(answers) or len(set(answers)) < 2:
        raise InputError(
            f"{len(features)} judged rows with {len(answers)} answers, {sum(answers)} of them yes; expected as many of each, and both"
        )
    table = np.array([[row.get(name, 0.0) for name in names] for row in features])
    mean, deviation = table.mean(axis=0), table.std(axis=0)
    varied = np.ptp(table, axis=0) > 0  # the deviation of equal numbers need not be 0
    standard = (table[:, varied] - mean[varied]) / deviation[varied]
    centre = np.array([prior.get(name, 0.0) for name in names])[varied] * deviation[varied]
    right = np.asarray(answers, dtype=float)

    def cost(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits, distance = standard @ parameters[:-1] + parameters[-1], parameters[:-1] - centre
        excess = 1 / (1 + np.exp(-logits)) - right
        loss = np.logaddexp(0, logits).mean() - (right * logits).mean() + penalty / 2 * distance @ distance
        return float(loss), np.append(standard.T @ excess / len(right) + penalty * distance, excess.mean())

    bounds = [*[(least, None)] * len(centre), (None, None)]
    found = minimize(cost, np.append(centre, 0.0), jac=True, method="L-BFGS-B", bounds=bounds).x
    weights = found[:-1] / deviation[varied]
    kept = [name for name, varies in zip(names, varied, strict=True) if varies]
    return dict(zip(kept, map(float, weights), strict=True)), float(found[-1] - weights @ mean[varied])


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
