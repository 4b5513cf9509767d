from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from nlp.evaluation.risk import GRID, Point, risk_coverage, safe_threshold, upper_bound

PROBABILITIES = st.floats(0, 1, allow_nan=False)
ROWS = st.lists(st.tuples(PROBABILITIES, st.booleans()), min_size=1, max_size=60)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.99))
def test_the_bound_is_that_of_scipy(counts: tuple[int, int], confidence: float) -> None:
    errors, rows = counts
    theirs = binomtest(errors, rows, alternative="less").proportion_ci(confidence, method="exact").high
    assert upper_bound(errors, rows, confidence) == pytest.approx(theirs, abs=1e-9)
    assert upper_bound(errors, rows, confidence) >= errors / rows


def test_a_curve_by_hand() -> None:
    points = risk_coverage([0.9, 0.5, 0.9, 0.2], [True, False, True, True])
    assert points == [Point(0.9, 0.5, 0.0), Point(0.5, 0.75, pytest.approx(1 / 3)), Point(0.2, 1.0, 0.25)]
    assert risk_coverage([0.9], [False], rows=4) == [Point(0.9, 0.25, 1.0)]
    assert risk_coverage([], []) == []


@given(ROWS)
def test_a_curve_ends_at_the_error_of_all(rows: list[tuple[float, bool]]) -> None:
    confidences, right = [c for c, _ in rows], [r for _, r in rows]
    points = risk_coverage(confidences, right)
    assert [p.coverage for p in points] == sorted({p.coverage for p in points})
    assert points[-1].coverage == 1
    assert points[-1].risk == pytest.approx(1 - sum(right) / len(right))


def test_the_threshold_parts_the_good_from_the_bad() -> None:
    confidences = [0.9] * 200 + [0.4] * 200
    choice = safe_threshold(confidences, [True] * 200 + [False] * 200, 0.05, 0.9)
    assert choice is not None
    assert 0.4 < choice.threshold <= 0.9
    assert (choice.coverage, choice.risk) == (0.5, 0.0)
    assert choice.bound == pytest.approx(1 - 0.1 ** (1 / 200))


def test_no_threshold_without_evidence() -> None:
    assert safe_threshold([0.99] * 40, [True] * 40, 0.05, 0.9) is None  # 40 faultless rows leave 5.6% open
    assert safe_threshold([0.99] * 400, [True, False] * 200, 0.05, 0.9) is None
    assert safe_threshold([], [], 0.05, 0.9) is None


@given(ROWS, st.floats(0.02, 0.5), st.floats(0.5, 0.99))
def test_a_choice_keeps_its_promise_on_its_rows(rows: list[tuple[float, bool]], max_error: float, confidence: float) -> None:
    choice = safe_threshold([c for c, _ in rows], [r for _, r in rows], max_error, confidence)
    if choice:
        assert choice.threshold in GRID
        assert choice.risk <= choice.bound <= max_error


def test_the_error_on_other_rows_stays_below_as_often_as_stated() -> None:
    generator = np.random.default_rng(7)
    broken = fitted = 0
    for _ in range(100):
        confidences = generator.beta(8, 1, 500)
        right = generator.random(500) < confidences
        choice = safe_threshold(confidences.tolist(), right.tolist(), 0.08, 0.9)
        if choice:
            fitted += 1
            drawn = generator.beta(8, 1, 20_000)
            broken += bool((1 - drawn[drawn >= choice.threshold]).mean() > 0.08)
    assert fitted > 50
    assert broken / fitted <= 0.15  # 10% are allowed, and a hundred trials are few
