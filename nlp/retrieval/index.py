"""Entries of an archive, on disk, to be found by their words and by their vectors: `AnswerIndex`, on LanceDB.

    <path>/
      metadata.json     format version, fingerprint of the encoder, width of the vectors, date, thresholds
      entries-….lance/  one row an entry: its fields, its words for lexical search, its vectors

The words of a row are those of the question and of the answer, and some for the places whose rule it states, in a column of
its own that is split at white space (BM25, k1 1.2, b 0.75). The index is given vectors and words and knows no model.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlp.errors import ArchiveError, InputError
from nlp.retrieval.info import METADATA, IndexInfo, first_line, read_info, write_info
from nlp.retrieval.places import with_regions
from nlp.retrieval.rows import FIELDS, background, entries_table, entry_of_row, fuse, place_words, read_rows
from nlp.schema import Entry, Hit

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from lancedb.db import DBConnection
    from lancedb.table import Table
    from numpy.typing import NDArray

# Fewer rows are scanned as fast as any index of vectors answers, and there is too little to cluster.
ROWS_FOR_VECTOR_INDEX = 1_000
PARTITION = 512  # vectors in one partition of that index
PROBES = 48  # partitions that a search reads: recall@30 of 0.97 among 100,000 questions
MAX_QUERY_WORDS = 128
# What LanceDB raises for files that are missing, cut short or changed.
ENGINE_ERRORS = (OSError, ValueError, RuntimeError)


class AnswerIndex:
    """Entries on disk with lexical and vector search. Threads may share one.

    Made by `build` or `open`, not directly.
    """

    def __init__(self, path: Path, info: IndexInfo, table: Table) -> None:
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
        thresholds: Mapping[str, float] | None = None,
        ranker: Mapping[str, Any] | None = None,
    ) -> AnswerIndex:
        """Writes a new index and opens it; one that stood at `path` is replaced once the new one is complete.

        Whoever has the old one open may go on reading it until the next build. One process may write at a time.

        Entries that state no region get those that their question names, else the first that their answer names.

        Args:
            path: Folder of the index.
            entries: What to index; ids must differ.
            vectors: Question vectors of shape (entries, width), of any length; they are scaled to length 1.
            encoder: Fingerprint of the encoder that made the vectors.
            answer_vectors: Vectors of the answers, of the same shape, where there are any.
            thresholds: Numbers of the router to keep with the index.
            ranker: Weights of the ranker to keep with the index, as `Ranker.to_dict` gives them.

        Raises:
            InputError: No entries, an id twice, or vectors of another number than entries.
            ArchiveError: `path` holds something that is no index, or cannot be written.
        """
        path = Path(path)
        _check_entries(entries, vectors, answer_vectors)
        if path.exists() and not (path / METADATA).is_file() and (not path.is_dir() or any(path.iterdir())):
            raise ArchiveError(f"{path}: not an index, and not empty; choose another folder")
        scales = {"vector": background(vectors, vectors)}
        if answer_vectors is not None:
            scales["answer_vector"] = background(vectors, answer_vectors)
        created = datetime.now(UTC).isoformat(timespec="seconds")
        name = f"entries-{uuid.uuid4().hex[:12]}"
        info = IndexInfo(
            encoder=encoder,
            width=int(vectors.shape[1]),
            created=created,
            entries=len(entries),
            table=name,
            scales=scales,
            thresholds=dict(thresholds or {}),
            ranker=dict(ranker or {}),
        )
        rows = entries_table([with_regions(entry) for entry in entries], vectors, answer_vectors)
        try:
            _write(path, rows, info)
        except ENGINE_ERRORS as error:
            raise ArchiveError(f"{path}: cannot be written ({first_line(error)})") from error
        return cls.open(path, encoder)

    @classmethod
    def open(cls, path: str | Path, encoder: str | None = None) -> AnswerIndex:
        """Opens an index.

        Args:
            path: Folder of the index.
            encoder: Fingerprint of the encoder whose vectors will be searched for; None for search by words alone.

        Raises:
            ArchiveError: The folder is missing or damaged, of another format, or was made with another encoder.
        """
        path = Path(path)
        info = read_info(path)
        if encoder is not None and encoder != info.encoder:
            raise ArchiveError(
                f"{path}: made with encoder {info.encoder}, but the model's encoder is {encoder}; "
                "build the index again with this model, or use the model that made it"
            )
        try:
            table = _connect(path).open_table(info.table)
            count = table.count_rows()
        except ENGINE_ERRORS as error:
            raise ArchiveError(
                f"{path}: {info.table} is missing or damaged ({first_line(error)}); build the index again"
            ) from error
        return cls(path, replace(info, entries=count), table)

    def __len__(self) -> int:
        return self.info.entries

    def search(
        self,
        words: Sequence[str],
        vector: NDArray[np.float32] | None = None,
        *,
        topic: str | None = None,
        regions: Sequence[str] = (),
        limit: int = 30,
    ) -> list[Hit]:
        """Finds entries by words, places and meaning.

        Args:
            words: Segments of the question (`nlp.text.segment`).
            vector: Sentence vector of the question, of shape (width,); None for search by words alone.
            topic: Only entries of this topic, or of none.
            regions: Codes of the question's places; entries of these, or of places around or inside them, come to the fore.
            limit: Most entries that either search finds; all of both are returned.

        Returns:
            Hits by falling score, the reciprocal rank fusion of both. Their features are `lexical` (BM25; 0 for what only
            the vector found), `closeness` and `answer_closeness` (standard deviations above the cosine of unrelated texts), and
            the shares of information `coverage`, `question_coverage` and `entry_coverage`.

        Raises:
            ArchiveError: The files of the index cannot be read.
            InputError: The vector has another width than the index.
        """
        where = None if topic is None else "(topic IS NULL OR topic = " + _quoted(topic) + ")"
        terms = list(dict.fromkeys([*place_words(regions, asked=True), *words]))[:MAX_QUERY_WORDS]
        unit = None if vector is None else self._unit(vector)
        try:
            later = None if unit is None else self._others.submit(self._by_vector, unit, where, limit)
            found = [self._by_words(terms, where, limit)] if terms else []
            if later is not None:
                found.append(later.result())
        except ENGINE_ERRORS as error:
            raise ArchiveError(f"{self.path}: cannot be searched ({first_line(error)}); build the index again") from error
        known = frozenset(words)
        return fuse(*(read_rows(table, known, unit, self.info.scales) for table in found))

    def _by_words(self, terms: list[str], where: str | None, limit: int) -> pa.Table:
        from lancedb.query import MatchQuery

        query = self._table.search(MatchQuery(" ".join(terms), "words"), query_type="fts").select([*self._columns(), "_score"])
        found: pa.Table = (query if where is None else query.where(where, prefilter=True)).limit(limit).to_arrow()
        return found

    def _by_vector(self, unit: NDArray[np.float32], where: str | None, limit: int) -> pa.Table:
        query = self._table.search(unit, query_type="vector", vector_column_name="vector").distance_type("dot").nprobes(PROBES)
        query = query.select([*self._columns(), "_distance"])  # without it LanceDB warns, though nobody reads it
        found: pa.Table = (query if where is None else query.where(where, prefilter=True)).limit(limit).to_arrow()
        return found.drop_columns(["_distance"])

    def _columns(self) -> list[str]:
        return [*FIELDS, "question_words", "words", *self.info.scales]

    def _unit(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        if vector.shape != (self.info.width,):
            raise InputError(f"a vector of shape {vector.shape} does not fit {self.path}, expected ({self.info.width},)")
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
        query = self._table.search().select(list(FIELDS)).limit(len(self))
        try:
            for batch in (query if ids is None else query.where(_any_of(ids))).to_batches():
                yield from map(entry_of_row, batch.to_pylist())
        except ENGINE_ERRORS as error:
            raise ArchiveError(f"{self.path}: cannot be read ({first_line(error)}); build the index again") from error

    def add(
        self, entries: Sequence[Entry], vectors: NDArray[np.float32], *, answer_vectors: NDArray[np.float32] | None = None
    ) -> AnswerIndex:
        """Adds entries, or replaces those with the same id, in one transaction: readers see all of it or nothing.

        Args:
            entries: New and changed entries; ids must differ among themselves.
            vectors: Question vectors by the encoder of the index, of shape (entries, width).
            answer_vectors: Vectors of the answers, of the same shape, if the index was built with such.

        Returns:
            The index at its new version; the one at hand goes on showing what it showed.

        Raises:
            InputError: No entries, an id twice, or vectors that do not fit the index.
            ArchiveError: The files of the index cannot be written.
        """
        _check_entries(entries, vectors, answer_vectors)
        given = {"vector"} if answer_vectors is None else {"vector", "answer_vector"}
        if vectors.shape[1] != self.info.width or given != set(self.info.scales):
            expected = f"{sorted(self.info.scales)} of width {self.info.width}"
            raise InputError(f"{self.path}: expected {expected}, got {sorted(given)} of width {vectors.shape[1]}")
        rows = entries_table([with_regions(entry) for entry in entries], vectors, answer_vectors)
        try:
            table = _connect(self.path).open_table(self.info.table)
            table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all().execute(rows)
            table.optimize()
        except ENGINE_ERRORS as error:
            raise ArchiveError(f"{self.path}: cannot be written ({first_line(error)})") from error
        return AnswerIndex.open(self.path, self.info.encoder)

    def remove(self, ids: Iterable[str]) -> AnswerIndex:
        """Removes entries by id; ids that are not there are passed over.

        Returns:
            The index at its new version.

        Raises:
            ArchiveError: The files of the index cannot be written.
        """
        try:
            _connect(self.path).open_table(self.info.table).delete(_any_of(ids))
        except ENGINE_ERRORS as error:
            raise ArchiveError(f"{self.path}: cannot be written ({first_line(error)})") from error
        return AnswerIndex.open(self.path, self.info.encoder)

    def keep(self, *, thresholds: Mapping[str, float] | None = None, ranker: Mapping[str, Any] | None = None) -> AnswerIndex:
        """Writes thresholds of the router, or weights of the ranker, into the metadata.

        Returns:
            The index with them.
        """
        changed = self.info
        if thresholds is not None:
            changed = replace(changed, thresholds=dict(thresholds))
        if ranker is not None:
            changed = replace(changed, ranker=dict(ranker))
        write_info(self.path, changed)
        return AnswerIndex(self.path, changed, self._table)


def _connect(path: Path) -> DBConnection:
    import lancedb  # heavy: only those who open an index pay for it

    return lancedb.connect(path)


def _write(path: Path, rows: pa.Table, info: IndexInfo) -> None:
    """Writes the table of a new index, then the metadata that name it: until then the old index stands, or none."""
    if path.exists():
        before = _table_of(path)
        _create(path, rows, info.table)
        write_info(path, info)
        for old in path.glob("entries-*.lance"):
            if old.stem not in (before, info.table):
                shutil.rmtree(old, ignore_errors=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        _create(temporary, rows, info.table)
        write_info(temporary, info)
        temporary.chmod(0o755)
        os.replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _table_of(path: Path) -> str:
    """The table that the metadata name; empty where they are missing or damaged."""
    try:
        return read_info(path).table
    except ArchiveError:
        return ""


def _create(path: Path, rows: pa.Table, name: str) -> None:
    from lancedb.index import FTS, IvfFlat

    table = _connect(path).create_table(name, rows)
    words = FTS(base_tokenizer="whitespace", lower_case=False, stem=False, remove_stop_words=False, ascii_folding=False)
    table.create_index("words", config=words)
    if len(rows) >= ROWS_FOR_VECTOR_INDEX:
        table.create_index("vector", config=IvfFlat(distance_type="dot", target_partition_size=PARTITION))


def _check_entries(entries: Sequence[Entry], vectors: NDArray[np.float32], answer_vectors: NDArray[np.float32] | None) -> None:
    if not entries:
        raise InputError("no entries to index")
    if vectors.ndim != 2 or len(vectors) != len(entries):
        raise InputError(f"{len(entries)} entries but vectors of shape {vectors.shape}; expected one row for each entry")
    if answer_vectors is not None and answer_vectors.shape != vectors.shape:
        raise InputError(f"answer vectors of shape {answer_vectors.shape} beside question vectors of shape {vectors.shape}")
    twice = [key for key, count in Counter(entry.id for entry in entries).items() if count > 1]
    if twice:
        raise InputError(f"{len(twice)} ids occur more than once, such as {twice[0]!r}; ids must differ")


def _any_of(ids: Iterable[str]) -> str:
    return "id IN (" + ", ".join(map(_quoted, ids)) + ")"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
