"""Raw archives → entries: one reader for each format (JSONL, CSV, Parquet, text page, HTML page), or a folder of them.

    reading = read_source(Path("archive.csv"))
    reading.entries, reading.errors, reading.pages

A row that is not valid is an error with its file, line and field; the others are read all the same.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nlp.data.corpus import parse_entry, text_id
from nlp.data.encodings import SAMPLE, decode, encoding_of
from nlp.data.pages import PageReport, read_text_page, read_web_page
from nlp.errors import DataError, InputError
from nlp.schema import Entry

PAGES = {".txt": read_text_page, ".html": read_web_page, ".htm": read_web_page}
# Names that columns go by in archives, for each field of an entry.
NAMES: Mapping[str, tuple[str, ...]] = {
    "id": ("编号", "序号", "qid", "uuid"),
    "question": ("title", "query", "q", "问题", "标题", "提问", "留言主题"),
    "answer": ("text", "content", "reply", "a", "答案", "回答", "回复", "答复", "正文", "内容", "答复意见"),
    "topic": ("label", "主题", "类别"),
    "regions": ("region", "地区", "地区代码"),
    "law": ("依据", "法律依据", "政策依据"),
    "as_of": ("截至", "截至日期"),
    "source": ("url", "url_or_doc", "来源", "出处", "链接"),
    "category": ("栏目", "分类"),
    "date": ("日期", "时间", "发布日期", "答复时间"),
}
Row = dict[str, Any] | DataError
Item = Entry | InputError | PageReport


@dataclass(slots=True)
class Reading:
    """What was read: entries in order, one error for each row or file that could not be used, a report for each page."""

    entries: list[Entry] = field(default_factory=list)
    errors: list[InputError] = field(default_factory=list)
    pages: list[PageReport] = field(default_factory=list)

    def take(self, item: Item) -> None:
        """Puts one item of `stream_source` where it belongs."""
        if isinstance(item, Entry):
            self.entries.append(item)
        elif isinstance(item, PageReport):
            self.pages.append(item)
        else:
            self.errors.append(item)


def read_source(path: Path) -> Reading:
    """Reads a file, or all files of a folder and its folders, in the order of their names.

    Args:
        path: `.jsonl`, `.csv`, `.tsv`, `.parquet`, `.txt`, `.html`, `.htm`, or a folder.

    Raises:
        InputError: There is no such file, or the folder holds none.
    """
    reading = Reading()
    for item in stream_source(path):
        reading.take(item)
    return reading


def stream_source(path: Path) -> Iterator[Item]:
    """Reads what `read_source` reads, one item after the other; of what was read only the ids stay in memory.

    Raises:
        InputError: There is no such file, or the folder holds none.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    files = sorted(file for file in path.rglob("*") if file.is_file() and not _hidden(file, path)) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path}: the folder holds no files")
    seen: dict[str, str] = {}
    for file in files:
        try:
            for number, item in _items(file, file.relative_to(path).as_posix() if path.is_dir() else file.name):
                yield _unless_seen(item, file, number, seen) if isinstance(item, Entry) else item
        except InputError as error:
            yield error
        except OSError as error:
            yield InputError(f"{file}: cannot be read: {error.strerror or error}")


def read_jsonl(path: Path) -> Iterator[tuple[int, Row]]:
    """Reads JSONL of UTF-8 or GB18030, a line at a time.

    Yields:
        (number of the line from 1, the object or the error). Blank lines are skipped.
    """
    with path.open("rb") as file:
        encoding = encoding_of(file.read(SAMPLE))
        file.seek(0)
        for number, raw in enumerate(file, 1):
            if raw.strip():
                yield number, _parse_line(raw, encoding, path, number)


def read_csv(path: Path) -> Iterator[tuple[int, Row]]:
    """Reads CSV with a heading, divided by commas, semicolons or tabs, whichever the heading has most of.

    Yields:
        (number of the row's last line from 1, the cells by heading or the error).

    Raises:
        InputError: The file is empty.
    """
    with path.open("rb") as raw:
        encoding = encoding_of(raw.read(SAMPLE))
    with path.open(encoding=encoding, errors="surrogateescape", newline="") as file:
        heading = file.readline()
        if not heading.strip():
            raise InputError(f"{path}: empty, expected a first line with the names of the columns")
        delimiter = max(",;\t", key=heading.count)
        file.seek(0)
        rows = csv.reader(file, delimiter=delimiter, strict=True)
        names = [name.strip() for name in next(rows)]
        while True:
            try:
                cells = next(rows, None)
            except csv.Error as error:
                yield rows.line_num, DataError(path, rows.line_num, "", f"not CSV: {error}")
                continue
            if cells is None:
                return
            if cells:
                yield rows.line_num, _named(names, cells, path, rows.line_num)


def read_parquet(path: Path) -> Iterator[tuple[int, Row]]:
    """Reads Parquet, a batch of rows at a time.

    Yields:
        (number of the row from 1, its columns).

    Raises:
        InputError: The file is no Parquet.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches():
                for row in batch.to_pylist():
                    number += 1
                    yield number, {name: value for name, value in row.items() if value is not None}
    except pa.ArrowException as error:
        raise InputError(f"{path}: not Parquet: {str(error).partition(chr(10))[0]}") from None


READERS = {".jsonl": read_jsonl, ".csv": read_csv, ".tsv": read_csv, ".parquet": read_parquet}


def _items(file: Path, name: str) -> Iterator[tuple[int, Item]]:
    """The entries, errors and page report of a file with the lines they stand on."""
    suffix = file.suffix.lower()
    if suffix in PAGES:
        found, report = PAGES[suffix](decode(file.read_bytes(), file), name)
        yield 1, report
        yield from ((1, entry) for entry in found)
        return
    if suffix not in READERS:
        raise InputError(f"{file}: unknown format {suffix!r}, expected one of {', '.join([*READERS, *PAGES])}")
    for number, row in READERS[suffix](file):
        yield number, _entry(row, file, number)


def _entry(row: Row, file: Path, number: int) -> Entry | DataError:
    if isinstance(row, DataError):
        return row
    try:
        return parse_entry(_fields(row), file, number)
    except DataError as error:
        return error


def _unless_seen(entry: Entry, file: Path, number: int, seen: dict[str, str]) -> Entry | DataError:
    if entry.id in seen:
        return DataError(file, number, "id", f"{entry.id!r} stands twice, first at {seen[entry.id]}")
    seen[entry.id] = f"{file}:{number}"
    return entry


def _parse_line(raw: bytes, encoding: str, path: Path, number: int) -> Row:
    try:
        row = json.loads(raw.decode(encoding if number == 1 else encoding.removesuffix("-sig")))
    except UnicodeDecodeError as error:
        return DataError(path, number, "", f"byte {error.start} of the line is not {encoding.removesuffix('-sig').upper()}")
    except json.JSONDecodeError as error:
        return DataError(path, number, "", f"not JSON: {error.msg} at column {error.colno}")
    except RecursionError:
        return DataError(path, number, "", "not usable JSON: nested too deeply")
    return row if isinstance(row, dict) else DataError(path, number, "", f"expected an object, got {row!r:.60}")


def _named(names: list[str], cells: list[str], path: Path, number: int) -> Row:
    if len(cells) != len(names):
        return DataError(path, number, "", f"{len(cells)} cells, expected {len(names)} ({', '.join(names)})")
    for name, cell in zip(names, cells, strict=True):
        if any("\udc80" <= character <= "\udcff" for character in cell):
            return DataError(path, number, name, "holds bytes that are not of the file's encoding")
    return {name: cell for name, cell in zip(names, cells, strict=True) if cell.strip()}


def _fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row under the names of an entry's fields, whatever they are called; without an id it gets one from what it says."""
    given = {str(name).strip().lower(): value for name, value in row.items() if value is not None}
    found: dict[str, Any] = {name: given[name] for name in ("start", "end") if name in given}
    for field_name, others in NAMES.items():
        value = next((given[name] for name in (field_name, *others) if name in given), None)
        if isinstance(value, str) and field_name == "regions":
            found[field_name] = [code for code in re.split(r"[;,，；、\s|]+", value) if code]
        elif value is not None:
            found[field_name] = (
                value.strip() if isinstance(value, str) else str(value) if field_name in ("id", "date") else value
            )
    content = "\n".join(str(found.get(name, "")) for name in ("question", "answer", "regions"))
    return {"id": text_id(content)} | found


def _hidden(file: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(root).parts)
