"""Named numbers → probability, by a logistic function whose weights are numbers in JSON that anybody can read."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Self

from nlp.errors import ArchiveError


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic function of features; a feature without a weight counts nothing."""

    weights: Mapping[str, float]
    bias: float

    @classmethod
    def parse(cls, data: Mapping[str, Any], names: Collection[str]) -> Self:
        """Reads `{"weights": {name: number}, "bias": number}`.

        Raises:
            ArchiveError: Something else, a name that is not one of `names`, or a weight that is no finite number.
        """
        try:
            weights, bias = {str(k): float(v) for k, v in data["weights"].items()}, float(data["bias"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ArchiveError(f"not weights of features: {error!r}") from error
        unknown = sorted(set(weights) - set(names))
        if unknown or not all(map(math.isfinite, [*weights.values(), bias])):
            raise ArchiveError(
                f"weights of unknown features {unknown}, or a number that is not finite; fit them with this version: wenlu index fit"
            )
        return cls(weights, bias)

    def logit(self, features: Mapping[str, float]) -> float:
        """Logarithm of the odds, any number."""
        return self.bias + sum(weight * features.get(name, 0.0) for name, weight in self.weights.items())

    def probability(self, features: Mapping[str, float]) -> float:
        """Probability in [0, 1]."""
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, self.logit(features)))))
