"""Dev logits → the numbers that make probabilities honest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar


def fit_temperature(logits: NDArray[np.float32], targets: NDArray[np.int64]) -> float:
    """The temperature that minimises the negative log-likelihood of the gold topics (Guo et al. 2017, section 4.2).

    Args:
        logits: (rows, topics).
        targets: Gold topic numbers (rows,).

    Returns:
        A number in [0.1, 10]; 1.0 when there are no rows.
    """
    if not len(logits):
        return 1.0

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        scaled = scaled - scaled.max(axis=-1, keepdims=True)
        log_likelihood = scaled[np.arange(len(targets)), targets] - np.log(np.exp(scaled).sum(axis=-1))
        return float(-log_likelihood.mean())

    best = minimize_scalar(loss, bounds=(np.log(0.1), np.log(10)), method="bounded")
    return round(float(np.exp(best.x)), 4)
