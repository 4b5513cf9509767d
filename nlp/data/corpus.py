"""JSONL ↔ Example or Entry: strict, with `file:line: field: problem` messages; and the bridge to the library `datasets`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import InvalidOperation
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from nlp.errors import DataError, InputError
from nlp.schema import NATIONAL, Entity, Entry, Example, LabelSchema, value_from_dict

if TYPE_CHECKING:
    import datasets

T = TypeVar("T")
Item = TypeVar("Item", Example, Entry)
Parse = Callable[[dict[str, Any], Path, int], T]


def text_id(text: str) -> str:
    """The id that a text has wherever it stands: the first ten hexadecimal digits of its SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:10]


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any] | DataError]]:
    """Reads a JSONL file line by line; a broken line comes as its DataError so that the caller decides whether to go on.

    Yields:
        (line number from 1, the object or the error). Blank lines are skipped.

    Raises:
        InputError: There is no such file, or it cannot be read.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    with file:
        for number, raw in enumerate(file, 1):
            if not raw.strip():
                continue
            try:
                row = json.loads(raw.decode("utf-8-sig" if number == 1 else "utf-8"))
            except UnicodeDecodeError as error:
                yield number, DataError(path, number, "", f"not UTF-8 at byte {error.start} of the line, expected UTF-8")
            except json.JSONDecodeError as error:
                yield number, DataError(path, number, "", f"not JSON: {error.msg} at column {error.colno}")
            except RecursionError:
                yield number, DataError(path, number, "", "not usable JSON: nested too deeply")
            else:
                yield (
                    number,
                    row if isinstance(row, dict) else DataError(path, number, "", f"expected an object, got {row!r:.60}"),
                )


def read_all(path: Path, parse: Parse[T]) -> list[T]:
    """Reads a JSONL file whole.

    Raises:
        DataError: The first row that is not valid.
    """
    items = []
    for number, row in read_rows(path):
        if isinstance(row, DataError):
            raise row
        items.append(parse(row, path, number))
    return items


def read_examples(path: Path, schema: LabelSchema | None = None) -> list[Example]:
    """Reads gold rows; with a schema, labels are checked against it.

    Raises:
        DataError: The first row that is not valid, or an id that stands twice.
    """
    lines: dict[str, int] = {}
    return read_all(path, lambda row, p, n: _once(parse_example(row, p, n, schema), p, n, lines))


def read_entries(path: Path) -> list[Entry]:
    """Reads the entries of an archive.

    Raises:
        DataError: The first row that is not valid, or an id that stands twice.
    """
    lines: dict[str, int] = {}
    return read_all(path, lambda row, p, n: _once(parse_entry(row, p, n), p, n, lines))


def write_rows(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Writes JSONL: UTF-8, one object a line, keys in the given order; a lone surrogate becomes `\\ud800`, which is how JSON writes it."""
    with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def parse_example(row: dict[str, Any], path: Path, line: int, schema: LabelSchema | None = None) -> Example:
    """Checks one row of a data set.

    Raises:
        DataError: A field is missing or wrong, a label is unknown, or spans overlap or leave the text.
    """
    field = _Fields(row, path, line)
    text = field.string("text", required=True)
    topic = row.get("topic")
    if topic is not None and not isinstance(topic, str):
        raise field.error("topic", f"expected a string or null, got {topic!r}")
    also = tuple(field.strings("also"))
    for label in (*also, *([topic] if topic else ())):
        if schema and label not in schema.topic_ids():
            raise field.error("topic", f"unknown topic {label!r}, expected one of {', '.join(schema.topic_ids())}")
    entities = tuple(_parse_entity(e, i, field, text, schema) for i, e in enumerate(field.items("entities")))
    for left, right in pairwise(entities):
        if right.start < left.end:
            raise field.error(
                "entities", f"spans {left.start}-{left.end} and {right.start}-{right.end} overlap or are out of order"
            )
    names = [field.string(name) for name in ("source", "group", "register")]
    return Example(field.string("id", required=True), text, topic, also, entities, *names)


def _parse_entity(data: Any, index: int, field: _Fields, text: str, schema: LabelSchema | None) -> Entity:
    where = f"entities[{index}]"
    if not isinstance(data, dict):
        raise field.error(where, f"expected an object, got {data!r}")
    start, end, kind = data.get("start"), data.get("end"), data.get("type")
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(text):
        raise field.error(where, f"span {start!r}-{end!r} is not inside the text of {len(text)} characters")
    label = schema.type(kind) if schema and isinstance(kind, str) else None
    if not isinstance(kind, str) or (schema and label is None):
        expected = ", ".join(schema.type_ids()) if schema else "a string"
        raise field.error(f"{where}.type", f"unknown type {kind!r}, expected one of {expected}")
    role = data.get("role")
    if label and (role is not None or label.roles) and role not in label.roles:
        raise field.error(
            f"{where}.role", f"unknown role {role!r} of {kind}, expected one of {', '.join(label.roles) or 'none'}"
        )
    value = None
    if label and label.value and data.get("value") is not None:
        try:
            value = value_from_dict(label.value, data["value"])
        except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation) as error:
            raise field.error(f"{where}.value", f"not a value of {label.value}: {error!r}, got {data['value']!r}") from None
    return Entity(start, end, kind, role, value)


def parse_entry(row: dict[str, Any], path: Path, line: int) -> Entry:
    """Checks one row of an archive.

    Raises:
        DataError: `id`, `question` or `answer` is missing, or a field has a wrong type.
    """
    field = _Fields(row, path, line)
    identifier, question, answer = (field.string(name, required=True) for name in ("id", "question", "answer"))
    regions = tuple(field.strings("regions"))
    for code in regions:
        if code != NATIONAL and not (len(code) == 6 and code.isascii() and code.isdigit()):
            raise field.error("regions", f"expected {NATIONAL!r} or a six-digit code, got {code!r}")
    source = field.string("source") or field.string("url_or_doc")
    law, as_of, category, day = (field.string(name) for name in ("law", "as_of", "category", "date"))
    start, end = (row[name] if type(row.get(name)) is int and 0 <= row[name] < 2**63 else None for name in ("start", "end"))
    topic = field.string("topic") or None
    return Entry(identifier, question, answer, topic, regions, law, as_of, source, category, day, start, end)


class _Fields:
    """The fields of one row, each read with its type checked."""

    def __init__(self, row: dict[str, Any], path: Path, line: int) -> None:
        self.row, self.path, self.line = row, path, line

    def error(self, name: str, problem: str) -> DataError:
        return DataError(self.path, self.line, name, problem)

    def string(self, name: str, required: bool = False) -> str:
        value = self.row.get(name)
        if value is None and not required:
            return ""
        if not isinstance(value, str) or (required and not value):
            raise self.error(name, f"expected a{' non-empty' if required else ''} string, got {value!r:.60}")
        return value

    def items(self, name: str) -> list[Any]:
        value = self.row.get(name, [])
        if not isinstance(value, list):
            raise self.error(name, f"expected a list, got {value!r:.60}")
        return value

    def strings(self, name: str) -> Sequence[str]:
        values = self.items(name)
        for value in values:
            if not isinstance(value, str):
                raise self.error(name, f"expected strings, got {value!r:.60}")
        return values


def _once(item: Item, path: Path, line: int, lines: dict[str, int]) -> Item:
    """The item, whose id none of the earlier `lines` may have."""
    first = lines.setdefault(item.id, line)
    if first != line:
        raise DataError(path, line, "id", f"{item.id!r} stands twice, first in line {first}")
    return item


def to_library(examples: Sequence[Example]) -> datasets.Dataset:
    """The examples as a `datasets.Dataset` (values as JSON strings, since their form differs by type)."""
    from datasets import Dataset

    rows = [e.to_dict() for e in examples]
    for row in rows:
        for entity in row["entities"]:
            entity["value"] = json.dumps(entity.get("value"), ensure_ascii=False)
            entity.setdefault("role", None)
    return Dataset.from_list(rows)
