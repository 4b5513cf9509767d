"""The files of a shard → records and rejects, one reader for each format. Nothing is held but the line or page at hand.

JSONL, CSV, TSV, Parquet  a record a row; the columns are chosen by name
plain text                a record a line
HTML                      a record a page; WARC: a record for each page among its responses
"""

from __future__ import annotations

import csv
import json
import re
import reprlib
from collections.abc import Iterator, Mapping
from typing import Any, Protocol, TextIO

from nlp.batch.records import LONGEST_LINE, Item, Options, Record, Reject
from nlp.batch.streams import STDIN, SourceFile, Tap, decoded, decompressed, lines_of, open_raw
from nlp.data.encodings import encoding_of
from nlp.errors import InputError

TEXT_COLUMNS = (
    "text",
    "question",
    "query",
    "content",
    "title",
    "q",
    "问题",
    "提问",
    "标题",
    "正文",
    "内容",
    "留言主题",
    "留言内容",
)
ID_COLUMNS = ("id", "qid", "uuid", "编号", "序号")
LONGEST_PAGE = 10 << 20  # bytes of a page
PARQUET_ROWS = 256  # rows held at a time
_UNDECODED = re.compile("[\udc80-\udcff]")


class Reader:
    """Reads the files of a shard; iterating over it gives the items.

    Args:
        files: In the order in which they are read.
        options: Which columns, and how long a text may be.

    Attributes:
        position: Bytes read so far, before decompression.
        encodings: Encodings of the text files begun since this list was last emptied.
    """

    def __init__(self, files: tuple[SourceFile, ...], options: Options) -> None:
        self.files, self.options = files, options
        self.encodings: list[str] = []
        self._read, self._tap = 0, Tap(None)

    @property
    def position(self) -> int:
        return self._read + self._tap.position

    def __iter__(self) -> Iterator[Item]:
        for file in self.files:
            line = 0
            try:
                for item in self._items(file):
                    line = item.line
                    yield item
            except (OSError, InputError) as error:
                reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
                yield Reject(file.name, line + 1, f"unreadable from here on: {reason}")
            self._read, self._tap = self._read + self._tap.position, Tap(None)

    def _items(self, file: SourceFile) -> Iterator[Item]:
        if not file.format:
            raise InputError("unknown format; name it with --format")
        if file.format == "parquet":
            yield from _parquet(file, self.options)
            return
        with open_raw(file) as raw:
            self._tap = Tap(raw)
            stream = decompressed(self._tap)
            if file.format == "warc":
                yield from _warc(stream, file.name)
            elif file.format == "html":
                text = _page(stream.read(LONGEST_PAGE + 1), self.encodings)
                yield Record(file.name, 1, file.name, text, html=True) if text else _too_long(file.name, 1)
            else:
                text_stream, encoding = decoded(stream)
                self.encodings.append(encoding)
                yield from _READERS[file.format](text_stream, file.name, self.options)


class _LineReader(Protocol):
    def __call__(self, stream: TextIO, name: str, options: Options) -> Iterator[Item]: ...


def _jsonl(stream: TextIO, name: str, options: Options) -> Iterator[Item]:
    for number, (line, whole) in enumerate(lines_of(stream), 1):
        if not line.isspace():
            yield _json_row(line, name, number, options) if whole else Reject(name, number, _LONG_LINE)


def _json_row(line: str, name: str, number: int, options: Options) -> Item:
    if _UNDECODED.search(line):
        return Reject(name, number, _NOT_TEXT)
    try:
        row = json.loads(line, parse_constant=lambda _: None)  # NaN, as data frames write it, is no value
        if isinstance(row, dict):
            return _record(row, name, number, options)
    except RecursionError:
        return Reject(name, number, "not usable JSON: nested too deeply")
    except ValueError as error:  # also an integer of thousands of digits
        return Reject(name, number, f"not JSON: {error}")
    return Reject(name, number, f"expected an object, got {reprlib.repr(row)}")


def _text(stream: TextIO, name: str, options: Options) -> Iterator[Item]:
    for number, (line, whole) in enumerate(lines_of(stream), 1):
        if not line.isspace():
            row = {"text": line.rstrip("\r\n")}
            yield _record(row, name, number, options) if whole else Reject(name, number, _LONG_LINE)


def _csv(stream: TextIO, name: str, options: Options) -> Iterator[Item]:
    lines = (line for line, _ in lines_of(stream))  # a line cut short has a cell that is too long, or too few
    heading = next(lines, "")
    delimiter = max(",;\t", key=heading.count)
    try:
        names = [cell.strip() for cell in next(csv.reader([heading], delimiter=delimiter), [])]
    except csv.Error as error:
        raise InputError(f"not CSV: the heading: {error}") from None
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        first = rows.line_num + 2
        try:
            cells = next(rows, None)
        except csv.Error as error:
            yield Reject(name, first, f"not CSV: {error} (lines {first} to {rows.line_num + 1})")
            continue
        if cells is None:
            return
        if len(cells) not in (0, len(names)):
            yield Reject(name, first, f"{len(cells)} cells, expected {len(names)}")
        elif any(_UNDECODED.search(cell) for cell in cells):
            yield Reject(name, first, _NOT_TEXT)
        elif cells:
            yield _record(dict(zip(names, cells, strict=True)), name, first, options)


_READERS: Mapping[str, _LineReader] = {"jsonl": _jsonl, "csv": _csv, "tsv": _csv, "text": _text}
_NOT_TEXT = "bytes that are not of the file's encoding"
_LONG_LINE = f"too long: the line has more than {LONGEST_LINE} characters"


def _parquet(file: SourceFile, options: Options) -> Iterator[Item]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if file.path == STDIN:
        raise InputError("Parquet cannot be read from standard input; name the file")
    try:
        with open_raw(file) as raw, pq.ParquetFile(raw) as table:
            names = _columns(table.schema_arrow.names, options)
            number = 0
            for batch in table.iter_batches(PARQUET_ROWS, columns=names):
                for position in range(batch.num_rows):
                    number += 1
                    yield _parquet_row(batch, position, file.name, number, options)
    except pa.ArrowException as error:
        raise InputError(f"not Parquet: {str(error).partition(chr(10))[0]}") from None


def _parquet_row(batch: Any, position: int, name: str, number: int, options: Options) -> Item:
    try:
        row = {column: batch.column(column)[position].as_py() for column in batch.schema.names}
    except (ValueError, OverflowError) as error:  # bytes that are not UTF-8, days that Python has no date for
        return Reject(name, number, f"unreadable row: {error}")
    return _record({key: value for key, value in row.items() if value is not None}, name, number, options)


def _columns(names: list[str], options: Options) -> list[str]:
    """The columns that a record is made of: the others are not even read."""
    text = options.text_columns or tuple(n for n in TEXT_COLUMNS if n in names)[:1]
    wanted = {*text, *options.keep, options.id_column, *(n for n in ID_COLUMNS if not options.id_column)}
    return [name for name in names if name in wanted]


def _warc(stream: Any, name: str) -> Iterator[Item]:
    try:
        from warcio.archiveiterator import ArchiveIterator
        from warcio.exceptions import ArchiveLoadFailed
    except ImportError:
        raise InputError("WARC needs a library: pip install wenlu[batch]") from None
    number = 0
    try:
        for found in ArchiveIterator(stream):
            number += 1
            headers = found.http_headers or found.rec_headers
            if found.rec_type in ("response", "resource") and "html" in (headers.get_header("Content-Type") or ""):
                text = _page(found.content_stream().read(LONGEST_PAGE + 1), [])
                address = found.rec_headers.get_header("WARC-Target-URI") or f"{name}:{number}"
                yield Record(name, number, address, text, html=True) if text else _too_long(name, number)
    except (ArchiveLoadFailed, EOFError, ValueError) as error:
        raise InputError(f"not WARC: {error}") from None


def _page(data: bytes, encodings: list[str]) -> str:
    """A decoded page; empty for one that is too long."""
    encoding = encoding_of(data)
    encodings.append(encoding.removesuffix("-sig"))
    return data.decode(encoding, errors="replace") or " " if len(data) <= LONGEST_PAGE else ""


def _too_long(name: str, number: int) -> Reject:
    return Reject(name, number, f"too long: the page has more than {LONGEST_PAGE} bytes")


def _record(row: Mapping[str, Any], name: str, number: int, options: Options) -> Item:
    columns = options.text_columns or tuple(column for column in TEXT_COLUMNS if column in row)[:1]
    missing = [column for column in columns if column not in row]
    if missing or not columns:
        held = reprlib.repr(list(row))
        return Reject(name, number, f"{(missing or ['text'])[0]}: missing; the record has {held}")
    texts = [row[column] for column in columns]
    for column, text in zip(columns, texts, strict=True):
        if not isinstance(text, str):
            return Reject(name, number, f"{column}: expected a string, got {reprlib.repr(text)}")
    text = "\n".join(texts)
    if not text.strip():
        return Reject(name, number, f"{columns[0]}: empty")
    if len(text) > options.max_characters:
        return Reject(
            name, number, f"{columns[0]}: too long: {len(text)} characters, at most {options.max_characters} are allowed"
        )
    kept = {column: row[column] for column in options.keep if column in row}
    fields = json.dumps(kept, ensure_ascii=False, default=str) if kept else ""
    return Record(name, number, _id(row, f"{name}:{number}", options), text, fields=fields)


def _id(row: Mapping[str, Any], default: str, options: Options) -> str:
    """The record's own id as a string; what is no scalar is no id."""
    names = (options.id_column,) if options.id_column else ID_COLUMNS
    found = next((row[name] for name in names if name in row), None)
    return str(found) if isinstance(found, str | int | float) and str(found) else default
