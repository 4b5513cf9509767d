"""The state of an archive: entries that say the same twice, that held long ago, or that nobody can file."""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from nlp.schema import Entry
from nlp.text.segment import segment

MAX_AGE = 24  # months after its as-of date from which an entry should be looked at again


@dataclass(frozen=True, slots=True)
class ArchiveCheck:
    """What was found, as ids of entries.

    Attributes:
        entries: How many were looked at.
        duplicates: Groups of entries of the same places whose questions are the same words.
        outdated: Entries whose as-of date, else their date, lies longer back than the greatest age.
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
        max_age: Months after which an entry is outdated.
    """
    alike: dict[int, str] = {}  # hash of words and places → first entry; no more is kept of an entry that is in order
    groups: dict[str, list[str]] = defaultdict(list)
    limit = months_before(today, max_age)
    found: dict[str, list[str]] = {"outdated": [], "undated": [], "unplaced": [], "untitled": []}
    count = 0
    for entry in entries:
        count += 1
        first = alike.setdefault(hash((tuple(segment(entry.question)), frozenset(entry.regions))), entry.id)
        if first != entry.id:
            groups[first].append(entry.id)
        day = _day(entry.as_of) or _day(entry.date)
        flags = {
            "outdated": day is not None and day < limit,
            "undated": day is None,
            "unplaced": not entry.regions,
            "untitled": entry.topic is None,
        }
        for name, flagged in flags.items():
            if flagged:
                found[name].append(entry.id)
    duplicates = tuple((first, *others) for first, others in groups.items())
    return ArchiveCheck(count, duplicates, **{name: tuple(ids) for name, ids in found.items()})


def months_before(day: date, months: int) -> date:
    """The same day of the month that many months earlier, or the last one of that month; the first day there is, at the earliest."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    if year < 1:
        return date.min
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _day(text: str) -> date | None:
    """Reads an ISO date, of a time its day; a month stands for its end, a year for the end of its last month."""
    text = text[:10] if text[10:11] in ("T", " ") else text
    try:
        return date.fromisoformat(text + {4: "-12-28", 7: "-28"}.get(len(text), ""))
    except ValueError:
        return None
