"""Topics learnt from a few examples, beside those of the network: one more logit each, linear in what the network gives anyway."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlp.errors import BundleError
from nlp.model.runtime import Outputs, Runtime
from nlp.model.store import EXTENSION, Bundle


@dataclass(frozen=True, slots=True)
class TopicExtension:
    """A linear head for topics that the network does not know.

    `weights` (new topics, width + topics of the network) and `bias` (new topics,), float64, apply to `extension_features`.
    """

    topics: tuple[str, ...]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def logits(self, topics: NDArray[np.float32], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Puts the logits of the new topics behind those of the network.

        Args:
            topics: Logits of the network (rows, topics).
            vectors: Its unit vectors (rows, width).

        Returns:
            (rows, topics + new topics).
        """
        new = extension_features(topics, vectors) @ self.weights.T + self.bias
        return np.concatenate([topics, new.astype(np.float32)], axis=1)

    def joined(self, other: TopicExtension) -> TopicExtension:
        """This one with the topics of another for the same network behind its own."""
        weights, bias = np.concatenate([self.weights, other.weights]), np.concatenate([self.bias, other.bias])
        return TopicExtension((*self.topics, *other.topics), weights, bias)

    def to_dict(self) -> dict[str, Any]:
        weights = [[round(float(w), 6) for w in row] for row in self.weights]
        return {"topics": list(self.topics), "weights": weights, "bias": [round(float(b), 6) for b in self.bias]}


def extension_features(topics: NDArray[np.float32], vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Vectors (rows, width) and logits (rows, topics) less their mean, side by side, (rows, width + topics).

    The logits tell which known topics a text resembles; their level tells only how long it is and how sure the network.
    """
    return np.concatenate([vectors, topics - topics.mean(axis=1, keepdims=True)], axis=1).astype(np.float64)


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
        weights, bias = np.array(data["weights"], dtype=np.float64), np.array(data["bias"], dtype=np.float64)
        extension = TopicExtension(tuple(data["topics"]), weights, bias)
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{path}: not an extension: {error!r}; make it again with `wenlu learn`") from None
    last = bundle.labels.topic_ids()[-len(extension.topics) :]
    if extension.topics != last or weights.ndim != 2 or len(weights) != len(last) or bias.shape != (len(last),):
        raise BundleError(f"{path}: topics {extension.topics} with {len(bias)} rows, the last labels of the bundle are {last}")
    return extension


class ExtendedRuntime:
    """A runtime whose topic logits include those of an extension.

    Args:
        runtime: What runs the network.
        extension: The topics to add.
    """

    def __init__(self, runtime: Runtime, extension: TopicExtension) -> None:
        self.runtime, self.extension = runtime, extension

    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Outputs:
        topics, tags, vectors = self.runtime.run(ids, mask)
        return self.extension.logits(topics, vectors), tags, vectors


def extended(runtime: Runtime, bundle: Bundle) -> Runtime:
    """The runtime of a bundle with its extension, where it has one."""
    extension = load_extension(bundle)
    return ExtendedRuntime(runtime, extension) if extension else runtime
