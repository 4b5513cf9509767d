"""A bundle and a few examples of new topics → a bundle that knows them; the network stays as it is.

The means of the new examples are compared with those of rows of known topics, in the vector and the logits that the network gives. How
the network ranks the known topics stays as it is, so that a text that resembles no example keeps its topic, vectors keep fitting the
indexes made with them, and a few examples are enough. The display name of a new topic and its description count as examples, too: they
say what the topic is about beyond those few. `bench/few_shot.py` measures this against full training.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from nlp.config import schema_to_dict
from nlp.errors import InputError
from nlp.model.alignment import TextEncoder, load_encoder
from nlp.model.extension import Lesson, TopicExtension, extension_features, load_extension
from nlp.model.runtime import OnnxRuntime, Runtime
from nlp.model.store import EXTENSION, LABELS, Bundle, load_bundle, write_manifest, writing
from nlp.schema import Example, LabelSchema, TopicLabel

SHRINKAGE = 0.75  # of the covariance towards the same spread in all directions; 0.5 to 0.85 measured alike
LEAST = 2  # examples of a new topic
LEAST_KNOWN = 5  # rows of a known topic that it is compared with: of fewer, the spread is not to be seen
FOLDS = 8
# Log-odds in hundreds of directions are too sure of themselves, and eight examples do not tell by how much: the slope is held near the one
# that topics held out were found best with.
SLOPE = 0.15
HOLD = 0.03  # of the square of how far its logarithm lies from that, in nats of log loss


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
    folder: Path, examples: Sequence[Example], known: Sequence[Example], output: Path, labels: Sequence[TopicLabel] = ()
) -> Learnt:
    """Writes a bundle that knows the topics of the examples as well.

    Args:
        folder: The bundle.
        examples: Rows with a topic; those of known topics count as `known`.
        known: Rows of known topics that the network was not trained on; topics with fewer than LEAST_KNOWN are passed over.
        output: The new bundle; may be the same folder.
        labels: Names and descriptions of new topics, which count as examples (see `introductions`); a topic without has its id for a name.

    Raises:
        BundleError: The bundle is missing or damaged.
        InputError: There is no new topic, one has too few examples, a label is not of one, or there are no known rows.
    """
    bundle = load_bundle(folder)
    counts = new_topics(examples, bundle.labels)
    new = {topic: TopicLabel(topic, topic) for topic in counts} | {label.id: label for label in labels}
    strangers = new.keys() - counts
    if strangers:
        raise InputError(
            f"topic {min(strangers)!r} has a name or a description, but is not among the new topics: {', '.join(counts)}"
        )
    order = (*bundle.labels.topic_ids(), *counts)
    frequency = Counter(e.topic for e in (*known, *examples) if e.topic in bundle.labels.topic_ids())
    rows = [e for e in (*known, *examples) if e.topic in counts or frequency[e.topic or ""] >= LEAST_KNOWN]
    if not any(e.topic in frequency for e in rows):
        raise InputError(
            f"{folder}: {frequency.total()} rows of {len(frequency)} known topics to learn the difference from, expected {LEAST_KNOWN} or "
            "more of a topic, best of each; give a JSONL file of them"
        )
    encoder = load_encoder(bundle.folder, bundle.manifest["tokens"]["max_length"], bundle.manifest["tokens"]["stride"])
    told = [(text, label.id) for label in new.values() for text in introductions(label)]
    signals = read_signals(OnnxRuntime(bundle.network), encoder, [*(e.text for e in rows), *(text for text, _ in told)])
    targets = np.array([order.index(topic) for topic in (*(e.topic or "" for e in rows), *(topic for _, topic in told))])
    before = load_extension(bundle) or TopicExtension((), float(bundle.manifest["calibration"]["temperature"]))
    lesson, found, taken = teach(signals, targets, tuple(counts), before, len(told))
    learnt = Learnt(counts, len(rows), found, taken)
    _write(bundle, output, before.after(lesson), learnt, tuple(new.values()))
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


def introductions(label: TopicLabel) -> list[str]:
    """What a label says of its topic, as texts to learn from: its name, unless that is the id, its description, and both together."""
    told = [text for text in (label.name if label.name != label.id else "", label.description) if text]
    return [*told, "：".join(told)] if len(told) > 1 else told


def read_signals(runtime: Runtime, encoder: TextEncoder, texts: Sequence[str], batch: int = 16) -> Signals:
    """Runs the network over texts; of those longer than a window the first window counts."""
    encodings = encoder.encode(texts)
    windows = [window for window in encoder.windows(encodings) if window.start == 0]
    order = sorted(range(len(windows)), key=lambda n: windows[n].end)
    parts = []
    for first in range(0, len(order), batch):
        found = runtime.run(*encoder.batch(encodings, [windows[n] for n in order[first : first + batch]]))
        parts.append((found.topics, found.vectors))
    back = np.argsort(order)
    return Signals(np.concatenate([t for t, _ in parts])[back], np.concatenate([v for _, v in parts])[back])


def teach(
    signals: Signals, targets: NDArray[Any], topics: tuple[str, ...], before: TopicExtension, told: int = 0
) -> tuple[Lesson, float, float]:
    """The lesson, its log-odds scaled to what they are worth for rows that it was fitted without, and `found` and `taken` of `Learnt`.

    Args:
        signals: Of known and new rows, at the end those of `told` introductions of new topics, by which nothing is measured.
        targets: Topic numbers (rows,), the new topics last.
        topics: The new topics.
        before: What the bundle had learnt already.
        told: How many of the rows are introductions.
    """
    known = signals.topics.shape[1] + len(before.topics)
    texts = len(targets) - told
    folds = np.full(len(targets), FOLDS)  # of the introductions: they are always learnt from
    for number, topic in enumerate(np.unique(targets)):
        rows = np.flatnonzero(targets[:texts] == topic)
        folds[rows] = (number + np.arange(len(rows))) % FOLDS
    parts = [(np.flatnonzero(folds == n), np.flatnonzero(folds != n)) for n in range(FOLDS)]
    lessons = [fit_lesson(signals.part(outside), targets[outside], topics) for _, outside in parts]
    odds = np.empty((texts, len(topics)))
    for lesson, (inside, _) in zip(lessons, parts, strict=True):
        odds[inside] = lesson.log_odds(extension_features(signals.topics[inside], signals.vectors[inside]))
    slope, offsets = _fit_scale(odds, targets[:texts] - known)
    guesses, guesses_before = np.empty(texts, int), np.empty(texts, int)
    for lesson, (inside, _) in zip(lessons, parts, strict=True):
        scaled = replace(lesson, slope=slope, offsets=offsets)
        logits = before.after(scaled).logits(signals.topics[inside], signals.vectors[inside])
        guesses[inside], guesses_before[inside] = logits.argmax(axis=1), logits[:, :known].argmax(axis=1)
    own = targets[:texts]
    new = own >= known
    right = guesses_before[~new] == own[~new]
    found, taken = (guesses == own)[new].mean(), (right & (guesses[~new] >= known)).mean()
    return replace(fit_lesson(signals, targets, topics), slope=slope, offsets=offsets), float(found), float(taken)


def fit_lesson(signals: Signals, targets: NDArray[Any], topics: tuple[str, ...]) -> Lesson:
    """Fits new topics by linear discriminant analysis with a shrunken covariance (Friedman 1989, Regularized Discriminant Analysis).

    A mean of n examples lies off its topic by a n-th of the spread, which makes the topic look farther away than it is: that much is given
    back (Moran and Murphy 1979, A Closer Look at Two Alternative Methods of Statistical Discrimination). Without it, eight examples find
    a quarter of the texts of their topic. All topics count as equally frequent: a few examples do not tell how often theirs is asked about.

    Args:
        signals: Of known and new rows.
        targets: Topic numbers (rows,), the new topics last; those without rows are not compared.
        topics: The new topics, each with a row.
    """
    features = extension_features(signals.topics, signals.vectors)
    classes, places, counts = np.unique(targets, return_inverse=True, return_counts=True)
    means = np.stack([features[places == n].mean(axis=0) for n in range(len(classes))])
    within = features - means[places]
    spread = within.T @ within / max(1, len(features) - len(classes))
    level = max(float(np.trace(spread)), 1e-6) / len(spread)
    shrunken = (1 - SHRINKAGE) * spread + SHRINKAGE * level * np.eye(len(spread))
    weights = np.linalg.solve(shrunken, means.T).T
    given_back = np.trace(np.linalg.solve(shrunken, spread)) / (2 * counts)
    compared = tuple(map(int, classes[: -len(topics)]))
    return Lesson(topics, compared, weights, given_back - (weights * means).sum(axis=1) / 2)


def _fit_scale(odds: NDArray[np.float64], numbers: NDArray[Any]) -> tuple[float, tuple[float, ...]]:
    """Slope and offsets of least log loss, for a new topic that is asked about as often as any known one.

    Args:
        odds: Log-odds (rows, new topics) of each new topic against the known ones.
        numbers: Of the new topic that a row (rows,) belongs to, negative for rows of known topics; those of other new topics count nothing.
    """
    new = odds.shape[1]
    own = numbers[:, None] == np.arange(new)
    others = np.broadcast_to((numbers < 0)[:, None], own.shape)
    share = 1 / (len(np.unique(numbers[numbers < 0])) + 1)
    weights = share * own / own.sum(axis=0) + (1 - share) * others / others.sum(axis=0)

    def loss(scale: NDArray[np.float64]) -> float:
        scaled = np.exp(scale[0]) * odds + scale[1:]
        return float((weights * np.logaddexp(0, np.where(own, -scaled, scaled))).sum() + HOLD * (scale[0] - np.log(SLOPE)) ** 2)

    slope, *offsets = minimize(loss, np.array([np.log(SLOPE), *[0.0] * new])).x
    return float(np.exp(slope)), tuple(map(float, offsets))


def _write(bundle: Bundle, output: Path, extension: TopicExtension, learnt: Learnt, new: tuple[TopicLabel, ...]) -> None:
    labels = replace(bundle.labels, topics=(*bundle.labels.topics, *new))
    with writing(output) as folder:
        shutil.copytree(bundle.folder, folder, dirs_exist_ok=True)
        text = json.dumps(schema_to_dict(labels), ensure_ascii=False, indent=1)
        (folder / LABELS).write_text(text + "\n", encoding="utf-8")
        (folder / EXTENSION).write_text(json.dumps(extension.to_dict(), ensure_ascii=False) + "\n", encoding="utf-8")
        write_manifest(folder, {**bundle.manifest, "learnt": [*bundle.manifest.get("learnt", []), learnt.to_dict()]})
