"""A bundle and a few examples of new topics → a bundle that knows them; the network stays as it is.

A new topic gets one logit, linear in the vector and the logits that the network gives. The known logits are held fixed and only the new
rows are fitted, so that a text that resembles no example keeps its topic, vectors keep fitting the indexes made with them, and a few
examples are enough. `bench/few_shot.py` measures this against full training.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from nlp.config import schema_to_dict
from nlp.errors import InputError
from nlp.model.alignment import TextEncoder, load_encoder
from nlp.model.extension import TopicExtension, extension_features, load_extension
from nlp.model.runtime import OnnxRuntime, Runtime
from nlp.model.store import EXTENSION, LABELS, Bundle, load_bundle, write_manifest, writing
from nlp.schema import Example, LabelSchema, TopicLabel

STRENGTH = 0.02  # L2 penalty; 0.005 to 0.06 measured alike, less of it helps a topic that was part of a known one
LEAST = 2  # examples of a new topic
FOLDS = 4
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a bundle learnt: examples of each new topic, and what cross-validation says of it.

    `found` is the share of the examples that get their new topic when it is fitted without them, `taken` the share of known rows that
    would leave their right topic for a new one.
    """

    topics: dict[str, int]
    rows: int
    found: float
    taken: float

    def to_dict(self) -> dict[str, Any]:
        return {"topics": self.topics, "rows": self.rows, "found": round(self.found, 4), "taken": round(self.taken, 4)}


@dataclass(frozen=True, slots=True)
class Signals:
    """What the network says of texts: topic logits (rows, topics) and unit vectors (rows, width), float32."""

    topics: NDArray[np.float32]
    vectors: NDArray[np.float32]

    def part(self, rows: NDArray[Any]) -> Signals:
        return Signals(self.topics[rows], self.vectors[rows])


def learn_topics(
    folder: Path, examples: Sequence[Example], known: Sequence[Example], output: Path, names: Mapping[str, str]
) -> Learnt:
    """Writes a bundle that knows the topics of the examples as well.

    Args:
        folder: The bundle.
        examples: Rows with a topic; those of known topics count as `known`.
        known: Rows of known topics that the network was not trained on.
        output: The new bundle; may be the same folder.
        names: Display names of new topics; the id where there is none.

    Raises:
        BundleError: The bundle is missing or damaged.
        InputError: There is no new topic, one has too few examples, or there are no known rows.
    """
    bundle = load_bundle(folder)
    counts = new_topics(examples, bundle.labels)
    labels = bundle.labels.topic_ids()
    old = load_extension(bundle)
    inside = labels[: len(labels) - len(old.topics)] if old else labels
    rows = [e for e in (*known, *examples) if e.topic in labels or e.topic in counts]
    if not any(e.topic in labels for e in rows):
        raise InputError(f"{folder}: no rows of known topics to learn the difference from, give a JSONL file of them")
    encoder = load_encoder(bundle.folder, bundle.manifest["tokens"]["max_length"], bundle.manifest["tokens"]["stride"])
    signals = read_signals(OnnxRuntime(bundle.network), encoder, [e.text for e in rows])
    order = (*inside, *(old.topics if old else ()), *counts)
    targets = np.array([order.index(e.topic or "") for e in rows])
    temperature = float(bundle.manifest["calibration"]["temperature"])
    new = fit_extension(signals, targets, tuple(counts), old, temperature)
    learnt = Learnt(counts, len(rows), *_cross_validate(signals, targets, tuple(counts), old, temperature))
    _write(bundle, output, old.joined(new) if old else new, learnt, names)
    return learnt


def new_topics(examples: Sequence[Example], labels: LabelSchema) -> dict[str, int]:
    """The topics that `labels` lacks, in the order of the examples, with their number.

    Raises:
        InputError: There is none, or one has fewer than LEAST examples.
    """
    counts: dict[str, int] = {}
    for example in examples:
        if example.topic and example.topic not in labels.topic_ids():
            counts[example.topic] = counts.get(example.topic, 0) + 1
    if not counts:
        raise InputError("the examples have no topic that the bundle lacks; to improve known topics train on more rows")
    few = {topic: count for topic, count in counts.items() if count < LEAST}
    if few:
        raise InputError(f"topic {next(iter(few))!r}: {next(iter(few.values()))} examples, expected {LEAST} or more, best 8")
    return counts


def read_signals(runtime: Runtime, encoder: TextEncoder, texts: Sequence[str], batch: int = 16) -> Signals:
    """Runs the network over texts; of those longer than a window the first window counts."""
    encodings = encoder.encode(texts)
    windows = [window for window in encoder.windows(encodings) if window.start == 0]
    order = sorted(range(len(windows)), key=lambda n: windows[n].end)
    parts = []
    for first in range(0, len(order), batch):
        topics, _, vectors = runtime.run(*encoder.batch(encodings, [windows[n] for n in order[first : first + batch]]))
        parts.append((topics, vectors))
    back = np.argsort(order)
    return Signals(np.concatenate([t for t, _ in parts])[back], np.concatenate([v for _, v in parts])[back])


def fit_extension(
    signals: Signals,
    targets: NDArray[Any],
    topics: tuple[str, ...],
    old: TopicExtension | None = None,
    temperature: float = 1.0,
) -> TopicExtension:
    """Fits the logits of new topics by multinomial logistic regression, with those of the known topics held fixed.

    Args:
        signals: Of known and new rows.
        targets: Topic numbers (rows,): those of the network, of `old`, then of the new topics.
        topics: The new topics.
        old: What the bundle learnt before.
        temperature: By which the bundle divides its logits.
    """
    fixed = (old.logits(signals.topics, signals.vectors) if old else signals.topics) / temperature
    known = fixed.shape[1]
    features = extension_features(signals.topics, signals.vectors)
    mean, spread = features[targets < known].mean(axis=0), np.maximum(features[targets < known].std(axis=0), 1e-3)
    scale = 1 / (spread * np.sqrt(signals.vectors.shape[1]))
    weights, bias = _fit_rows(
        (features - mean) * scale, fixed.astype(np.float64), targets, _row_weights(targets, known), len(topics)
    )
    weights = weights * scale
    return TopicExtension(topics, temperature * weights, temperature * (bias - weights @ mean))


def _row_weights(targets: NDArray[Any], known: int) -> Matrix:
    """Every topic weighs as much as any other: the few examples do not tell how often their topic is asked about."""
    counts = np.bincount(targets, minlength=known)
    old = counts[:known].sum() / max(1, np.count_nonzero(counts[:known]))
    return np.asarray(np.where(targets < known, 1 / old, 1 / np.maximum(1, counts[targets])))


def _fit_rows(features: Matrix, fixed: Matrix, targets: NDArray[Any], row_weights: Matrix, new: int) -> tuple[Matrix, Matrix]:
    """Weights (new, features) and bias (new,) of least weighted cross-entropy with an L2 penalty on the weights."""
    known, size = fixed.shape[1], features.shape[1]

    def loss(flat: Matrix) -> tuple[float, Matrix]:
        weights, bias = flat[: new * size].reshape(new, size), flat[new * size :]
        logits = np.concatenate([fixed, features @ weights.T + bias], axis=1)
        logits -= logits.max(axis=1, keepdims=True)
        logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        total = -(row_weights * logs[np.arange(len(targets)), targets]).sum() + STRENGTH / 2 * (weights**2).sum()
        slope = np.exp(logs[:, known:])
        slope[targets >= known, targets[targets >= known] - known] -= 1
        slope *= row_weights[:, None]
        return float(total), np.concatenate([(slope.T @ features + STRENGTH * weights).ravel(), slope.sum(axis=0)])

    found = minimize(loss, np.zeros(new * (size + 1)), jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    return found[: new * size].reshape(new, size), found[new * size :]


def _cross_validate(
    signals: Signals, targets: NDArray[Any], topics: tuple[str, ...], old: TopicExtension | None, temperature: float
) -> tuple[float, float]:
    """`found` and `taken` of `Learnt`, each row judged by a fit without its fold."""
    known = signals.topics.shape[1] + (len(old.topics) if old else 0)
    folds = np.empty(len(targets), dtype=np.int64)
    for number, topic in enumerate(np.unique(targets)):
        rows = np.flatnonzero(targets == topic)
        folds[rows] = (number + np.arange(len(rows))) % FOLDS
    guesses, before = np.empty_like(targets), np.empty_like(targets)
    for fold in range(FOLDS):
        inside, outside = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        fitted = fit_extension(signals.part(outside), targets[outside], topics, old, temperature)
        logits = (old.joined(fitted) if old else fitted).logits(signals.topics[inside], signals.vectors[inside])
        guesses[inside], before[inside] = logits.argmax(axis=1), logits[:, :known].argmax(axis=1)
    new = targets >= known
    right = before[~new] == targets[~new]
    return float((guesses == targets)[new].mean()), float((right & (guesses[~new] >= known)).mean())


def _write(bundle: Bundle, output: Path, extension: TopicExtension, learnt: Learnt, names: Mapping[str, str]) -> None:
    more = tuple(TopicLabel(topic, names.get(topic, topic)) for topic in learnt.topics)
    labels = replace(bundle.labels, topics=(*bundle.labels.topics, *more))
    with writing(output) as folder:
        shutil.copytree(bundle.folder, folder, dirs_exist_ok=True)
        text = json.dumps(schema_to_dict(labels), ensure_ascii=False, indent=1)
        (folder / LABELS).write_text(text + "\n", encoding="utf-8")
        (folder / EXTENSION).write_text(json.dumps(extension.to_dict(), ensure_ascii=False) + "\n", encoding="utf-8")
        write_manifest(folder, {**bundle.manifest, "learnt": [*bundle.manifest.get("learnt", []), learnt.to_dict()]})
