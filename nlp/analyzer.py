"""Text → Analysis: tokens, one network pass, decoding, values; the original offsets all the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlp.errors import InputError
from nlp.model.alignment import Encoding, Window, entities_of, load_encoder, tag_names
from nlp.model.decoding import Calibration, decode_spans, energy_score, softmax, topic_scores
from nlp.model.extension import extended
from nlp.model.reconciliation import Evidence, reconcile, trust_from_dict
from nlp.model.runtime import OnnxRuntime, Outputs, Runtime
from nlp.model.store import Bundle, load_bundle
from nlp.schema import Analysis, Entity, LabelSchema, TopicScore
from nlp.text import add_values, find

BATCH_TOKENS = 512  # of one pass: with four times as many, states no longer fit the caches, and a token takes a fifth longer
CHUNK = 512  # texts that `pipe` sorts by length at a time


class Analyzer:
    """Finds topic, entities and vector of a question.

    Args:
        bundle: The checked model folder.
        runtime: What runs its network.
        reference: The day against which relative dates (去年3月) get their values; without one, here or in
            the call, they have none.
    """

    def __init__(self, bundle: Bundle, runtime: Runtime, reference: date | None = None) -> None:
        self.bundle, self.runtime, self.reference = bundle, runtime, reference
        tokens = bundle.manifest["tokens"]
        self.encoder = load_encoder(bundle.folder, tokens["max_length"], tokens["stride"])
        self.calibration = Calibration.from_dict(bundle.manifest["calibration"])
        self.trust = trust_from_dict(bundle.manifest["calibration"].get("trust", {}))
        self.topics, self.names = bundle.labels.topic_ids(), tag_names(bundle.labels)
        self.kinds = tuple({label.value: None for label in bundle.labels.types if label.value})

    @classmethod
    def from_pretrained(cls, path: str | Path, *, threads: int = 0, reference: date | None = None) -> Analyzer:
        """Loads a bundle for serving with ONNX Runtime.

        Args:
            path: The bundle folder.
            threads: CPU threads of one pass; 0 uses all cores.
            reference: See the class.

        Raises:
            BundleError: The bundle is missing, damaged or of another format.
        """
        bundle = load_bundle(Path(path))
        return cls(bundle, extended(OnnxRuntime(bundle.network, threads), bundle), reference)

    @property
    def labels(self) -> LabelSchema:
        return self.bundle.labels

    @property
    def fingerprint(self) -> str:
        return self.bundle.fingerprint

    @property
    def router(self) -> Mapping[str, Any]:
        """Ranker and thresholds fitted with this model (see `nlp.fitting`); empty where none were."""
        return self.bundle.router

    def __call__(self, text: str, *, reference: date | None = None) -> Analysis:
        """Analyses one text of any length; `reference` as in the class, for this text alone.

        Raises:
            InputError: `text` is not a string.
        """
        return self._analyze([text], 1, reference, True)[0]

    def pipe(self, texts: Iterable[str], *, batch_size: int = 32, entities: bool = True) -> Iterator[Analysis]:
        """Analyses many texts, in order, with batches of similar length.

        Args:
            texts: Read lazily, a chunk at a time.
            batch_size: Most windows in one pass of the network; fewer where they are long.
            entities: Whether to look for entities; topic and vector alone take a quarter less time.

        Raises:
            InputError: One of them is not a string.
        """
        rest = iter(texts)
        while chunk := list(islice(rest, CHUNK)):
            yield from self._analyze(chunk, batch_size, None, entities)

    def _analyze(self, texts: Sequence[str], batch_size: int, reference: date | None, entities: bool) -> list[Analysis]:
        for text in texts:
            if not isinstance(text, str):
                raise InputError(f"expected a string, got {text!r:.60}")
        encodings = self.encoder.encode(texts)
        windows = self.encoder.windows(encodings)
        order = sorted(range(len(windows)), key=lambda n: windows[n].end - windows[n].start)
        parts: list[list[_Part]] = [[] for _ in texts]
        cut = _batches(order, [window.end - window.start for window in windows], batch_size)
        batches = [[windows[n] for n in numbers] for numbers in cut]
        results = self.runtime.run_all(self.encoder.batch(encodings, batch) for batch in batches)
        missing, found = Counter(window.text for window in windows), {}
        for batch, outputs in zip(batches, results, strict=True):
            for row, window in enumerate(batch):
                number = window.text
                parts[number].append(_Part(window, outputs, row))
                missing[number] -= 1
                if not missing[number]:  # here and not at the end: the network goes on meanwhile
                    found[number] = self._read(texts[number], encodings[number], parts[number], reference, entities)
        return [found[number] for number in range(len(texts))]

    def _read(self, text: str, encoding: Encoding, parts: list[_Part], reference: date | None, entities: bool) -> Analysis:
        """The analysis of a text from what the network said of all of its windows."""
        parts.sort(key=lambda part: part.window.start)
        analysis = self._join(text, encoding, parts)
        if not entities or not len(encoding):
            return analysis
        tags = _join_rows(parts, [part.tags for part in parts], len(encoding))
        return replace(analysis, entities=self._entities(text, encoding, tags, reference or self.reference))

    def _join(self, text: str, encoding: Encoding, parts: Sequence[_Part]) -> Analysis:
        """Topic and vectors of a text from its windows."""
        if not len(encoding):  # nothing but blanks: every topic is as likely
            even = tuple(TopicScore(topic, 1 / len(self.topics)) for topic in self.topics)
            energy = energy_score(np.zeros(len(self.topics), np.float32))
            return Analysis(text, even, (), parts[0].vector, parts[0].tokens, energy)
        weights = np.array([len(part.tags) for part in parts], dtype=np.float32)
        weights /= weights.sum()
        logits = np.einsum("w,wt->t", weights, np.stack([part.topics for part in parts]))
        vector = np.einsum("w,wd->d", weights, np.stack([part.vector for part in parts]))
        vector = vector / max(float(np.linalg.norm(vector)), 1e-9)
        topics = topic_scores(logits, self.topics, self.calibration)
        tokens = [part.tokens for part in parts if part.tokens is not None]
        joined = _join_rows(parts, tokens, len(encoding)).copy() if tokens else None  # a view would keep its whole batch alive
        return Analysis(text, topics, (), vector.astype(np.float32), joined, energy_score(logits))

    def _entities(
        self, text: str, encoding: Encoding, logits: NDArray[np.float32], reference: date | None
    ) -> tuple[Entity, ...]:
        spans = entities_of(decode_spans(logits, self.names), encoding)
        mentions = find(text, self.kinds, reference)
        if spans or mentions:
            evidence = Evidence(softmax(logits), encoding, self.names)
            spans = reconcile(text, spans, mentions, evidence, self.labels, self.trust)
        return add_values(text, spans, self.labels, reference)


class _Part:
    """What the network said of one window, without special tokens."""

    __slots__ = ("tags", "tokens", "topics", "vector", "window")

    def __init__(self, window: Window, found: Outputs, row: int) -> None:
        end = window.end - window.start + 1
        self.window, self.topics, self.vector = window, found.topics[row], found.vectors[row]
        self.tags, self.tokens = found.tags[row, 1:end], None if found.tokens is None else found.tokens[row, 1:end]


def _batches(order: Sequence[int], lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Cuts numbers of windows, shortest first, into batches of at most `most`, and of no more tokens than the caches hold well."""
    batch: list[int] = []
    for number in order:
        if batch and (len(batch) == most or (len(batch) + 1) * lengths[number] > BATCH_TOKENS):
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def _join_rows(parts: Sequence[_Part], rows: Sequence[NDArray[np.float32]], length: int) -> NDArray[np.float32]:
    """One row a token of those of each window: where windows overlap, each side keeps the half that lies deeper inside it."""
    if len(rows) == 1:
        return rows[0]
    joined = np.empty((length, rows[0].shape[1]), dtype=np.float32)
    start = 0
    for part, own, following in zip(parts, rows, [*parts[1:], None], strict=True):
        end = (part.window.end + following.window.start) // 2 if following else length
        joined[start:end] = own[start - part.window.start : end - part.window.start]
        start = end
    return joined
