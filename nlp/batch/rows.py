"""Records and their analyses → the bytes of a part, as JSONL or Parquet."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from nlp.batch.records import Options, Record, to_line
from nlp.schema import Analysis

TOPICS = 3  # likeliest topics in a row
_LONE = re.compile("[\ud800-\udfff]")
Tagged = tuple[Record, Analysis]


def row_of(record: Record, analysis: Analysis, model: str, vectors: bool) -> dict[str, Any]:
    """What is written of a record; offsets are code points of `text`."""
    row: dict[str, Any] = {"id": record.id, "file": record.file, "line": record.line, "text": analysis.text}
    row |= analysis.to_dict()
    row["topics"] = row["topics"][:TOPICS]
    if vectors and analysis.vector is not None:
        row["vector"] = [round(float(x), 6) for x in analysis.vector]
    if record.fields:
        row["record"] = json.loads(record.fields)
    return row | {"model": model}


def to_jsonl(tagged: Iterable[Tagged], model: str, options: Options) -> bytes:
    return b"".join(to_line(row_of(record, analysis, model, options.vectors)) for record, analysis in tagged)


def to_parquet(tagged: Sequence[Tagged], model: str, options: Options) -> bytes:
    """A Parquet file of one row group; values and carried fields are JSON texts, since their form differs by row.

    A lone surrogate, which Parquet cannot hold, becomes U+FFFD, so that offsets stay right.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [_flat(row_of(record, analysis, model, options.vectors)) for record, analysis in tagged]
    target = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=parquet_schema(options.vectors)), target, compression="zstd")
    return target.getvalue()


def parquet_schema(vectors: bool) -> Any:
    """Columns of a Parquet part."""
    import pyarrow as pa

    text, score = pa.string(), pa.float32()
    entity: list[tuple[str, Any]] = [
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("type", text),
        ("role", text),
        ("value", text),
        ("probability", score),
    ]
    columns: list[tuple[str, Any]] = [
        ("id", text),
        ("file", text),
        ("line", pa.int64()),
        ("text", text),
        ("topic", text),
        ("probability", score),
        ("topics", pa.list_(pa.struct([("topic", text), ("probability", score)]))),
        ("entities", pa.list_(pa.struct(entity))),
        *([("vector", pa.list_(score))] if vectors else []),
        ("record", text),
        ("model", text),
    ]
    return pa.schema(columns)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    for name in ("id", "file", "text"):
        row[name] = _LONE.sub("\ufffd", row[name])
    for entity in row["entities"]:
        if "value" in entity:
            entity["value"] = json.dumps(entity["value"], ensure_ascii=False)
    if "record" in row:
        row["record"] = _LONE.sub("\ufffd", json.dumps(row["record"], ensure_ascii=False))
    return row
