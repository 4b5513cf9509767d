"""The calibration makes the probability of the first topic that of its being acceptable."""

from __future__ import annotations

import numpy as np
import pytest

from nlp.model.decoding import Calibration
from nlp.training.calibrate import fit_calibration

RNG = np.random.default_rng(4)


def rows(scale: float, count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose softmax at temperature `scale` is the probability of being right."""
    logits = RNG.normal(size=(count, 5)) * 3
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    drawn = np.array([RNG.choice(5, p=p) for p in probabilities])
    return (logits * scale).astype(np.float32), np.eye(5, dtype=bool)[drawn]


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.5])
def test_the_temperature_that_was_laid_on_is_found(scale: float) -> None:
    found = fit_calibration(*rows(scale))
    assert found.temperature == pytest.approx(scale, rel=0.1)
    assert (found.slope, found.shift) == (pytest.approx(1.0, abs=0.15), pytest.approx(0.0, abs=0.15))


def test_acceptable_topics_count_as_right_and_the_first_one_says_so() -> None:
    logits, accepted = rows(1.0)
    first = (np.arange(len(logits)), logits.argmax(axis=1))
    accepted[first] |= RNG.random(len(logits)) < 0.5
    found = fit_calibration(logits, accepted)
    said = np.array([found.probabilities(row).max() for row in logits])
    for part in np.array_split(np.argsort(said), 5):
        assert said[part].mean() == pytest.approx(accepted[first][part].mean(), abs=0.04)


def test_no_rows_change_nothing_and_few_change_little() -> None:
    assert fit_calibration(np.zeros((0, 5), np.float32), np.zeros((0, 5), bool)) == Calibration()
    logits, _ = rows(1.0, count=5)
    for right in (True, False):
        found = fit_calibration(logits, np.full((5, 5), right))
        assert abs(found.slope - 1) + abs(found.shift) + abs(np.log(found.temperature)) < 1.5
