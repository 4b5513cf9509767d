"""The state of an archive: entries that say the same twice, that held long ago, or that nobody can file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from nlp.schema import Entry
from nlp.text.segment import segment

MAX_AGE = 730  # days after its as-of date from which an entry should be looked at again


@dataclass(frozen=True, slots=True)
class ArchiveCheck:
    """What was found, as ids of entries.

    Attributes:
        entries: How many were looked at.
        duplicates: Groups of entries of the same places whose questions are the same words.
        outdated: Entries that held more than `MAX_AGE` days ago.
        undated: Entries without a day that can be read.
        unplaced: Entries that state no place, not even the nation.
        untitled: Entries without a topic.
    """

    entries: int
    duplicates: tuple[tuple[str, ...], ...]
    outdated: tuple[str, ...]
    undated: tuple[str, ...]
    unplaced: tuple[str, ...]
    untitled: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        twice = sum(len(group) - 1 for group in self.duplicates)
        counts = f"{twice} duplicates, {len(self.outdated)} outdated, {len(self.undated)} without a date"
        return f"{self.entries} entries: {counts}, {len(self.unplaced)} without a place, {len(self.untitled)} without a topic"


def check_entries(entries: Iterable[Entry], today: date, max_age: int = MAX_AGE) -> ArchiveCheck:
    """Looks through an archive.

    Args:
        entries: Of one archive, such as `AnswerIndex.scan()`.
        today: Day from which ages count.
        max_age: Days after which an entry is outdated.
    """
    alike: dict[tuple[frozenset[str], frozenset[str]], list[str]] = defaultdict(list)
    found: dict[str, list[str]] = {"outdated": [], "undated": [], "unplaced": [], "untitled": []}
    count = 0
    for entry in entries:
        count += 1
        alike[frozenset(segment(entry.question)), frozenset(entry.regions)].append(entry.id)
        day = _day(entry.as_of) or _day(entry.date)
        flags = {
            "outdated": day is not None and (today - day).days > max_age,
            "undated": day is None,
            "unplaced": not entry.regions,
            "untitled": entry.topic is None,
        }
        for name, flagged in flags.items():
            if flagged:
                found[name].append(entry.id)
    duplicates = tuple(tuple(ids) for ids in alike.values() if len(ids) > 1)
    return ArchiveCheck(count, duplicates, **{name: tuple(ids) for name, ids in found.items()})


def _day(text: str) -> date | None:
    """Reads an ISO date; a month stands for its end, a year for the end of its last month."""
    try:
        return date.fromisoformat(text + {4: "-12-28", 7: "-28"}.get(len(text), ""))
    except ValueError:
        return None
