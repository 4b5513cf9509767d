"""The life of an archive: its index is built, entries are added and updated, whatever their number, some at a time.

index = build_index("archive", entries, analyzer)
index, changes = add_entries(index, more, analyzer)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nlp.errors import InputError
from nlp.retrieval.index import AnswerIndex
from nlp.retrieval.interaction import pack
from nlp.retrieval.places import with_regions
from nlp.retrieval.rank import asked_places
from nlp.retrieval.rows import FIELDS, Batch, storable
from nlp.schema import Analysis, Entry

CHUNK = 1_024  # entries that are analysed and written together
# Of an entry's question that the model reads: of a letter, its title and first sentences. With 256 the ranker does no better.
QUESTION_CHARACTERS = 160
# Of an answer that the model reads: what it is about stands at its beginning. With 64, 96 or 128 the ranker does no better.
ANSWER_CHARACTERS = 48
_SURE = 0.5  # from which probability a predicted topic is kept with an entry


class EntryAnalyzer(Protocol):
    """What an archive needs of an analyzer: `nlp.Analyzer`, or a stand-in for it."""

    @property
    def fingerprint(self) -> str: ...

    @property
    def router(self) -> Mapping[str, Any]: ...

    def pipe(self, texts: Iterable[str], /, *, entities: bool = True) -> Iterator[Analysis]: ...


@dataclass(frozen=True, slots=True)
class Changes:
    """What became of entries that were to be added.

    Attributes:
        added: How many are new.
        updated: How many replaced one with the same id.
        unchanged: How many stand in the archive as they are; they were passed over.
        conflicts: Ids that stand there with other content, which was left as it is.
        duplicates: Id of a new entry and of one with the same question and places.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    conflicts: tuple[str, ...] = ()
    duplicates: tuple[tuple[str, str], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __add__(self, other: Changes) -> Changes:
        return Changes(
            self.added + other.added,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.conflicts + other.conflicts,
            self.duplicates + other.duplicates,
        )

    def __str__(self) -> str:
        counts = f"{self.added} added, {self.updated} updated, {self.unchanged} unchanged"
        return f"{counts}, {len(self.conflicts)} conflicts, {len(self.duplicates)} duplicates"


def build_index(
    path: str | Path, entries: Iterable[Entry], analyzer: EntryAnalyzer, *, answers: bool = True, chunk: int = CHUNK
) -> AnswerIndex:
    """Analyses the questions and the beginnings of the answers of entries and writes their index.

    Entries without a topic get the one the model is sure of. Ranker and thresholds that were fitted with the model go with the index.

    Args:
        path: Folder of the index, or address on an object store.
        entries: The archive, read as it is written; ids must differ.
        analyzer: Whose vectors the index is to hold.
        answers: Whether to hold vectors of the answers too: better hits, twice the time.
        chunk: How many entries are analysed, while as many are written.

    Raises:
        InputError: No entries, or an id twice.
        ArchiveError: `path` holds something that is no index, or cannot be written.
    """
    batches = _ahead(make_batch(some, analyzer, answers=answers) for some in _chunks(entries, chunk))
    fitted = analyzer.router
    kept = {name: fitted.get(name) for name in ("thresholds", "ranker", "scales")}
    return AnswerIndex.create(path, batches, analyzer.fingerprint, **kept)


def add_entries(
    index: AnswerIndex, entries: Iterable[Entry], analyzer: EntryAnalyzer, *, update: bool = False, chunk: int = CHUNK
) -> tuple[AnswerIndex, Changes]:
    """Adds the entries that an index does not hold yet.

    Each chunk is there or not there as a whole, also when the process is killed: then the same call again adds the rest.

    Args:
        index: Made with the analyzer's encoder.
        entries: Read as they are written; ids must differ.
        analyzer: Whose vectors the index holds.
        update: Whether entries whose content differs from that of the same id replace it; else they are conflicts.
        chunk: How many entries are in memory.

    Returns:
        The index with them, and what became of the entries.

    Raises:
        InputError: An id twice in a chunk.
        ArchiveError: The files of the index cannot be read or written.
    """
    total = Changes()

    def batches() -> Iterator[Batch]:
        nonlocal total
        for some in _chunks(entries, chunk):
            latest = index.latest()
            wanted, changes = _compare(latest, some, update=update)
            total += changes
            if wanted:
                batch = make_batch(wanted, analyzer, answers="answer_vector" in index.info.widths)
                total += Changes(duplicates=tuple(_twins(latest, batch.entries)))
                yield batch

    return index.extend(batches()), total


def make_batch(entries: Sequence[Entry], analyzer: EntryAnalyzer, *, answers: bool = True) -> Batch:
    """Analyses entries; those without a topic get the one the model is sure of.

    Raises:
        InputError: The analyzer gives no vectors.
    """
    placed = [with_regions(entry) for entry in entries]
    # The entities of an entry that names several places tell which of them its rule is of.
    unclear = [len(full.regions) > 1 and not entry.regions for full, entry in zip(placed, entries, strict=True)]
    texts = [entry.question[:QUESTION_CHARACTERS] for entry in entries]
    tagged = analyzer.pipe(text for text, several in zip(texts, unclear, strict=True) if several)
    others = analyzer.pipe((text for text, several in zip(texts, unclear, strict=True) if not several), entities=False)
    asked = [next(tagged if several else others) for several in unclear]
    filled = [
        _with_topic(_of_the_rule(entry, analysis) if several else entry, analysis)
        for entry, analysis, several in zip(placed, asked, unclear, strict=True)
    ]
    if not answers:
        return Batch(filled, _vectors(asked), tokens=_tokens(asked, [None] * len(asked)))
    answered = list(analyzer.pipe((entry.answer[:ANSWER_CHARACTERS] for entry in entries), entities=False))
    return Batch(filled, _vectors(asked), _vectors(answered), _tokens(asked, [analysis.tokens for analysis in answered]))


def _compare(index: AnswerIndex, entries: Sequence[Entry], *, update: bool) -> tuple[list[Entry], Changes]:
    """The entries to write, and what becomes of all of them; duplicates are told later, for they share places that are yet to be found."""
    stored = {entry.id: entry for entry in index.entries(entry.id for entry in entries)}
    new = [entry for entry in entries if entry.id not in stored]
    changed = [entry for entry in entries if entry.id in stored and not _says(stored[entry.id], entry)]
    wanted = new + changed if update else new
    return wanted, Changes(
        added=len(new),
        updated=len(changed) if update else 0,
        unchanged=len(entries) - len(new) - len(changed),
        conflicts=() if update else tuple(entry.id for entry in changed),
    )


def _says(stored: Entry, given: Entry) -> bool:
    """Whether a stored entry says what is given: topic and regions that are not given were filled in."""
    free = {name for name in ("topic", "regions") if not getattr(given, name)}
    return all(storable(getattr(given, name)) == storable(getattr(stored, name)) for name in FIELDS if name not in free)


def _twins(index: AnswerIndex, entries: Sequence[Entry]) -> Iterator[tuple[str, str]]:
    """Ids of entries, their places filled in, each with that of another one with the same question and places."""
    known = {_sense(entry): entry.id for entry in index.asking(entry.question for entry in entries)}
    for entry in entries:
        other = known.setdefault(_sense(entry), entry.id)
        if other != entry.id:
            yield entry.id, other


def _sense(entry: Entry) -> tuple[str, frozenset[str]]:
    return entry.question, frozenset(entry.regions)


def _chunks(entries: Iterable[Entry], size: int) -> Iterator[list[Entry]]:
    rest = iter(entries)
    while some := list(islice(rest, size)):
        yield some


def _ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The batches, the next of which is made while one is written: the network leaves the interpreter free for cutting words."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, batches, None)
        while batch := coming.result():
            coming = pool.submit(next, batches, None)
            yield batch


def _tokens(asked: Sequence[Analysis], answered: Sequence[NDArray[np.float32] | None]) -> list[NDArray[np.int8]] | None:
    """The packed token vectors of entries, from the analyses of their questions and from those of their answers; None without a model
    that makes such."""
    packed = [pack(a.tokens, b) for a, b in zip(asked, answered, strict=True) if a.tokens is not None]
    return packed or None


def _vectors(analyses: Iterable[Analysis]) -> NDArray[np.float32]:
    rows = []
    for analysis in analyses:
        if analysis.vector is None:
            raise InputError(f"the analyzer gives no vector for {analysis.text[:40]!r}; an index needs one for each entry")
        rows.append(analysis.vector)
    return np.stack(rows)


def _of_the_rule(entry: Entry, analysis: Analysis) -> Entry:
    """An entry without the place where one is only treated.

    北京医保在河北住院 and 河北医保在北京住院 name the same places, but each states the rule of another one.
    """
    care = asked_places(analysis).care
    return replace(entry, regions=tuple(region for region in entry.regions if region not in care) or entry.regions)


def _with_topic(entry: Entry, analysis: Analysis) -> Entry:
    sure = entry.topic is None and analysis.probability >= _SURE
    return replace(entry, topic=analysis.topic) if sure else entry
