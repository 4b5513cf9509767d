"""Entries of an archive, on disk or on an object store, to be found by their words and by their vectors: `AnswerIndex`, on LanceDB.

    <path>/
      metadata.json     format version, fingerprint of the encoder, width of the vectors, date, thresholds
      entries-….lance/  one row an entry: its fields, its words for lexical search, its vectors
      lock              held by the one process that writes

The words of a row are those of the question and of the answer, and some for the places whose rule it states, in a column of
its own that is split at white space (BM25, k1 1.2, b 0.75). The index is given vectors and words and knows no model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlp.errors import ArchiveError, InputError
from nlp.retrieval.info import IndexInfo, describes_index, first_line, read_info, write_info
from nlp.retrieval.rows import FIELDS, TOKENS, Batch, Scale, entry_of_row, fuse, place_words, read_rows, read_vectors, table_of
from nlp.retrieval.storage import Place, connect, locate, writing
from nlp.retrieval.tables import conditions, fit, index_vectors, quote, refuse_strangers, replace_table, scales_of
from nlp.schema import Entry, Hit

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from lancedb.table import Table
    from numpy.typing import NDArray

PROBES = 48  # partitions that a search by vector reads: recall@30 of 0.97 among 100,000 questions
MAX_QUERY_WORDS = 128
RESIDENT_ROWS = 10_000  # some 9 kB each in memory; larger archives stay on disk
# What LanceDB raises for files that are missing, cut short or changed.
ENGINE_ERRORS = (OSError, ValueError, RuntimeError)


class AnswerIndex:
    """Entries on disk with lexical and vector search. Threads may share one.

    Made by `build` or `open`, not directly.
    """

    def __init__(self, path: Place, info: IndexInfo, table: Table) -> None:
        self.path, self.info, self._table = path, info, table
        # Searches by vector while the caller's thread searches by words; a few, because there may be several callers.
        self._others = ThreadPoolExecutor(4, thread_name_prefix="wenlu-index")

    @classmethod
    def build(
        cls,
        path: str | Path,
        entries: Sequence[Entry],
        vectors: NDArray[np.float32],
        encoder: str,
        *,
        answer_vectors: NDArray[np.float32] | None = None,
        tokens: Sequence[NDArray[np.int8]] | None = None,
        thresholds: Mapping[str, float] | None = None,
        ranker: Mapping[str, Any] | None = None,
        scales: Mapping[str, Scale] | None = None,
    ) -> AnswerIndex:
        """Writes a new index of entries that fit into memory, as `create` does.

        Args:
            path: Folder or address of the index.
            entries: What to index; ids must differ.
            vectors: Question vectors of shape (entries, width), of any length; they are scaled to length 1.
            encoder: Fingerprint of the encoder that made the vectors.
            answer_vectors: Vectors of the answers, of the same shape, where there are any.
            tokens: Token vectors of each entry as `interaction.pack` gives them, where there are any.
            thresholds: Numbers of the router to keep with the index.
            ranker: Weights of the ranker to keep with the index, as `Ranker.to_dict` gives them.
            scales: `IndexInfo.scales` of a larger index by the same encoder, for an archive too small to measure its own.

        Raises:
            InputError: No entries, an id twice, or vectors of another number than entries.
            ArchiveError: `path` holds something that is no index, or cannot be written.
        """
        batch = Batch(entries, vectors, answer_vectors, tokens)
        batch.check()
        return cls.create(path, [batch], encoder, thresholds=thresholds, ranker=ranker, scales=scales)

    @classmethod
    def create(
        cls,
        path: str | Path,
        batches: Iterable[Batch],
        encoder: str,
        *,
        thresholds: Mapping[str, float] | None = None,
        ranker: Mapping[str, Any] | None = None,
        scales: Mapping[str, Scale] | None = None,
    ) -> AnswerIndex:
        """Writes a new index and opens it; one that stood at `path` is replaced once the new one is complete.

        Whoever has the old one open may go on reading it until the next build. Other writers wait.

        Entries that state no region get those that their question names, else the first that their answer names.

        Args:
            path: Folder or address of the index.
            batches: The entries with their vectors; only one batch is in memory.
            encoder: Fingerprint of the encoder that made the vectors.
            thresholds: Numbers of the router to keep with the index.
            ranker: Weights of the ranker to keep with the index, as `Ranker.to_dict` gives them.
            scales: `IndexInfo.scales` of a larger index by the same encoder, for an archive too small to measure its own.

        Raises:
            InputError: No entries, an id twice, or vectors of another number than entries.
            ArchiveError: `path` holds something that is no index, or cannot be written.
        """
        place = locate(path)

        def describe(name: str, table: Table, widths: Mapping[str, int]) -> IndexInfo:
            return IndexInfo(
                encoder=encoder,
                widths=widths,
                created=datetime.now(UTC).isoformat(timespec="seconds"),
                entries=table.count_rows(),
                table=name,
                scales=scales_of(table, widths, scales),
                thresholds=dict(thresholds or {}),
                ranker=dict(ranker or {}),
            )

        refuse_strangers(place)
        try:
            begun = _begun(batches)
            with writing(place):
                replace_table(place, begun, describe)
        except ENGINE_ERRORS as error:
            raise ArchiveError(f"{place}: cannot be written ({first_line(error)})") from error
        return cls.open(place, encoder)

    @classmethod
    def open(cls, path: str | Path, encoder: str | None = None) -> AnswerIndex:
        """Opens an index.

        Args:
            path: Folder of the index.
            encoder: Fingerprint of the encoder whose vectors will be searched for; None for search by words alone.

        Raises:
            ArchiveError: The folder is missing or damaged, of another format, or was made with another encoder.
        """
        place = locate(path)
        info = read_info(place)
        if encoder is not None and encoder != info.encoder:
            raise ArchiveError(
                f"{place}: made with encoder {info.encoder}, but the model's encoder is {encoder}; "
                "build the index again with this model, or use the model that made it"
            )
        try:
            table = connect(place).open_table(info.table)
            count = table.count_rows()
        except ENGINE_ERRORS as error:
            raise ArchiveError(
                f"{place}: {info.table} is missing or damaged ({first_line(error)}); build the index again"
            ) from error
        return cls(place, replace(info, entries=count), table)

    @property
    def version(self) -> str:
        """Names what this index shows: its table, and how many changes there were; goes into audit records."""
        return f"{self.info.table}@{self._table.version}"

    def latest(self) -> AnswerIndex:
        """The index as it stands on disk now: itself where nothing changed since it was opened.

        An index goes on showing what it showed when it was opened. Changes keep the files of what was before for seven days, so
        whoever serves for longer must ask for the latest from time to time.

        Raises:
            ArchiveError: The files of the index cannot be read.
        """
        now = AnswerIndex.open(self.path, self.info.encoder)
        same = now.version == self.version and replace(now.info, entries=0) == replace(self.info, entries=0)
        return self if same else now

    def __len__(self) -> int:
        return self.info.entries

    def search(
        self,
        words: Sequence[str],
        vector: NDArray[np.float32] | None = None,
        tokens: NDArray[np.float32] | None = None,
        *,
        topic: str | None = None,
        regions: Sequence[str] = (),
        limit: int = 30,
    ) -> list[Hit]:
        """Finds entries by words, places and meaning.

        Args:
            words: Segments of the question (`nlp.text.segment`).
            vector: Sentence vector of the question, of shape (width,); None for search by words alone.
            tokens: Token vectors of the question, of shape (tokens, width); None without late interaction.
            topic: Only entries of this topic, or of none.
            regions: Codes of the question's places; entries of these, or of places around or inside them, come to the fore.
            limit: Most entries that either search finds; all of both are returned.

        Returns:
            Hits by falling score, the reciprocal rank fusion of both. Their features are `lexical` (BM25; 0 for what only
            the vector found), `closeness`, `answer_closeness` and `token_closeness` (standard deviations above unrelated texts; the
            last two only where the index holds such vectors), and the shares of information `coverage`, `question_coverage` and
            `entry_coverage`.

        Raises:
            ArchiveError: The files of the index cannot be read.
            InputError: The vectors have another width than those of the index.
        """
        where = None if topic is None else "(topic IS NULL OR topic = " + quote(topic) + ")"
        terms = list(dict.fromkeys([*place_words(regions, asked=True), *words]))[:MAX_QUERY_WORDS]
        unit = None if vector is None else self._unit(vector)
        if tokens is not None and TOKENS in self.info.widths:
            self._check(tokens, (len(tokens), self.info.widths[TOKENS]))
        try:
            later = None if unit is None else self._others.submit(self._by_vector, unit, where, limit)
            lexical = self._by_words(terms, where, limit) if terms else {}
            rankings = [list(lexical), [] if later is None else later.result()]
            wanted = list(dict.fromkeys([*rankings[0], *rankings[1]]))
            if not wanted:
                return []
            found = self._rows(wanted)
        except ENGINE_ERRORS as error:
            raise self._unreadable(error) from error
        return fuse(rankings, read_rows(found, frozenset(words), lexical, unit, tokens, self.info.scales))

    def _by_words(self, terms: list[str], where: str | None, limit: int) -> dict[int, float]:
        """Number of a row → BM25, best first. The fields are read later, once for both searches: they cost more than the search."""
        from lancedb.query import MatchQuery

        query = self._table.search(MatchQuery(" ".join(terms), "words"), query_type="fts").select(["_rowid", "_score"])
        found = (query if where is None else query.where(where, prefilter=True)).limit(limit).to_list()
        return {row["_rowid"]: row["_score"] for row in found}

    def _by_vector(self, unit: NDArray[np.float32], where: str | None, limit: int) -> list[int]:
        """Numbers of the nearest rows, nearest first."""
        if where is None and self._resident is not None:
            return self._nearest_resident(self._resident, unit, limit)
        query = self._table.search(unit, query_type="vector", vector_column_name="vector").distance_type("dot").nprobes(PROBES)
        query = query.select(["_rowid", "_distance"])  # without the distance LanceDB warns, though nobody reads it
        found = (query if where is None else query.where(where, prefilter=True)).limit(limit).to_list()
        return [row["_rowid"] for row in found]

    def _nearest_resident(self, rows: pa.Table, unit: NDArray[np.float32], limit: int) -> list[int]:
        """The same among rows in memory: one product with all of their vectors takes a tenth of the time, and misses none."""
        import numpy as np

        likeness = np.einsum("nw,w->n", read_vectors(rows, "vector"), unit)
        nearest = np.argsort(-likeness, kind="stable")[:limit]
        numbers: list[int] = rows["_rowid"].to_numpy()[nearest].tolist()
        return numbers

    def _rows(self, numbers: list[int]) -> pa.Table:
        """Rows by number, with what the ranker needs of them."""
        if self._resident is not None:
            known = self._resident["_rowid"].to_numpy()
            return self._resident.take(known.searchsorted(known.dtype.type(numbers)))
        found: pa.Table = self._table.take_row_ids(numbers).with_row_id().select(self._columns()).to_arrow()
        return found

    @cached_property
    def _resident(self) -> pa.Table | None:
        """All rows by rising number, of an archive so small that reading them once is cheaper than a few at each question."""
        if len(self) > RESIDENT_ROWS:
            return None
        rows = self._table.search().with_row_id(True).select(self._columns()).limit(max(1, len(self))).to_arrow()
        whole: pa.Table = rows.sort_by("_rowid").combine_chunks()
        return whole

    def _columns(self) -> list[str]:
        return [*FIELDS, "question_words", "words", *self.info.scales]

    def _check(self, vectors: NDArray[np.float32], expected: tuple[int, ...]) -> None:
        if vectors.shape != expected:
            raise InputError(f"vectors of shape {vectors.shape} do not fit {self.path}, expected {expected}")

    def _unit(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        self._check(vector, (self.info.widths["vector"],))
        length = float((vector @ vector) ** 0.5)
        return vector / length if length else vector

    def entries(self, ids: Iterable[str] | None = None) -> list[Entry]:
        """Reads entries by id, or all of them, in the order of the archive.

        Raises:
            ArchiveError: The files of the index cannot be read.
        """
        return list(self.scan(ids))

    def scan(self, ids: Iterable[str] | None = None) -> Iterator[Entry]:
        """Reads entries as `entries` does, a batch at a time."""
        return self._scan([None] if ids is None else conditions("id", ids))

    def asking(self, questions: Iterable[str]) -> list[Entry]:
        """Reads the entries with one of these very questions.

        Raises:
            ArchiveError: The files of the index cannot be read.
        """
        return list(self._scan(conditions("question", questions)))

    def _scan(self, wheres: Sequence[str | None]) -> Iterator[Entry]:
        try:
            for where in wheres:
                query = self._table.search().select(list(FIELDS)).limit(len(self))
                for batch in (query if where is None else query.where(where)).to_batches():
                    yield from map(entry_of_row, batch.to_pylist())
        except ENGINE_ERRORS as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> ArchiveError:
        replaced = describes_index(self.path) and read_info(self.path).table != self.info.table
        advice = "it was built anew since it was opened, open it again" if replaced else "build the index again"
        return ArchiveError(f"{self.path}: cannot be read ({first_line(error)}); {advice}")

    def add(
        self,
        entries: Sequence[Entry],
        vectors: NDArray[np.float32],
        *,
        answer_vectors: NDArray[np.float32] | None = None,
        tokens: Sequence[NDArray[np.int8]] | None = None,
    ) -> AnswerIndex:
        """Adds entries, or replaces those with the same id, in one transaction: readers see all of it or nothing.

        Args:
            entries: New and changed entries; ids must differ among themselves.
            vectors: Question vectors by the encoder of the index, of shape (entries, width).
            answer_vectors: Vectors of the answers, of the same shape, if the index was built with such.
            tokens: Token vectors of each entry, if the index was built with such.

        Returns:
            The index at its new version; the one at hand goes on showing what it showed.

        Raises:
            InputError: No entries, an id twice, or vectors that do not fit the index.
            ArchiveError: The files of the index cannot be written.
        """
        return self.extend([Batch(entries, vectors, answer_vectors, tokens)])

    def extend(self, batches: Iterable[Batch]) -> AnswerIndex:
        """Adds or replaces entries as `add` does, a batch at a time, each in a transaction of its own.

        A process that dies leaves the batches that it had written, and nothing of the next one.

        Returns:
            The index at its new version; the one at hand goes on showing what it showed.

        Raises:
            InputError: A batch without entries or with an id twice, or vectors that do not fit the index.
            ArchiveError: The files of the index cannot be written.
        """
        with self._changing() as table:
            for batch in batches:
                batch.check()
                fit(batch, dict(self.info.widths), str(self.path))
                table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all().execute(table_of(batch))
            table.optimize()
            self._grow(table)
        return AnswerIndex.open(self.path, self.info.encoder)

    def _grow(self, table: Table) -> None:
        """Brings what a build measured and made up to date, once there are twice as many entries as then."""
        info, rows = read_info(self.path), table.count_rows()
        if rows >= 2 * info.entries:
            index_vectors(table)
            write_info(self.path, replace(info, entries=rows, scales=scales_of(table, info.widths, info.scales)))

    def remove(self, ids: Iterable[str]) -> AnswerIndex:
        """Removes entries by id; ids that are not there are passed over.

        Returns:
            The index at its new version.

        Raises:
            ArchiveError: The files of the index cannot be written.
        """
        with self._changing() as table:
            for condition in conditions("id", ids):
                table.delete(condition)
        return AnswerIndex.open(self.path, self.info.encoder)

    @contextmanager
    def _changing(self) -> Iterator[Table]:
        """The table as it is now, for the one writer that there is."""
        try:
            with writing(self.path):
                yield connect(self.path).open_table(read_info(self.path).table)
        except ENGINE_ERRORS as error:
            raise ArchiveError(f"{self.path}: cannot be written ({first_line(error)})") from error

    def keep(self, *, thresholds: Mapping[str, float] | None = None, ranker: Mapping[str, Any] | None = None) -> AnswerIndex:
        """Writes thresholds of the router, or weights of the ranker, into the metadata.

        Returns:
            The index with them.
        """
        try:
            with writing(self.path):
                changed = read_info(self.path)  # another process may have built it anew
                if thresholds is not None:
                    changed = replace(changed, thresholds=dict(thresholds))
                if ranker is not None:
                    changed = replace(changed, ranker=dict(ranker))
                write_info(self.path, changed)
        except ENGINE_ERRORS as error:
            raise ArchiveError(f"{self.path}: cannot be written ({first_line(error)})") from error
        return AnswerIndex.open(self.path, self.info.encoder)


def _begun(batches: Iterable[Batch]) -> Iterator[Batch]:
    """The batches, the first of them made already: a source that is empty or cannot be read leaves no folder behind."""
    rest = iter(batches)
    if not (first := list(islice(rest, 1))):
        raise InputError("no entries to index")
    return chain(first, rest)
