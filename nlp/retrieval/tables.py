"""Tables of an index: made of batches, one after the other, then indexed; unfinished and outlived ones are dropped."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

from nlp.errors import ArchiveError, InputError
from nlp.retrieval.info import METADATA, IndexInfo, describes_index, read_info, write_info
from nlp.retrieval.interaction import unrelated
from nlp.retrieval.rows import CLOSENESS, TOKENS, Batch, Scale, background, read_tokens, read_vectors, table_of
from nlp.retrieval.storage import LOCK, Place, connect, contents

if TYPE_CHECKING:
    from lancedb.table import Table

# Fewer rows are scanned as fast as any index of vectors answers, and there is too little to cluster.
ROWS_FOR_VECTOR_INDEX = 1_000
PARTITION = 512  # vectors in one partition of that index
ROWS_FOR_SCALES = 50  # of fewer entries, chance decides how near unrelated ones lie
SAMPLE = 8_192  # rows that the background of the vectors is measured on
IDS = 1_000  # in one condition


def replace_table(
    place: Place, batches: Iterable[Batch], describe: Callable[[str, Table, Mapping[str, int]], IndexInfo]
) -> None:
    """Writes a new table, then the metadata that name it: until then the old index stands, or none.

    The table before this one stays for those who have it open; what older builds left, and builds that died, is dropped. The
    caller keeps other writers away.

    Args:
        place: Where the index lies.
        batches: At least one; only one of them is in memory.
        describe: Name, table and widths of its columns of vectors → metadata.

    Raises:
        InputError: No entries, an id twice, or vectors that do not fit.
    """
    database, name = connect(place), f"entries-{uuid.uuid4().hex[:12]}"
    before = _named_table(place)
    with ExitStack() as failing:
        table: Table | None = None
        for batch in batches:
            batch.check()
            if table is None:
                failing.callback(database.drop_table, name, ignore_missing=True)
                table = database.create_table(name, table_of(batch))
                widths = batch.widths()
            else:
                fit(batch, widths, str(place))
                refuse_known(table, batch)
                table.add(table_of(batch))
        if table is None:
            raise InputError("no entries to index")
        # One file instead of one a batch: reading single rows takes half the time. Nobody can have the table open yet.
        table.optimize(cleanup_older_than=timedelta(milliseconds=1))
        _index(table)
        write_info(place, describe(name, table, widths))
        failing.pop_all()
    for old in database.list_tables().tables:
        if old.startswith("entries-") and old not in (before, name):
            database.drop_table(old)


def refuse_strangers(place: Place) -> None:
    """Raises ArchiveError where a place that is no index holds what no build can have left there."""
    found = contents(place)
    own = ("entries-", METADATA) if any(name.startswith("entries-") for name in found) else ("entries-",)
    strange = [name for name in found if name != LOCK and not name.startswith(own)]
    if strange and not describes_index(place):
        raise ArchiveError(f"{place}: not an index, and not empty ({strange[0]!r}); choose another folder")


def fit(batch: Batch, widths: dict[str, int], where: str) -> None:
    """Raises InputError where a batch has other vectors than the index; `widths` maps the names of columns to those of their vectors."""
    if batch.widths() != widths:
        raise InputError(f"{where}: expected vectors of widths {widths}, got {batch.widths()}")


def refuse_known(table: Table, batch: Batch) -> None:
    """Raises InputError where the table holds an id of the batch."""
    for condition in conditions("id", [entry.id for entry in batch.entries]):
        if known := table.search().where(condition).select(["id"]).limit(1).to_list():
            raise InputError(f"id {known[0]['id']!r} occurs more than once; ids must differ")


def scales_of(table: Table, widths: Mapping[str, int], known: Mapping[str, Scale] | None = None) -> dict[str, Scale]:
    """Column of vectors → mean and standard deviation of the likeness of unrelated texts, on a sample of the rows.

    Args:
        table: With rows.
        widths: Of its columns of vectors.
        known: What to say of a table too small to tell.
    """
    import numpy as np

    rows = table.count_rows()
    if rows < ROWS_FOR_SCALES and known and known.keys() == widths.keys():
        return dict(known)
    offsets = np.linspace(0, rows - 1, min(rows, SAMPLE)).astype(int).tolist()
    sample = table.take_offsets(offsets).select(list(widths)).to_arrow()
    vectors = {name: read_vectors(sample, name) for name in CLOSENESS if name in widths}
    scales = {name: background(vectors["vector"], others) for name, others in vectors.items()}
    return scales | ({TOKENS: unrelated(read_tokens(sample, widths[TOKENS]))} if TOKENS in widths else {})


def conditions(column: str, values: Iterable[str]) -> list[str]:
    """SQL conditions that together select the rows with one of the values, each of them short enough."""
    quoted = [quote(value) for value in dict.fromkeys(values)]
    return [f"{column} IN ({', '.join(quoted[n : n + IDS])})" for n in range(0, len(quoted), IDS)]


def quote(text: str) -> str:
    """A string of SQL; lone surrogates as they are stored."""
    return "'" + text.encode("utf-8", "replace").decode("utf-8").replace("'", "''") + "'"


def _named_table(place: Place) -> str:
    """The table that the metadata name; empty where they are missing or damaged."""
    try:
        return read_info(place).table
    except ArchiveError:
        return ""


def _index(table: Table) -> None:
    from lancedb.index import FTS

    words = FTS(base_tokenizer="whitespace", lower_case=False, stem=False, remove_stop_words=False, ascii_folding=False)
    table.create_index("words", config=words)
    index_vectors(table)


def index_vectors(table: Table) -> None:
    """Makes an index of the vectors where there are enough, anew where there is one: its parts then are of the right size again."""
    from lancedb.index import IvfFlat

    if table.count_rows() >= ROWS_FOR_VECTOR_INDEX:
        table.create_index("vector", config=IvfFlat(distance_type="dot", target_partition_size=PARTITION))
