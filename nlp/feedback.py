"""Corrections of what the router and the analyzer said: kept without personal data, and turned into training rows.

FeedbackLog("feedback.jsonl").store(Correction("深圳社保能转到武汉吗", entry="88658c9e7c", wrong="1f0c"))
rows = training_rows(read_corrections("feedback.jsonl"), entries)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nlp.data.corpus import text_id
from nlp.data.pairs import Pair, PairKind
from nlp.errors import DataError, InputError
from nlp.journal import Journal
from nlp.retrieval.places import find_codes, relation
from nlp.schema import Entry, Example
from nlp.text.redact import redact

SOURCE = "feedback"


@dataclass(frozen=True, slots=True)
class Correction:
    """What should have been said.

    Attributes:
        question: As it was asked.
        topic: The right topic.
        entry: Id of the entry that answers the question.
        wrong: Id of an entry that was given and does not answer it.
        comment: Anything else.
        decision: Name of the decision in the audit log.
        time: ISO 8601, UTC; filled in when it is stored.
    """

    question: str
    topic: str = ""
    entry: str = ""
    wrong: str = ""
    comment: str = ""
    decision: str = ""
    time: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """What corrections teach: topics of questions, pairs of questions, and those that teach nothing, with the reason."""

    examples: tuple[Example, ...]
    pairs: tuple[Pair, ...]
    problems: tuple[str, ...]


class FeedbackLog:
    """Keeps corrections in a `Journal`. Threads and processes may share one.

    Args:
        path: JSONL file.
    """

    def __init__(self, path: str | Path) -> None:
        self.journal = Journal(path)

    def store(self, correction: Correction) -> None:
        """Writes a correction, its question and comment without personal data.

        Raises:
            InputError: It has no question or corrects nothing, or the file cannot be written.
        """
        if not correction.question.strip():
            raise InputError("a correction needs the question that it is about")
        if not (correction.topic or correction.entry or correction.wrong or correction.comment):
            raise InputError("a correction needs a topic, an entry, a wrong entry or a comment")
        if correction.entry and correction.entry == correction.wrong:
            raise InputError(f"entry {correction.entry!r} cannot be both right and wrong")
        now = correction.time or datetime.now(UTC).isoformat(timespec="seconds")
        question, comment = redact(correction.question), redact(correction.comment)
        self.journal.append(replace(correction, question=question, comment=comment, time=now).to_dict())


def read_corrections(path: str | Path) -> Iterator[Correction | DataError]:
    """Reads the corrections of a `FeedbackLog`, oldest first; a broken line comes as its error.

    Raises:
        InputError: There is no such file.
    """
    names = {f.name for f in fields(Correction)}
    for file, line, row in Journal(path).rows():
        if isinstance(row, DataError):
            yield row
        elif not row.get("question") or not set(row) <= names or not all(isinstance(value, str) for value in row.values()):
            yield DataError(file, line, "", f"not a correction: {row!r:.80}")
        else:
            yield Correction(**row)


def training_rows(corrections: Iterable[Correction], entries: Mapping[str, Entry], schema: Iterable[str] = ()) -> TrainingRows:
    """Turns corrections into rows to train with; where they contradict each other, the latest counts.

    Args:
        corrections: Oldest first.
        entries: Of the archive, by id.
        schema: Topics that there are; empty to take any.
    """
    topics: dict[str, str] = {}
    labels: dict[tuple[str, str], tuple[int, PairKind]] = {}
    problems: list[str] = []
    known = frozenset(schema)
    for correction in corrections:
        question = correction.question
        if correction.topic and known and correction.topic not in known:
            problems.append(f"{question!r:.60}: unknown topic {correction.topic!r}")
        elif correction.topic:
            topics[question] = correction.topic
        for name in filter(None, (correction.entry, correction.wrong)):
            if name not in entries:
                problems.append(f"{question!r:.60}: no entry {name!r} in the archive")
        right, wrong = entries.get(correction.entry), entries.get(correction.wrong)
        if right:
            labels[question, right.id] = (1, "answer")
        if wrong:
            labels[question, wrong.id] = (0, _kind(question, right, wrong))
    pairs = (_pair(question, entries[name], *label) for (question, name), label in labels.items())
    return TrainingRows(tuple(_example(*item) for item in topics.items()), tuple(pairs), tuple(problems))


def _kind(question: str, right: Entry | None, wrong: Entry) -> PairKind:
    """In what a wrong entry is wrong: of another topic, of another place, or about another rule."""
    if right and right.topic and wrong.topic and right.topic != wrong.topic:
        return "topic"
    places = find_codes(question) or (right.regions if right else ())
    return "region" if relation(places, wrong.regions) == "disjoint" else "policy"


def _example(question: str, topic: str) -> Example:
    name = text_id(question)
    return Example(name, question, topic, source=SOURCE, group=name)


def _pair(question: str, entry: Entry, label: int, kind: PairKind) -> Pair:
    return Pair(
        text_id(f"{question}\n{entry.question}"),
        question,
        entry.question,
        entry.id,
        label,
        kind,
        entry.topic,
        text_id(question),
    )
