"""Weights and thresholds fitted to judged pairs."""

from __future__ import annotations

import numpy as np
import pytest

from nlp.errors import InputError
from nlp.retrieval.rank import Ranker
from nlp.training.rank import fit_certainty, fit_ranker, fit_threshold


def test_weights_point_where_the_answers_are() -> None:
    generator = np.random.default_rng(0)
    closeness = generator.normal(3, 1, 400)
    elsewhere = generator.integers(0, 2, 400)
    answers = [bool(c - 3 * e + n > 3) for c, e, n in zip(closeness, elsewhere, generator.normal(0, 0.3, 400), strict=True)]
    features = [{"closeness": c, "rule_disjoint": float(e)} for c, e in zip(closeness, elsewhere, strict=True)]
    ranker = fit_ranker(features, answers, penalty=0.001)
    assert set(ranker.weights) == {"closeness", "rule_disjoint"}
    assert ranker.weights["closeness"] > 0 > ranker.weights["rule_disjoint"]
    assert ranker.probability({"closeness": 6}) > 0.9 > 0.1 > ranker.probability({"closeness": 4, "rule_disjoint": 1})


def test_a_strict_penalty_keeps_the_prior() -> None:
    prior = Ranker({"closeness": 2.0, "rule_disjoint": -1.0}, 0.0)
    features = [{"closeness": float(n), "rule_disjoint": float(n % 2)} for n in range(10)]
    answers = [n < 5 for n in range(10)]
    kept = fit_ranker(features, answers, prior, penalty=1e6)
    assert kept.weights["closeness"] == pytest.approx(2.0, abs=1e-3)
    assert kept.weights["rule_disjoint"] == pytest.approx(-1.0, abs=1e-3)
    assert fit_ranker(features, answers, prior, penalty=1e-3).weights["closeness"] < 0


@pytest.mark.parametrize("answers", [[True, True], [True]])
def test_pairs_of_one_kind_are_refused(answers: list[bool]) -> None:
    with pytest.raises(InputError):
        fit_ranker([{"closeness": 1.0}, {"closeness": 2.0}], answers)


def test_certainty_learns_from_the_lead() -> None:
    generator = np.random.default_rng(0)
    leads = generator.exponential(2, 300)
    right = [bool(lead + noise > 2) for lead, noise in zip(leads, generator.normal(0, 0.5, 300), strict=True)]
    certainty = fit_certainty([{"relevance": 0.1, "lead": float(lead)} for lead in leads], right)
    assert set(certainty.weights) == {"lead"}, "what never varies tells nothing"
    assert certainty.probability({"lead": 5.0}) > 0.8 > 0.25 > certainty.probability({"lead": 0.1})


def test_a_longer_lead_never_counts_against_an_entry() -> None:
    lists = [{"relevance": float(n % 7), "lead": float(n % 2)} for n in range(60)]
    certainty = fit_certainty(lists, [n % 2 == 0 or n % 7 > 4 for n in range(60)])
    assert certainty.weights["lead"] == 0.0
    assert certainty.weights["relevance"] > 0.0


def test_threshold() -> None:
    probabilities, right = [0.9, 0.8, 0.7, 0.6, 0.5], [True, True, False, True, False]
    assert fit_threshold(probabilities, right, 0.0) == 0.8
    assert fit_threshold(probabilities, right, 0.25) == 0.6
    assert fit_threshold(probabilities, right, 1.0) == 0.5
    assert fit_threshold([0.9, 0.9], [False, True], 0.0) == 1.0, "equal probabilities stand or fall together"
    assert fit_threshold([], [], 0.1) == 1.0
