"""The parts of a finished job → one file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from nlp.batch.records import ROWS, Output
from nlp.batch.store import REJECTS, LocalStore

ROW_GROUP = 50_000  # rows of a row group of the joined Parquet file, at least


def join(folder: Path, target: Path, output: Output) -> Path:
    """Joins the parts in order, puts the rejects beside the file, and deletes the folder.

    Args:
        folder: Of a finished job.
        target: File to write; it appears whole or not at all.
        output: Format of the parts.

    Returns:
        The file of the rejects: `<target without suffix>.rejects.jsonl`.

    Raises:
        InputError: The disk is full, or the target cannot be written; the folder stays.
    """
    parts = sorted((folder / ROWS).glob(f"part-*.{output}"))
    beside = LocalStore(target.parent)
    with beside.writing(target.name) as file:
        if output == "parquet":
            _join_parquet(parts, file)
        else:
            for part in parts:
                with part.open("rb") as rows:
                    shutil.copyfileobj(rows, file, 1 << 20)
    rejects = target.with_name(f"{target.stem}.{REJECTS}")
    with beside.writing(rejects.name) as file, (folder / REJECTS).open("rb") as found:
        shutil.copyfileobj(found, file)
    shutil.rmtree(folder)
    return rejects


def _join_parquet(parts: list[Path], file: BinaryIO) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not parts:
        return
    with pq.ParquetWriter(file, pq.read_schema(parts[0]), compression="zstd") as writer:
        for group in _row_groups(parts):
            writer.write_table(pa.concat_tables([pq.read_table(part) for part in group]))


def _row_groups(parts: list[Path]) -> Iterator[list[Path]]:
    import pyarrow.parquet as pq

    group: list[Path] = []
    rows = 0
    for part in parts:
        group.append(part)
        rows += pq.read_metadata(part).num_rows
        if rows >= ROW_GROUP:
            yield group
            group, rows = [], 0
    if group:
        yield group
