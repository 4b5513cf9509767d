"""JSONL → questions with the entries of an archive that answer them: what routing is measured with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nlp.data.corpus import read_all
from nlp.errors import DataError, InputError
from nlp.schema import Query


def read_queries(path: Path) -> list[Query]:
    """Reads rows `{"query": …, "gold": [ids], "kind": …}`; without `kind`, a question with an answer is `answerable`, another `no_answer`.

    Raises:
        DataError: The first row that is not valid.
        InputError: The file is missing, or has no rows.
    """
    queries = read_all(path, _parse)
    if not queries:
        raise InputError(f"{path}: no questions")
    return queries


def _parse(row: dict[str, Any], path: Path, line: int) -> Query:
    text, gold, kind = row.get("query"), row.get("gold"), row.get("kind", "")
    if not isinstance(text, str) or not text:
        raise DataError(path, line, "query", f"expected a non-empty string, got {text!r:.60}")
    if not isinstance(gold, list) or not all(isinstance(name, str) for name in gold):
        raise DataError(path, line, "gold", f"expected a list of ids of entries, got {gold!r:.60}")
    if not isinstance(kind, str):
        raise DataError(path, line, "kind", f"expected a string, got {kind!r:.60}")
    return Query(text, frozenset(gold), kind or ("answerable" if gold else "no_answer"))
