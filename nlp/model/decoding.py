"""Logits → calibrated topic scores and legal entity spans, in numpy alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nlp.schema import TopicScore

Span = tuple[int, int, str, float]
FORBIDDEN = -1e9


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Softmax over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True), dtype=np.float32)


def energy_score(logits: NDArray[np.float32]) -> float:
    """Free energy `-log Σ exp(logit)` of the topics (Liu et al. 2020, Energy-based Out-of-distribution Detection, equation 4, T = 1).

    Args:
        logits: Shape (topics,), not empty.
    """
    top = float(logits.max())
    return -top - float(np.log(np.exp(logits - top).sum()))


@dataclass(frozen=True, slots=True)
class Calibration:
    """What makes the probabilities of topics honest.

    Attributes:
        temperature: Divides the logits (Guo et al. 2017, On Calibration of Modern Neural Networks, section 4.2).
        slope: Of the log-odds of the first topic, above 0 …
        shift: … and what is added to them (Platt 1999, Probabilistic Outputs for Support Vector Machines); the others share what is left.
    """

    temperature: float = 1.0
    slope: float = 1.0
    shift: float = 0.0

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads the `calibration` of a manifest; bundles of before have the temperature alone."""
        return cls(float(data["temperature"]), float(data.get("slope", 1.0)), float(data.get("shift", 0.0)))

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities of all topics (topics,), which sum to 1 and stand in the order of the logits."""
        if len(logits) == 1:
            return np.ones(1)
        plain = np.maximum(softmax(logits / np.float32(self.temperature)).astype(np.float64), 1e-9)
        first = int(logits.argmax())
        others = np.delete(plain, first)
        rest = float(others.sum())
        log_odds = self.slope * float(np.log(plain[first] / rest)) + self.shift
        second = float(others.max()) / rest
        found = max(1 / (1 + np.exp(-log_odds)), second / (1 + second))
        scaled: NDArray[np.float64] = plain * (1 - found) / rest
        scaled[first] = found
        return scaled


def topic_scores(logits: NDArray[np.float32], topics: Sequence[str], calibration: Calibration) -> tuple[TopicScore, ...]:
    """All topics by falling probability.

    Args:
        logits: Shape (topics,).
        topics: Names in the order of the logits.
        calibration: Of the bundle.
    """
    probabilities = calibration.probabilities(logits)
    order = np.argsort(-logits, kind="stable")  # the probabilities of the first two may be equal
    return tuple(TopicScore(topics[i], float(probabilities[i])) for i in order)


def decode_spans(logits: NDArray[np.float32], names: tuple[str, ...]) -> list[Span]:
    """The best legal BIOES sequence as spans.

    Args:
        logits: Tag logits of one text without special tokens, shape (tokens, tags).
        names: Tag names, `O` first, then B-, I-, E-, S- of each tag.

    Returns:
        (first token, last token, tag, probability); the probability is the geometric mean of the span's token probabilities.
    """
    path = best_path(logits, names)
    return _read_spans(path, np.log(softmax(logits)[np.arange(len(path)), path] + 1e-12), names) if path.any() else []


def best_path(logits: NDArray[np.float32], names: tuple[str, ...]) -> NDArray[np.int64]:
    """The best legal BIOES sequence as numbers of tags (tokens,); for the arguments see `decode_spans`."""
    best: NDArray[np.int64] = logits.argmax(axis=-1)
    if not best.any():
        return best
    follows, starts, ends = _grammar(names)
    legal = starts[best[0]] == 0 and ends[best[-1]] == 0 and not follows[best[:-1], best[1:]].any()
    # Every legal step costs nothing, so a legal sequence of maxima is the optimum already.
    return best if legal else _viterbi(logits, follows, starts, ends)


@cache
def _grammar(names: tuple[str, ...]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Costs (0 or FORBIDDEN) of each step (tags, tags), of starting (tags,) and of ending (tags,) with a tag."""
    open_after = [name[2:] if name[0] in "BI" else "" for name in names]
    open_before = [name[2:] if name[0] in "IE" else "" for name in names]
    follows = np.array([[0.0 if a == b else FORBIDDEN for b in open_before] for a in open_after], dtype=np.float32)
    starts = np.array([0.0 if not b else FORBIDDEN for b in open_before], dtype=np.float32)
    ends = np.array([0.0 if not a else FORBIDDEN for a in open_after], dtype=np.float32)
    return follows, starts, ends


def _viterbi(
    logits: NDArray[np.float32], follows: NDArray[np.float32], starts: NDArray[np.float32], ends: NDArray[np.float32]
) -> NDArray[np.int64]:
    score = logits[0] + starts
    back = np.empty(logits.shape, dtype=np.int64)
    for step in range(1, len(logits)):
        reach = score[:, None] + follows
        back[step] = reach.argmax(axis=0)
        score = reach[back[step], np.arange(len(score))] + logits[step]
    path = np.empty(len(logits), dtype=np.int64)
    path[-1] = (score + ends).argmax()
    for step in range(len(logits) - 1, 0, -1):
        path[step - 1] = back[step, path[step]]
    return path


def _read_spans(path: NDArray[np.int64], log_probabilities: NDArray[np.float32], names: tuple[str, ...]) -> list[Span]:
    spans: list[Span] = []
    first = 0
    for token in np.flatnonzero(path):
        position, tag = names[path[token]][0], names[path[token]][2:]
        if position in "BS":
            first = int(token)
        if position in "ES":
            probability = float(np.exp(log_probabilities[first : token + 1].mean()))
            spans.append((first, int(token), tag, probability))
    return spans
