"""Topics learnt from a few examples, beside those of the network: a linear comparison of what the network gives anyway."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlp.errors import BundleError
from nlp.model.runtime import Batch, Outputs, Runtime
from nlp.model.store import EXTENSION, Bundle

FORMAT = 2  # of the file; before, the logits were scaled otherwise
LOGIT_SCALE = 0.01  # of topic logits beside unit vectors: a new topic lies where the logits of the known ones say little


@dataclass(frozen=True, slots=True)
class Lesson:
    """Topics that were learnt at a time, as linear scores of them and of known topics to compare with.

    `weights` (compared + new topics, width + topics of the network) and `bias` (compared + new topics,), float64, apply to
    `extension_features`; the new topics are the last rows, the others the known ones whose numbers are in `compared`. `slope` says how much
    of the log-odds that they give is to be believed, and `offsets` (one a new topic, zeros where empty) what is added to them then.
    """

    topics: tuple[str, ...]
    compared: tuple[int, ...]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    slope: float = 1.0
    offsets: tuple[float, ...] = ()

    def log_odds(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of each new topic against those compared (rows, new topics)."""
        scores = features @ self.weights.T + self.bias
        new = len(self.topics)
        odds = self.slope * (scores[:, -new:] - _log_sum(scores[:, :-new]))
        return np.asarray(odds + np.array(self.offsets or [0.0] * new), dtype=np.float64)

    def to_dict(self) -> dict[str, Any]:
        return {
            "topics": list(self.topics),
            "compared": list(self.compared),
            "weights": self.weights.tolist(),
            "bias": self.bias.tolist(),
            "slope": self.slope,
            "offsets": list(self.offsets),
        }


@dataclass(frozen=True, slots=True)
class TopicExtension:
    """The lessons of a bundle, in their order, and the temperature by which the bundle divides its logits."""

    lessons: tuple[Lesson, ...]
    temperature: float = 1.0

    @property
    def topics(self) -> tuple[str, ...]:
        return tuple(topic for lesson in self.lessons for topic in lesson.topics)

    def after(self, lesson: Lesson) -> TopicExtension:
        """This one with one more lesson."""
        return replace(self, lessons=(*self.lessons, lesson))

    def logits(self, topics: NDArray[np.float32], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Puts the logits of the new topics behind those of the network: each lesson says how likely its topics are against those that it
        was compared with, the network how likely each of these is among what is left.

        Args:
            topics: Logits of the network (rows, topics).
            vectors: Its unit vectors (rows, width).

        Returns:
            (rows, topics + new topics).
        """
        features, known = extension_features(topics, vectors), topics.astype(np.float64)
        for lesson in self.lessons:
            odds = _log_sum(known[:, lesson.compared] / self.temperature) + lesson.log_odds(features)
            known = np.concatenate([known, self.temperature * odds], axis=1)
        return np.concatenate([topics, known[:, topics.shape[1] :].astype(np.float32)], axis=1)

    def to_dict(self) -> dict[str, Any]:
        return {"format": FORMAT, "lessons": [lesson.to_dict() for lesson in self.lessons]}


def _log_sum(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """log Σ exp over the last axis, which stays."""
    top = scores.max(axis=1, keepdims=True)
    return np.asarray(top + np.log(np.exp(scores - top).sum(axis=1, keepdims=True)), dtype=np.float64)


def extension_features(topics: NDArray[np.float32], vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Vectors (rows, width) and logits (rows, topics) less their mean and scaled, side by side, (rows, width + topics).

    The logits tell which known topics a text resembles; their level tells only how long it is and how sure the network.
    """
    return np.concatenate([vectors, LOGIT_SCALE * (topics - topics.mean(axis=1, keepdims=True))], axis=1).astype(np.float64)


def load_extension(bundle: Bundle) -> TopicExtension | None:
    """The extension of a bundle; None where it has none.

    Raises:
        BundleError: The file has no usable numbers, or other topics than the last ones of the bundle's labels.
    """
    if EXTENSION not in bundle.manifest["files"]:
        return None
    path = bundle.folder / EXTENSION
    data: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    try:
        if data["format"] != FORMAT:
            raise ValueError(f"format {data['format']}, expected {FORMAT}")
        lessons = tuple(_lesson(row) for row in data["lessons"])
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{path}: not an extension: {error!r}; make it again with `wenlu learn`") from None
    extension = TopicExtension(lessons, float(bundle.manifest["calibration"]["temperature"]))
    last = bundle.labels.topic_ids()[-len(extension.topics) :]
    if extension.topics != last:
        raise BundleError(f"{path}: topics {extension.topics}, the last labels of the bundle are {last}")
    return extension


def _lesson(row: Mapping[str, Any]) -> Lesson:
    weights, bias = np.array(row["weights"], dtype=np.float64), np.array(row["bias"], dtype=np.float64)
    offsets = tuple(map(float, row["offsets"]))
    lesson = Lesson(tuple(row["topics"]), tuple(row["compared"]), weights, bias, float(row["slope"]), offsets)
    rows = len(lesson.compared) + len(lesson.topics)
    if weights.ndim != 2 or not lesson.compared or not lesson.topics or {len(weights), len(bias)} != {rows}:
        raise ValueError(f"weights {weights.shape} and bias {bias.shape}, expected {rows} rows")
    if len(offsets) not in (0, len(lesson.topics)):
        raise ValueError(f"{len(offsets)} offsets, expected {len(lesson.topics)}")
    return lesson


class ExtendedRuntime:
    """A runtime whose topic logits include those of an extension.

    Args:
        runtime: What runs the network.
        extension: The topics to add.
    """

    def __init__(self, runtime: Runtime, extension: TopicExtension) -> None:
        self.runtime, self.extension = runtime, extension

    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Outputs:
        return self._extend(self.runtime.run(ids, mask))

    def run_all(self, batches: Iterable[Batch]) -> Iterator[Outputs]:
        return map(self._extend, self.runtime.run_all(batches))

    def _extend(self, found: Outputs) -> Outputs:
        return found._replace(topics=self.extension.logits(found.topics, found.vectors))


def extended(runtime: Runtime, bundle: Bundle) -> Runtime:
    """The runtime of a bundle with its extension, where it has one."""
    extension = load_extension(bundle)
    return ExtendedRuntime(runtime, extension) if extension else runtime
