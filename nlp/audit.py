"""What was decided, when, by which model over which archive, and why: one record for each decision, without personal data.

router = Router(analyzer, index, audit=AuditLog("audit.jsonl"))
find_records("audit.jsonl", reason="no_answer", since="2026-11-01")
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from nlp.errors import DataError, InputError
from nlp.journal import MAX_BYTES, Journal
from nlp.schema import Action, Decision, Reason
from nlp.text.redact import redact


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One decision.

    Attributes:
        time: ISO 8601, UTC.
        id: Name of the decision, which corrections refer to.
        question: Without personal data.
        topic: The likeliest one.
        action: `answer`, `suggest` or `handoff`.
        reason: Why.
        answer: Id of the entry that was given as the answer, None where none was.
        probability: That the first entry is the answer.
        scores: Id and score of each entry that was found, best first.
        thresholds: Those of the router.
        model: Fingerprint of the encoder.
        index: Version of the index.
    """

    time: str
    id: str
    question: str
    topic: str
    action: str
    reason: str
    answer: str | None
    probability: float
    scores: tuple[tuple[str, float], ...]
    thresholds: Mapping[str, float] = field(default_factory=dict)
    model: str = ""
    index: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "scores": [[name, round(score, 4)] for name, score in self.scores]}

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> AuditRecord:
        """Reads what `to_dict` gave.

        Raises:
            KeyError, TypeError, ValueError: It is not such a row.
        """
        known = {f.name: row[f.name] for f in fields(cls)}
        strings = [known[name] for name in ("time", "id", "question", "topic", "action", "reason", "model", "index")]
        if not all(isinstance(value, str) for value in strings):
            raise TypeError("expected strings")
        # Of records that hold both, the probability was that of the best entry, and the certainty what is now called so.
        probability = float(row.get("certainty", row["probability"]))
        scores = tuple((str(name), float(score)) for name, score in row["scores"])
        return cls(**known | {"probability": probability, "scores": scores})


class AuditLog:
    """Keeps a record of each decision in a `Journal`. Threads and processes may share one.

    Args:
        path: JSONL file.
        max_bytes: Size from which a new file is begun.
        keep: How many full files stay; None for all of them.
    """

    def __init__(self, path: str | Path, max_bytes: int = MAX_BYTES, keep: int | None = None) -> None:
        self.journal = Journal(path, max_bytes, keep)

    def record(self, decision: Decision, *, thresholds: Mapping[str, float], model: str, index: str) -> str:
        """Writes the record of a decision.

        Returns:
            The name of the decision.

        Raises:
            InputError: The file cannot be written.
        """
        hits = decision.answers
        record = AuditRecord(
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            id=uuid.uuid4().hex[:16],
            question=redact(decision.analysis.text),
            topic=decision.analysis.topic,
            action=decision.action,
            reason=decision.reason,
            answer=hits[0].entry.id if decision.action == "answer" else None,
            probability=round(decision.probability, 4),
            scores=tuple((hit.entry.id, hit.score) for hit in hits),
            thresholds=thresholds,
            model=model,
            index=index,
        )
        self.journal.append(record.to_dict())
        return record.id


def find_records(
    path: str | Path,
    *,
    since: str = "",
    until: str = "",
    action: str | None = None,
    reason: str | None = None,
    contains: str = "",
) -> Iterator[AuditRecord | DataError]:
    """Reads the records that fit, oldest first, from the file and the full ones before it; a broken line comes as its error.

    Args:
        path: The file of an `AuditLog`.
        since: Beginning of an ISO 8601 time in UTC, such as `2026-11` or `2026-11-22T08`; records of it and of later.
        until: The same; records of it and of earlier.
        action: Only these.
        reason: Only these.
        contains: Characters of the question.

    Raises:
        InputError: There is no such file, a time cannot be one, or there is no such action or reason.
    """
    for name, time in (("since", since), ("until", until)):
        if not _begins_a_time(time):
            raise InputError(f"{name}: expected the beginning of a time such as 2026-11-22T08:30 (UTC), got {time!r}")
    for name, value, known in (("action", action, get_args(Action)), ("reason", reason, get_args(Reason))):
        if value not in (None, *known):
            raise InputError(f"{name}: expected one of {', '.join(known)}, got {value!r}")
    for file, line, row in Journal(path).rows():
        if isinstance(row, DataError):
            yield row
            continue
        try:
            record = AuditRecord.from_dict(row)
        except (KeyError, TypeError, ValueError) as error:
            yield DataError(file, line, "", f"not a record of a decision: {error!r}")
            continue
        in_time = record.time[: len(since)] >= since and record.time[: len(until)] <= until
        if in_time and action in (None, record.action) and reason in (None, record.reason) and contains in record.question:
            yield record


def _begins_a_time(text: str) -> bool:
    """Whether the text, filled up from a time, is a time."""
    sample = "2000-01-01T00:00:00.000"
    if not re.fullmatch(r"[0-9T:.-]*", text) or len(text) > len(sample):
        return False
    whole = text + sample[len(text) :]
    try:
        return datetime.fromisoformat(whole).isoformat(timespec="milliseconds") == whole
    except ValueError:
        return False
