"""What a model is trusted with: the out-of-scope gate and the topic probability from which its topic is taken. No heavy library."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from nlp.errors import BundleError
from nlp.evaluation.metrics import topic_probability
from nlp.schema import Analysis

_LEAST = 1e-6  # probabilities are cut here before their log-odds are taken


@dataclass(frozen=True, slots=True)
class Gate:
    """Calls a question out of scope when its score is above `limit`.

    Attributes:
        topic: The topic for questions that are nobody's business.
        log_odds: Weight of the log-odds of that topic's probability.
        energy: Weight of the free energy (`Analysis.energy`).
        limit: The highest score in scope.
    """

    topic: str
    log_odds: float
    energy: float
    limit: float

    def score(self, analysis: Analysis) -> float:
        """Weighted sum of log-odds and energy, higher for out of scope."""
        log_odds, energy = scope_features(analysis, self.topic)
        return self.log_odds * log_odds + self.energy * energy

    def outside(self, analysis: Analysis) -> bool:
        return self.score(analysis) > self.limit


def scope_features(analysis: Analysis, topic: str) -> tuple[float, float]:
    """Log-odds of the out-of-scope topic, and the free energy (0 where the model gives none)."""
    probability = min(max(topic_probability(analysis, topic), _LEAST), 1 - _LEAST)
    return math.log(probability / (1 - probability)), analysis.energy or 0.0


@dataclass(frozen=True, slots=True)
class TopicThresholds:
    """From where a predicted topic is acted upon.

    Attributes:
        probability: Least probability of the best topic; None where no threshold kept the error low enough, so nothing is accepted.
        gate: The out-of-scope gate; None where no topic is marked as out of scope.
    """

    probability: float | None
    gate: Gate | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TopicThresholds:
        """Reads the `thresholds` of a bundle's manifest; other keys, such as the figures of the fit, are passed over.

        Raises:
            BundleError: A key is missing or a number is none.
        """
        try:
            limit, gate = data["probability"], data["gate"]
            if gate is not None:
                gate = Gate(str(gate["topic"]), *(float(gate[name]) for name in ("log_odds", "energy", "limit")))
            return cls(None if limit is None else float(limit), gate)
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(
                f"thresholds {data!r:.200}: expected probability and gate ({error!r}); fit them with `wenlu evaluate --fit`"
            ) from None

    def to_dict(self) -> dict[str, Any]:
        return {"probability": self.probability, "gate": asdict(self.gate) if self.gate else None}


def accepts(analysis: Analysis, thresholds: TopicThresholds) -> bool:
    """Whether the topic may be acted upon: in scope by the gate, and probable enough."""
    return passes(analysis, thresholds.gate) and analysis.probability >= _or_never(thresholds.probability)


def passes(analysis: Analysis, gate: Gate | None) -> bool:
    """Whether a question is in scope by both the gate and its best topic; always where there is no gate."""
    return gate is None or (analysis.topic != gate.topic and not gate.outside(analysis))


def _or_never(probability: float | None) -> float:
    return math.inf if probability is None else probability
