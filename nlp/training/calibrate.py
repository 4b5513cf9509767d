"""A serving network over the dev split → the numbers that make it honest: calibration of topics, trust in each reader of spans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from nlp.model.alignment import Encoding, TextEncoder, entities_of, tag_names
from nlp.model.decoding import Calibration, decode_spans, softmax
from nlp.model.reconciliation import Evidence, fit_trust
from nlp.model.runtime import Runtime
from nlp.schema import Example, LabelSchema, ValueKind
from nlp.text import find

SHRINKAGE = 10.0  # half the squared distance from no calibration costs as much log-likelihood


def calibrate(
    runtime: Runtime, encoder: TextEncoder, examples: Sequence[Example], schema: LabelSchema, questions: Sequence[Example] = ()
) -> dict[str, Any]:
    """Runs the network over gold rows that it was not trained on; of texts longer than a window the first window counts.

    Args:
        runtime: The network as it will serve.
        encoder: Its tokenizers.
        examples: The gold rows.
        schema: Their labels.
        questions: Gold rows that are nearer to what the model will be asked, for the topics; by default `examples` serve for that too.

    Returns:
        `{"temperature": …, "slope": …, "shift": …, "trust": {type: {"network": …, "grammar": …}}}` for the manifest.
    """
    names = tag_names(schema)
    cases: list[tuple[str, str, float, bool]] = []
    for example, encoding, _, tags in _read(runtime, encoder, examples):
        if len(tags) == len(encoding):
            cases += _disagreements(example, encoding, tags, schema, names)
    topical = [row for row in _read(runtime, encoder, questions or examples) if row[0].topic]
    accepted = np.array([[topic in (e.topic, *e.also) for topic in schema.topic_ids()] for e, *_ in topical])
    calibration = fit_calibration(np.array([logits for _, _, logits, _ in topical]), accepted)
    return {**asdict(calibration), "trust": {kind: trust.to_dict() for kind, trust in fit_trust(cases).items()}}


def _read(
    runtime: Runtime, encoder: TextEncoder, examples: Sequence[Example]
) -> Iterator[tuple[Example, Encoding, NDArray[np.float32], NDArray[np.float32]]]:
    """Examples with their tokens, the topic logits and the tag logits of their first windows."""
    for example, encoding in zip(examples, encoder.encode([e.text for e in examples]), strict=True):
        window = encoder.windows([encoding])[:1]
        found = runtime.run(*encoder.batch([encoding], window))
        yield example, encoding, found.topics[0], found.tags[0, 1 : window[0].end + 1]


def _disagreements(
    example: Example, encoding: Encoding, tags: NDArray[np.float32], schema: LabelSchema, names: tuple[str, ...]
) -> Iterator[tuple[str, str, float, bool]]:
    """The spans that only the network or only the grammar found: (type, which, probability, whether it is gold)."""
    gold = {(e.start, e.end, e.type) for e in example.entities}
    types: dict[ValueKind, list[str]] = {}
    for label in schema.types:
        if label.value:
            types.setdefault(label.value, []).append(label.id)
    with_values = {kind for kinds in types.values() for kind in kinds}
    spans = entities_of(decode_spans(tags, names), encoding)
    mentions = find(example.text, tuple(types))
    evidence = Evidence(softmax(tags), encoding, names)
    for span in spans:
        if span.type in with_values and not any(m.start < span.end and span.start < m.end for m in mentions):
            yield span.type, "network", span.probability or 0.0, (span.start, span.end, span.type) in gold
    for mention in mentions:
        if not any(s.start < mention.end and mention.start < s.end for s in spans):
            kinds = types[mention.type]  # type: ignore[index]
            probability, kind = max((evidence.of(mention.start, mention.end, kind)[0], kind) for kind in kinds)
            yield kind, "grammar", probability, (mention.start, mention.end, kind) in gold


def fit_calibration(logits: NDArray[np.float32], accepted: NDArray[np.bool_]) -> Calibration:
    """The calibration with which the probability of the first topic is best read as that of its being acceptable.

    It minimises the log loss of that event (top-label calibration, Gupta and Ramdas 2022, https://arxiv.org/abs/2107.08353): an asker is
    served by any topic that a careful reader accepts, and the first one is shown. The temperature comes first; slope and shift mend what
    one number cannot. Where rows are few, all three stay near 1, 1 and 0.

    Args:
        logits: (rows, topics).
        accepted: Which topics are acceptable (rows, topics).

    Returns:
        A temperature in [0.1, 10] and a slope of at least 0.1; nothing changed when there are no rows.
    """
    if not len(logits):
        return Calibration()
    first = logits.argmax(axis=-1)
    right = accepted[np.arange(len(first)), first]
    behind = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)

    def log_odds(temperature: float) -> NDArray[np.float64]:
        probability = np.clip(1 / np.exp(behind / temperature).sum(axis=-1), 1e-6, 1 - 1e-6)
        return np.asarray(np.log(probability / (1 - probability)), dtype=np.float64)

    def loss(values: NDArray[np.float64]) -> float:
        return float(np.logaddexp(0, np.where(right, -values, values)).sum())

    found = minimize_scalar(
        lambda t: loss(log_odds(np.exp(t))) + SHRINKAGE / 2 * t**2, bounds=(np.log(0.1), np.log(10)), method="bounded"
    )
    temperature = float(np.exp(found.x))
    plain = log_odds(temperature)

    def shrunk(parameters: NDArray[np.float64]) -> float:
        slope, shift = map(float, parameters)
        return loss(slope * plain + shift) + SHRINKAGE / 2 * ((slope - 1) ** 2 + shift**2)

    slope, shift = minimize(shrunk, np.array([1.0, 0.0]), bounds=[(0.1, None), (None, None)], method="L-BFGS-B").x
    return Calibration(round(temperature, 4), round(float(slope), 4), round(float(shift), 4))
