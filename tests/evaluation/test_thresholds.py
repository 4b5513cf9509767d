from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.errors import BundleError, InputError
from nlp.evaluation.acceptance import Target, acceptance, curve, fit_thresholds
from nlp.evaluation.gate import fit_gate
from nlp.evaluation.thresholds import Gate, TopicThresholds, accepts, passes
from nlp.schema import Analysis, Example, TopicScore


def _analysis(topic: str, probability: float, outside: float = 0.01, energy: float | None = None) -> Analysis:
    scores = [TopicScore(topic, probability), *([TopicScore("other", outside)] if topic != "other" else [])]
    return Analysis("水费怎么交", tuple(sorted(scores, key=lambda s: -s.probability)), (), energy=energy)


def _rows(inside: int, outside: int) -> tuple[list[Example], list[Analysis]]:
    """Rows whose wrong topics are the improbable ones and whose questions out of scope are seen by probability, never by energy."""
    gold = [Example(str(n), "水费怎么交", "bills") for n in range(inside)]
    found = [_analysis("bills" if n % 10 else "roads", 0.95 if n % 10 else 0.5, 0.01, n % 7) for n in range(inside)]
    gold += [Example(f"o{n}", "讲个笑话", "other") for n in range(outside)]
    found += [_analysis("other", 0.9, energy=n % 7) for n in range(outside)]
    return gold, found


def test_a_gate_by_hand() -> None:
    gate = Gate("other", 1.0, 0.5, 0.0)
    unsure = _analysis("bills", 0.5, 0.5, -2.0)
    assert gate.score(unsure) == pytest.approx(-1.0)
    assert not gate.outside(unsure)
    assert gate.outside(_analysis("bills", 0.5, 0.5, 2.0))
    assert gate.score(_analysis("bills", 1.0, 0.0)) == pytest.approx(math.log(1e-6 / (1 - 1e-6)))


def test_acceptance_needs_gate_and_probability() -> None:
    limits = TopicThresholds(0.8, Gate("other", 1.0, 0.0, 0.0))
    assert accepts(_analysis("bills", 0.8), limits)
    assert not accepts(_analysis("bills", 0.79), limits)
    assert not accepts(_analysis("bills", 0.8, 0.6), limits)
    assert not accepts(_analysis("other", 0.9), limits)
    assert not accepts(_analysis("bills", 1.0), TopicThresholds(None))
    assert passes(_analysis("other", 0.9), None)


@given(st.none() | st.floats(0, 1), st.none() | st.builds(Gate, st.text(), *[st.floats(-9, 9)] * 3))
def test_thresholds_survive_json(probability: float | None, gate: Gate | None) -> None:
    limits = TopicThresholds(probability, gate)
    assert TopicThresholds.from_dict(json.loads(json.dumps(limits.to_dict()))) == limits


@pytest.mark.parametrize("data", [{}, {"probability": "much", "gate": None}, {"probability": 0.5, "gate": {"topic": "other"}}])
def test_damaged_thresholds_are_named(data: dict[str, object]) -> None:
    with pytest.raises(BundleError, match="wenlu evaluate --fit"):
        TopicThresholds.from_dict(data)


def test_a_fit_keeps_its_target() -> None:
    gold, found = _rows(400, 100)
    fit = fit_thresholds(gold, found, "other", Target(0.05, 0.9, 0.98))
    assert fit.choice is not None
    assert fit.gate is not None
    assert (fit.gate.chosen, fit.gate.in_scope_recall, fit.gate.out_of_scope_recall) == ("probability", 1.0, 1.0)
    used = acceptance(gold, found, fit.thresholds, 0.9)
    assert (used.accepted, used.errors, used.rows) == (360, 0, 500)
    assert used.bound <= 0.05
    assert curve(gold, found, fit.thresholds.gate)[-1].coverage == pytest.approx(400 / 500)
    assert TopicThresholds.from_dict(json.loads(json.dumps(fit.to_dict()))) == fit.thresholds


def test_energy_is_taken_where_it_alone_tells() -> None:
    gold = [Example(str(n), "水费", "bills" if n % 2 else "other") for n in range(100)]
    found = [_analysis("bills", 0.5, 0.3, -9.0 + n % 5 if n % 2 else -2.0 + n % 5) for n in range(100)]
    fit = fit_gate(gold, found, "other", 0.9)
    assert fit is not None
    assert fit.chosen == "energy"
    assert fit.in_scope_recall >= 0.9


def test_both_features_are_taken_where_they_tell_more() -> None:
    gold, found = [], []
    for n in range(300):
        a, b, inside = n % 17, n % 13, n % 17 + n % 13 < 14
        gold.append(Example(str(n), "水费", "bills" if inside else "other"))
        found.append(_analysis("bills", 0.5, 1 / (1 + math.exp(8 - a)), float(b)))
    fit = fit_gate(gold, found, "other", 0.95)
    assert fit is not None
    assert fit.chosen == "both"
    assert fit.auroc["both"] > max(fit.auroc["probability"], fit.auroc["energy"])
    assert fit.in_scope_recall >= 0.95


@given(st.floats(0.5, 1.0), st.lists(st.floats(0.001, 0.999), min_size=6, max_size=40))
def test_the_asked_share_in_scope_passes(recall: float, probabilities: list[float]) -> None:
    gold = [Example(str(n), "路灯", "roads") for n in range(len(probabilities))] + [Example("o", "笑话", "other")] * 5
    found = [_analysis("roads", 0.5, p) for p in probabilities] + [_analysis("roads", 0.4, 0.5)] * 5
    fit = fit_gate(gold, found, "other", recall)
    assert fit is not None
    assert fit.in_scope_recall >= recall - 1e-9


def test_no_gate_without_both_kinds_and_no_fit_without_topics() -> None:
    gold, found = _rows(100, 0)
    assert fit_gate(gold, found, "other", 0.98) is None
    assert fit_thresholds(gold, found, "other", Target()).thresholds.gate is None
    with pytest.raises(InputError, match="no row has a topic"):
        fit_thresholds([Example("1", "路")], [_analysis("roads", 0.9)], "other", Target())


@pytest.mark.parametrize("name", ["max_error", "confidence", "in_scope_recall"])
@pytest.mark.parametrize("number", [0.0, 1.0, -1.0, float("nan")])
def test_targets_are_shares(name: str, number: float) -> None:
    with pytest.raises(InputError, match=name):
        Target(**{name: number})
