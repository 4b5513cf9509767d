"""What every model has to beat: TF-IDF of character n-grams with a linear classifier for topics; word list and grammar for entities."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from nlp.schema import Analysis, Entity, Example, LabelSchema, TopicScore
from nlp.text import find

MIN_SEEN = 2  # spans of a surface in training before the word list takes it
MIN_SHARE = 0.5  # of its occurrences that must be tagged


class Baseline:
    """A topic classifier and an entity word list made from gold rows; no neural network.

    Args:
        examples: The training rows.
        schema: Their labels.
        reference: The day against which relative dates get their values, None for none.
    """

    def __init__(self, examples: Sequence[Example], schema: LabelSchema, reference: date | None = None) -> None:
        self.schema, self.reference = schema, reference
        self.classifier = _fit_topics([e for e in examples if e.topic])
        self.surfaces = _word_list(examples, schema)
        self.roles = _usual_roles(examples)

    def __call__(self, text: str) -> Analysis:
        return self.analyze([text])[0]

    def analyze(self, texts: Sequence[str]) -> list[Analysis]:
        """Analyses texts; entities come from the grammar for types with values, and from the word list for the others."""
        found = []
        for text, row in zip(texts, self.classifier.predict_proba(texts), strict=True):
            scores = sorted(zip(self.classifier.classes_, row, strict=True), key=lambda pair: -pair[1])
            topics = tuple(TopicScore(str(topic), float(p)) for topic, p in scores)
            found.append(Analysis(text, topics, tuple(self._entities(text))))
        return found

    def _entities(self, text: str) -> list[Entity]:
        kinds = {label.value: label for label in self.schema.types if label.value}
        entities = [
            Entity(e.start, e.end, label.id, self.roles.get(label.id), e.value)
            for e in find(text, types=tuple(k for k in kinds if k), reference=self.reference)
            if (label := kinds.get(e.type))  # type: ignore[call-overload]
        ]
        taken = [False] * len(text)
        for entity in entities:
            taken[entity.start : entity.end] = [True] * (entity.end - entity.start)
        longest = max(map(len, self.surfaces), default=0)
        start = 0
        while start < len(text):
            for size in range(min(longest, len(text) - start), 1, -1):
                kind = self.surfaces.get(text[start : start + size])
                if kind and not any(taken[start : start + size]):
                    entities.append(Entity(start, start + size, kind))
                    start += size - 1
                    break
            start += 1
        return sorted(entities, key=lambda e: e.start)


def topic_classifier() -> Pipeline:
    """TF-IDF of character n-grams with a linear classifier, not yet fitted."""
    features = TfidfVectorizer(analyzer="char", ngram_range=(1, 4), min_df=2, sublinear_tf=True)
    return make_pipeline(features, LogisticRegression(C=20, max_iter=300, class_weight="balanced"))


def _fit_topics(examples: Sequence[Example]) -> Pipeline:
    return topic_classifier().fit([e.text for e in examples], [e.topic for e in examples])


def _word_list(examples: Sequence[Example], schema: LabelSchema) -> dict[str, str]:
    tagged: dict[str, Counter[str]] = defaultdict(Counter)
    for example in examples:
        for entity in example.entities:
            label = schema.type(entity.type)
            if label and not label.value:
                tagged[example.text[entity.start : entity.end]][entity.type] += 1
    everything = "\n".join(e.text for e in examples)
    words = {}
    for surface, kinds in tagged.items():
        kind, count = kinds.most_common(1)[0]
        if count >= MIN_SEEN and count >= MIN_SHARE * everything.count(surface):
            words[surface] = kind
    return words


def _usual_roles(examples: Sequence[Example]) -> dict[str, Any]:
    roles: dict[str, Counter[str]] = defaultdict(Counter)
    for example in examples:
        for entity in example.entities:
            if entity.role:
                roles[entity.type][entity.role] += 1
    return {kind: counts.most_common(1)[0][0] for kind, counts in roles.items()}
