"""The temperature makes the probability of the first topic that of its being acceptable."""

from __future__ import annotations

import numpy as np
import pytest

from nlp.training.calibrate import fit_temperature

RNG = np.random.default_rng(4)


def rows(scale: float, count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose softmax at temperature `scale` is the probability of being right."""
    logits = RNG.normal(size=(count, 5)) * 3
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    drawn = np.array([RNG.choice(5, p=p) for p in probabilities])
    return (logits * scale).astype(np.float32), np.eye(5, dtype=bool)[drawn]


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.5])
def test_the_temperature_that_was_laid_on_is_found(scale: float) -> None:
    assert fit_temperature(*rows(scale)) == pytest.approx(scale, rel=0.1)


def test_acceptable_topics_count_as_right() -> None:
    logits, accepted = rows(1.0)
    strict = fit_temperature(logits, accepted)
    accepted[np.arange(len(logits)), logits.argmax(axis=1)] |= RNG.random(len(logits)) < 0.5
    assert fit_temperature(logits, accepted) < strict


def test_no_rows_change_nothing() -> None:
    assert fit_temperature(np.zeros((0, 5), np.float32), np.zeros((0, 5), bool)) == 1.0
