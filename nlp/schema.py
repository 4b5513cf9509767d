"""What flows through the package: values, entities, examples (gold), analyses (predicted), entries, hits, decisions.

Everything is a frozen dataclass with `to_dict()`; the dictionaries hold JSON types only. Offsets are half-open code points of the
ORIGINAL text. Money is `Decimal` yuan, ratios are fractions (0.7, not 70), regions are six-digit codes of GB/T 2260, dates and durations
are ISO 8601.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Comparator = Literal["eq", "ge", "gt", "le", "lt", "range"]
Action = Literal["answer", "suggest", "handoff"]
Reason = Literal[
    "answered", "low_confidence", "no_answer", "no_answer_for_region", "needs_region", "ambiguous_region", "out_of_scope"
]
NATIONAL = "national"  # stands among region codes for a rule that holds in the whole country


def _decimal(number: Decimal | None) -> str | None:
    return None if number is None else format(number, "f")


def _from_decimal(number: str | None) -> Decimal | None:
    return None if number is None else Decimal(number)


@dataclass(frozen=True, slots=True)
class NumberValue:
    """A cardinal or ordinal number; `low` = `high` for a plain one, `approximate` for 几十 or 八千多."""

    low: Decimal | None
    high: Decimal | None
    comparator: Comparator = "eq"
    approximate: bool = False

    def to_dict(self) -> dict[str, Any]:
        return {
            "low": _decimal(self.low),
            "high": _decimal(self.high),
            "comparator": self.comparator,
            "approximate": self.approximate,
        }


@dataclass(frozen=True, slots=True)
class AmountValue:
    """Money: bounds in units of `currency` (yuan for CNY), and what it is paid per, such as ("person", "month")."""

    low: Decimal | None
    high: Decimal | None
    currency: str = "CNY"
    comparator: Comparator = "eq"
    per: tuple[str, ...] = ()
    approximate: bool = False

    def to_dict(self) -> dict[str, Any]:
        return {
            "low": _decimal(self.low),
            "high": _decimal(self.high),
            "currency": self.currency,
            "comparator": self.comparator,
            "per": list(self.per),
            "approximate": self.approximate,
        }


@dataclass(frozen=True, slots=True)
class PercentValue:
    """A ratio as a fraction (0.7 for 70%); `change` for percentage points and for rises and falls."""

    low: Decimal | None
    high: Decimal | None
    comparator: Comparator = "eq"
    change: bool = False

    def to_dict(self) -> dict[str, Any]:
        return {"low": _decimal(self.low), "high": _decimal(self.high), "comparator": self.comparator, "change": self.change}


@dataclass(frozen=True, slots=True)
class AgeValue:
    """Age of a person in years."""

    low: Decimal | None
    high: Decimal | None
    comparator: Comparator = "eq"

    def to_dict(self) -> dict[str, Any]:
        return {"low": _decimal(self.low), "high": _decimal(self.high), "comparator": self.comparator}


@dataclass(frozen=True, slots=True)
class DateValue:
    """A calendar point or period in ISO 8601: `2024-03-31`, `2024-03`, `2023`, `2008/2012`."""

    iso: str

    def to_dict(self) -> str:
        return self.iso


@dataclass(frozen=True, slots=True)
class DurationValue:
    """A length of time; bounds are ISO 8601 durations (`P15Y`), equal for a plain one."""

    low: str | None
    high: str | None
    comparator: Comparator = "eq"

    def to_dict(self) -> str | dict[str, Any]:
        if self.comparator == "eq" and self.low == self.high and self.low is not None:
            return self.low
        return {"low": self.low, "high": self.high, "comparator": self.comparator}


@dataclass(frozen=True, slots=True)
class RegionCandidate:
    """One reading of a place name: six-digit code, official name, score in [0, 1]."""

    code: str
    name: str
    score: float

    def to_dict(self) -> dict[str, Any]:
        return {"code": self.code, "name": self.name, "score": round(self.score, 4)}


@dataclass(frozen=True, slots=True)
class RegionValue:
    """Readings of a place, best first; `resolved` holds no code (undecided or masked), one, or several (a group such as 京津冀)."""

    candidates: tuple[RegionCandidate, ...] = ()
    resolved: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        resolved: str | list[str] | None = list(self.resolved) if len(self.resolved) > 1 else next(iter(self.resolved), None)
        return {"candidates": [c.to_dict() for c in self.candidates], "resolved": resolved}


Value = NumberValue | AmountValue | PercentValue | AgeValue | DateValue | DurationValue | RegionValue
ValueKind = Literal["number", "ordinal", "amount", "percent", "age", "date", "duration", "region"]
VALUE_KINDS: tuple[ValueKind, ...] = ("number", "ordinal", "amount", "percent", "age", "date", "duration", "region")


def value_from_dict(kind: ValueKind, data: Any) -> Value:
    """Reads what `to_dict()` of a value wrote.

    Args:
        kind: Which grammar the value belongs to.
        data: The JSON value.

    Raises:
        KeyError, TypeError, ValueError, decimal.InvalidOperation: `data` is not a value of that kind.
    """
    if kind == "date":
        if not isinstance(data, str):
            raise TypeError(f"expected an ISO 8601 string, got {data!r}")
        return DateValue(data)
    if kind == "duration":
        if isinstance(data, str):
            return DurationValue(data, data)
        return DurationValue(data["low"], data["high"], data.get("comparator", "range"))
    if kind == "region":
        candidates = tuple(RegionCandidate(c["code"], c["name"], float(c["score"])) for c in data.get("candidates", ()))
        resolved = data.get("resolved")
        return RegionValue(candidates, tuple(resolved) if isinstance(resolved, list) else (resolved,) if resolved else ())
    low, high, comparator = _from_decimal(data["low"]), _from_decimal(data["high"]), data.get("comparator", "eq")
    if kind == "amount":
        approximate = bool(data.get("approximate", False))
        return AmountValue(low, high, data.get("currency", "CNY"), comparator, tuple(data.get("per", ())), approximate)
    if kind == "percent":
        return PercentValue(low, high, comparator, bool(data.get("change", False)))
    if kind == "age":
        return AgeValue(low, high, comparator)
    return NumberValue(low, high, comparator, bool(data.get("approximate", False)))


@dataclass(frozen=True, slots=True)
class Entity:
    """A span of the original text: `text[start:end]` in code points, with type, role, canonical value and confidence."""

    start: int
    end: int
    type: str
    role: str | None = None
    value: Value | None = None
    probability: float | None = None

    def to_dict(self) -> dict[str, Any]:
        row: dict[str, Any] = {"start": self.start, "end": self.end, "type": self.type}
        if self.role is not None:
            row["role"] = self.role
        if self.value is not None:
            row["value"] = self.value.to_dict()
        if self.probability is not None:
            row["probability"] = round(self.probability, 4)
        return row


@dataclass(frozen=True, slots=True)
class Example:
    """A gold row of a data set. `topic` is None where only entities are annotated; `group` keeps variants in one split."""

    id: str
    text: str
    topic: str | None = None
    also: tuple[str, ...] = ()
    entities: tuple[Entity, ...] = ()
    source: str = ""
    group: str = ""
    register: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "text": self.text,
            "topic": self.topic,
            "also": list(self.also),
            "entities": [e.to_dict() for e in self.entities],
            "source": self.source,
            "group": self.group,
            "register": self.register,
        }


@dataclass(frozen=True, slots=True)
class TopicScore:
    """A topic and its calibrated probability."""

    topic: str
    probability: float

    def to_dict(self) -> dict[str, Any]:
        return {"topic": self.topic, "probability": round(self.probability, 4)}


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a model says of one text: topics by falling probability, entities in text order, sentence vector of shape (width,).

    `tokens` are unit vectors of the tokens, (tokens, token width), where the model has such. `energy` is the free energy of the topic
    logits, higher for texts unlike the training data; None where a model has no logits.
    """

    text: str
    topics: tuple[TopicScore, ...]
    entities: tuple[Entity, ...]
    vector: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)
    tokens: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)
    energy: float | None = field(default=None, repr=False, compare=False)

    @property
    def topic(self) -> str:
        return self.topics[0].topic

    @property
    def probability(self) -> float:
        return self.topics[0].probability

    def to_dict(self) -> dict[str, Any]:
        return {
            "topic": self.topic,
            "probability": round(self.probability, 4),
            "topics": [t.to_dict() for t in self.topics],
            "entities": [e.to_dict() for e in self.entities],
        }


@dataclass(frozen=True, slots=True)
class Entry:
    """A question of an archive with its answer.

    `regions` holds six-digit codes of the places whose rule it states, `(NATIONAL,)` for the whole country, and nothing where unknown.
    `law` is the rule it rests on, `as_of` the ISO date at which it held. `start` and `end` are the span in the file it was read from.
    """

    id: str
    question: str
    answer: str
    topic: str | None = None
    regions: tuple[str, ...] = ()
    law: str = ""
    as_of: str = ""
    source: str = ""
    category: str = ""
    date: str = ""
    start: int | None = None
    end: int | None = None

    def to_dict(self) -> dict[str, Any]:
        row: dict[str, Any] = {"id": self.id, "question": self.question, "answer": self.answer, "topic": self.topic}
        row["regions"] = list(self.regions)
        for name in ("law", "as_of", "source", "category", "date"):
            if getattr(self, name):
                row[name] = getattr(self, name)
        if self.start is not None:
            row["start"], row["end"] = self.start, self.end
        return row


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry found for a question: probability that it answers it, and the features behind that number."""

    entry: Entry
    score: float
    features: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.entry.id,
            "score": round(self.score, 4),
            "question": self.entry.question,
            "answer": self.entry.answer,
            "regions": list(self.entry.regions),
            "law": self.entry.law,
            "as_of": self.entry.as_of,
            "source": self.entry.source,
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with a question: give `answers[0]`, suggest `answers`, or hand off; `message` is the Chinese sentence for the asker.

    `probability` is that the first entry is the answer, given all that was found: of several that fit as well, which their scores tell,
    none is likely. `id` names the decision in the audit log, and is empty where none is kept.
    """

    action: Action
    answers: tuple[Hit, ...]
    probability: float
    reason: Reason
    message: str
    analysis: Analysis
    id: str = ""

    def to_dict(self) -> dict[str, Any]:
        return ({"decision": self.id} if self.id else {}) | {
            "action": self.action,
            "probability": round(self.probability, 4),
            "reason": self.reason,
            "message": self.message,
            "answers": [h.to_dict() for h in self.answers],
        }


@dataclass(frozen=True, slots=True)
class Query:
    """A question to measure routing with; `gold` are the ids of the entries that answer it, `kind` groups the figures."""

    text: str
    gold: frozenset[str]
    kind: str


@dataclass(frozen=True, slots=True)
class TopicLabel:
    """A topic of a label schema; `out_of_scope` marks the one for questions that are nobody's business."""

    id: str
    name: str
    description: str = ""
    out_of_scope: bool = False


@dataclass(frozen=True, slots=True)
class EntityLabel:
    """An entity type of a label schema; `value` names the grammar that reads its values, `roles` its sub-tags."""

    id: str
    name: str
    description: str = ""
    value: ValueKind | None = None
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelSchema:
    """The labels of a data set and of the models trained on it. Nothing in the code depends on their names."""

    topics: tuple[TopicLabel, ...]
    types: tuple[EntityLabel, ...]

    def topic_ids(self) -> tuple[str, ...]:
        return tuple(t.id for t in self.topics)

    def type_ids(self) -> tuple[str, ...]:
        return tuple(t.id for t in self.types)

    def place_types(self) -> frozenset[str]:
        """The types whose values are regions."""
        return frozenset(t.id for t in self.types if t.value == "region")

    def type(self, type_id: str) -> EntityLabel | None:
        return next((t for t in self.types if t.id == type_id), None)

    def topic_name(self, topic_id: str) -> str:
        return next((t.name for t in self.topics if t.id == topic_id), topic_id)

    def out_of_scope(self) -> str | None:
        return next((t.id for t in self.topics if t.out_of_scope), None)

    def tags(self) -> tuple[str, ...]:
        """Entity tags without position: `amount`, `region:care`, … one for each type, or for each role of a type that has roles."""
        return tuple(f"{t.id}:{role}" if role else t.id for t in self.types for role in (t.roles or ("",)))
