"""A serving network over the dev split → the numbers that make its probabilities honest: temperature, and trust in each reader of spans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from nlp.model.alignment import Encoding, TextEncoder, entities_of, tag_names
from nlp.model.decoding import decode_spans, softmax
from nlp.model.reconciliation import Evidence, fit_trust
from nlp.model.runtime import Runtime
from nlp.schema import Example, LabelSchema
from nlp.text import find


def calibrate(runtime: Runtime, encoder: TextEncoder, examples: Sequence[Example], schema: LabelSchema) -> dict[str, Any]:
    """Runs the network over gold rows that it was not trained on; of texts longer than a window the first window counts.

    Args:
        runtime: The network as it will serve.
        encoder: Its tokenizers.
        examples: The gold rows.
        schema: Their labels.

    Returns:
        `{"temperature": …, "trust": {type: {"network": …, "grammar": …}}}` for the manifest.
    """
    names, topics = tag_names(schema), schema.topic_ids()
    logits: list[NDArray[np.float32]] = []
    targets: list[int] = []
    cases: list[tuple[str, str, float, bool]] = []
    for example, encoding in zip(examples, encoder.encode([e.text for e in examples]), strict=True):
        window = encoder.windows([encoding])[:1]
        topic, tags, _ = runtime.run(*encoder.batch([encoding], window))
        if example.topic:
            logits.append(topic[0])
            targets.append(topics.index(example.topic))
        if window[0].end == len(encoding):
            cases += _disagreements(example, encoding, tags[0, 1 : window[0].end + 1], schema, names)
    temperature = fit_temperature(np.array(logits), np.array(targets))
    return {"temperature": temperature, "trust": {kind: trust.to_dict() for kind, trust in fit_trust(cases).items()}}


def _disagreements(
    example: Example, encoding: Encoding, tags: NDArray[np.float32], schema: LabelSchema, names: tuple[str, ...]
) -> Iterator[tuple[str, str, float, bool]]:
    """The spans that only the network or only the grammar found: (type, which, probability, whether it is gold)."""
    gold = {(e.start, e.end, e.type) for e in example.entities}
    types = {label.value: label.id for label in schema.types if label.value}
    spans = entities_of(decode_spans(tags, names), encoding)
    mentions = find(example.text, tuple(types))
    evidence = Evidence(softmax(tags), encoding, names)
    for span in spans:
        if span.type in types.values() and not any(m.start < span.end and span.start < m.end for m in mentions):
            yield span.type, "network", span.probability or 0.0, (span.start, span.end, span.type) in gold
    for mention in mentions:
        if not any(s.start < mention.end and mention.start < s.end for s in spans):
            kind = types[mention.type]  # type: ignore[index]
            probability, _ = evidence.of(mention.start, mention.end, kind)
            yield kind, "grammar", probability, (mention.start, mention.end, kind) in gold


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
