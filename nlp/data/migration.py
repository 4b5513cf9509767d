"""A data set, its labels changed by a plan: topics and types are added, renamed, merged and split; rows keep their ids.

A plan is TOML, a table for each change: `old` names labels that go, `new` describes those that take their place. None to one adds, one to
one renames (or changes what a label says of itself), many to one merges, one to many splits:

    [[topics]]
    old = ["labor_law"]
    new = [{ id = "wages", name = "工资" }, { id = "contracts", name = "劳动合同" }]

    [[types]]
    old = ["benefit", "document"]
    new = [{ id = "term", name = "术语" }]

Which part of a split label a row belongs to nobody can compute: such rows take the first one and are listed in `review.jsonl`, with the
`choices` beside what was chosen. The same file, mended by hand, is given to the next run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nlp.config import parse, read_toml
from nlp.data.corpus import read_rows
from nlp.errors import DataError, RecipeError
from nlp.schema import VALUE_KINDS, EntityLabel, Example, LabelSchema, TopicLabel

Label = TopicLabel | EntityLabel


@dataclass(frozen=True, slots=True)
class NewLabel:
    """A label that takes the place of others; what it does not say it inherits from the first of them."""

    id: str
    name: str = ""
    description: str = ""
    out_of_scope: bool = False
    value: str = ""
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """Labels that go and labels that come."""

    new: tuple[NewLabel, ...]
    old: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        return "split" if len(self.new) > 1 else ("add", "rename")[len(self.old)] if len(self.old) < 2 else "merge"

    def __str__(self) -> str:
        return f"{self.kind} {' + '.join(self.old) or 'nothing'} → {' + '.join(label.id for label in self.new)}"


@dataclass(frozen=True, slots=True)
class MigrationPlan:
    """All changes of a plan."""

    topics: tuple[Change, ...] = ()
    types: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Migration:
    """A plan for the labels of one schema: the new schema, and the new labels of each old one, the first being the usual one."""

    plan: MigrationPlan
    before: LabelSchema
    after: LabelSchema
    topics: Mapping[str, tuple[str, ...]]
    types: Mapping[str, tuple[str, ...]]

    def example(self, example: Example, decided: Mapping[str, Decided]) -> Example:
        """The row with its new labels; id, text and spans stay."""
        decision = decided.get(example.id, Decided())
        topic = decision.topic or (self.topics[example.topic][0] if example.topic else None)
        also = dict.fromkeys(new for old in example.also for new in self.topics[old][:1] if new != topic)
        kinds = dict(decision.types)
        entities = []
        for entity in example.entities:
            kind = kinds.get((entity.start, entity.end), self.types[entity.type][0])
            label = self.after.type(kind)
            old = self.before.type(entity.type)
            role = entity.role if label and entity.role in label.roles else None
            value = entity.value if label and old and label.value == old.value else None
            entities.append(replace(entity, type=kind, role=role, value=value))
        return replace(example, topic=topic, also=tuple(also), entities=tuple(entities))

    def to_review(self, old: Example, new: Example) -> dict[str, Any] | None:
        """What a person has to decide of a row; None where nothing was split."""
        row: dict[str, Any] = {"id": old.id, "text": old.text}
        if old.topic and len(self.topics[old.topic]) > 1:
            row |= {"topic": new.topic, "topic_choices": list(self.topics[old.topic])}
        split = [
            {"start": b.start, "end": b.end, "surface": old.text[b.start : b.end], "type": b.type, "choices": list(choices)}
            for a, b in zip(old.entities, new.entities, strict=True)
            if len(choices := self.types[a.type]) > 1
        ]
        if split:
            row["entities"] = split
        return row if len(row) > 2 else None


@dataclass(frozen=True, slots=True)
class Decided:
    """What a person chose for a row: its topic, and the type of spans."""

    topic: str | None = None
    types: tuple[tuple[tuple[int, int], str], ...] = ()


def load_migration(path: Path, schema: LabelSchema) -> Migration:
    """Reads a plan for the labels of `schema`.

    Raises:
        RecipeError: The plan is malformed, names a label that there is not, changes one twice, or makes one that there is already.
    """
    plan = parse(MigrationPlan, read_toml(path), str(path))
    topics, topic_map = _changed(schema.topics, plan.topics, f"{path}: topics")
    types, type_map = _changed(schema.types, plan.types, f"{path}: types")
    after = LabelSchema(
        tuple(label for label in topics if isinstance(label, TopicLabel)),
        tuple(label for label in types if isinstance(label, EntityLabel)),
    )
    return Migration(plan, schema, after, topic_map, type_map)


def _changed(labels: Sequence[Label], changes: Sequence[Change], where: str) -> tuple[list[Label], dict[str, tuple[str, ...]]]:
    """The new labels, each in the place of the first that it replaces, and the new ids of each old one."""
    known = {label.id: label for label in labels}
    _check(known, changes, where)
    places: dict[str, list[Label]] = {key: [label] for key, label in known.items()}
    mapped: dict[str, tuple[str, ...]] = {key: (key,) for key in known}
    added: list[Label] = []
    topics = where.endswith("topics")
    for change in changes:
        first = known.get(change.old[0]) if change.old else None
        made = [_topic(new, first) if topics else _type(new, [known[o] for o in change.old], where) for new in change.new]
        for old in change.old:
            places[old] = []
            mapped[old] = tuple(label.id for label in made)
        (places[change.old[0]] if change.old else added).extend(made)
    return [label for group in places.values() for label in group] + added, mapped


def _check(known: Mapping[str, Label], changes: Sequence[Change], where: str) -> None:
    gone = Counter(old for change in changes for old in change.old)
    come = Counter(new.id for change in changes for new in change.new)
    for change in changes:
        if not change.new or (len(change.old) != 1 and len(change.new) != 1):
            raise RecipeError(f"{where}: {change}: expected none or more old labels for one new, or one old for several new")
    for label, count in gone.items():
        if label not in known:
            raise RecipeError(f"{where}: {label!r}: unknown, expected one of {', '.join(known)}")
        if count > 1:
            raise RecipeError(f"{where}: {label!r}: is changed {count} times, expected once")
    for label, count in come.items():
        if count > 1 or (label in known and label not in gone):
            raise RecipeError(f"{where}: {label!r}: there would be two of it; name it in `old` too, to merge with it")


def _topic(new: NewLabel, first: Label | None) -> TopicLabel:
    old = first if isinstance(first, TopicLabel) else TopicLabel(new.id, new.id)
    return TopicLabel(new.id, new.name or old.name, new.description or old.description, new.out_of_scope or old.out_of_scope)


def _type(new: NewLabel, replaced: Sequence[Label], where: str) -> EntityLabel:
    if new.value and new.value not in VALUE_KINDS:
        raise RecipeError(f"{where}: {new.id}: value: expected one of {', '.join(VALUE_KINDS)}, got {new.value!r}")
    olds = [label for label in replaced if isinstance(label, EntityLabel)]
    values = {label.value for label in olds}
    value = next((kind for kind in VALUE_KINDS if kind == new.value), values.pop() if len(values) == 1 else None)
    roles = new.roles or tuple(dict.fromkeys(role for label in olds for role in label.roles))
    first = olds[0] if olds else EntityLabel(new.id, new.id)
    return EntityLabel(new.id, new.name or first.name, new.description or first.description, value, roles)


def read_decisions(path: Path, migration: Migration) -> dict[str, Decided]:
    """Reads a `review.jsonl` that a person went through.

    Raises:
        DataError: A row has no id, or chose a label that is not one of its `choices`.
    """
    decided = {}
    for number, row in read_rows(path):
        if isinstance(row, DataError):
            raise row
        try:
            spans = [((e["start"], e["end"]), e["type"]) for e in row.get("entities", [])]
            decided[row["id"]] = Decided(row.get("topic"), tuple(spans))
        except (KeyError, TypeError) as error:
            raise DataError(path, number, "", f"expected id, topic and entities with start, end and type: {error!r}") from None
        for field, chosen, labels in _chosen(decided[row["id"]], migration.after):
            if chosen not in labels:
                raise DataError(path, number, field, f"unknown {chosen!r}, expected one of {', '.join(labels)}")
    return decided


def _chosen(decided: Decided, schema: LabelSchema) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    if decided.topic is not None:
        yield "topic", decided.topic, schema.topic_ids()
    for _, kind in decided.types:
        yield "entities", kind, schema.type_ids()
