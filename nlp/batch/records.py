"""What flows through a tagging job: records and rejects, chunks of them, and what became of a chunk."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal

from nlp.errors import InputError

Output = Literal["jsonl", "parquet"]
FORMATS = ("jsonl", "csv", "tsv", "parquet", "text", "html", "warc")
EXPORTS = ("doccano", "label-studio", "conll")
ROWS = "rows"  # the folder of the parts: nothing else lies in it, so that other tools can read it whole
CHUNK_CHARACTERS = 1_000_000  # text in a chunk, after which it is closed early: bounds the memory of a worker
LONGEST_LINE = 4 << 20  # code points; of a longer line no more is ever held


@dataclass(frozen=True, slots=True)
class Options:
    """What decides the output of a job, apart from its source and the model; a job with other options starts over.

    Attributes:
        format: One of `FORMATS`; empty tells it by the names of the files.
        text_columns: Fields that hold the text, joined by line breaks; empty takes the first known name (text, question, 问题 …).
        id_column: Field that holds the id; empty takes `id`, 编号 …, else `<file>:<line>`.
        keep: Other fields to carry over, under `record`.
        output: Format of the parts.
        vectors: Whether rows hold the sentence vector.
        annotate: Exports to write beside the parts, of `EXPORTS`.
        chunk_rows: Records (and rejects) in a chunk: what is written, and lost at a crash, at a time.
        max_characters: Longest text, in code points.
        reference: Day against which relative dates (去年3月) get their values; None leaves them open.

    Raises:
        InputError: A value is out of range.
    """

    format: str = ""
    text_columns: tuple[str, ...] = ()
    id_column: str = ""
    keep: tuple[str, ...] = ()
    output: Output = "jsonl"
    vectors: bool = False
    annotate: tuple[str, ...] = ()
    chunk_rows: int = 1024
    max_characters: int = 100_000
    reference: date | None = None

    def __post_init__(self) -> None:
        if self.format and self.format not in FORMATS:
            raise InputError(f"format: {self.format!r}, expected one of {', '.join(FORMATS)}")
        if self.output not in ("jsonl", "parquet"):
            raise InputError(f"output format: {self.output!r}, expected jsonl or parquet")
        for name in self.annotate:
            if name not in EXPORTS:
                raise InputError(f"annotate: {name!r}, expected one of {', '.join(EXPORTS)}")
        for name in ("chunk_rows", "max_characters"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}: {getattr(self, name)}, expected at least 1")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"reference": self.reference and self.reference.isoformat()}


@dataclass(frozen=True, slots=True)
class Record:
    """One text of an archive.

    Attributes:
        file: Path within the source.
        line: Line, row (Parquet) or record (WARC) of the file, from 1.
        id: Its own id, else `<file>:<line>`.
        text: The text, or the decoded page where `html`.
        html: Whether the text has yet to be extracted.
        fields: The fields to carry over, as a JSON object; empty for none.
    """

    file: str
    line: int
    id: str
    text: str
    html: bool = False
    fields: str = ""


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that cannot be tagged, and why."""

    file: str
    line: int
    reason: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


Item = Record | Reject


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive items of a shard: the unit of work, of writing and of resuming.

    Attributes:
        name: `<shard>-<number in the shard>`, of fixed width, so that names sort in the order of the source.
        key: Digest of the items, the model and the options.
        items: The items; empty where the chunk is done already.
        encodings: How many files that begin in this chunk have which encoding.
        position: Bytes of the source read up to its end, before decompression.
        done: Whether an earlier run of the same command wrote it.
    """

    name: str
    key: str
    items: tuple[Item, ...]
    encodings: Mapping[str, int] = field(default_factory=dict)
    position: int = 0
    done: bool = False

    @property
    def marker(self) -> str:
        """Name of the file that says that the chunk is written."""
        return f"chunks/{self.name}-{self.key}.json"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a chunk; `reused` and `position` are of this run, the rest is kept in the chunk's marker."""

    name: str
    key: str
    rows: int
    topics: Mapping[str, int]
    types: Mapping[str, int]
    encodings: Mapping[str, int]
    rejects: tuple[Reject, ...]
    position: int = 0
    reused: bool = False

    def to_json(self) -> bytes:
        kept = {name: value for name, value in asdict(self).items() if name not in ("position", "reused")}
        return to_line(kept)

    @classmethod
    def from_json(cls, data: bytes, position: int, reused: bool) -> Outcome:
        kept = json.loads(data)
        rejects = tuple(Reject(**reject) for reject in kept.pop("rejects"))
        return cls(**kept, rejects=rejects, position=position, reused=reused)


def to_line(row: Mapping[str, Any]) -> bytes:
    """One line of JSON; lone surrogates, which UTF-8 cannot hold, become JSON escapes."""
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def key_of(run: str, items: Iterable[Item]) -> str:
    """Digest of what decides the output of a chunk: `run` stands for model and options."""
    digest = hashlib.blake2b(run.encode(), digest_size=16)
    for item in items:
        digest.update(repr(item).encode("utf-8", "backslashreplace"))
    return digest.hexdigest()


def count(names: Iterable[str]) -> dict[str, int]:
    """How often each name occurs, in the order of names, so that equal counts are written alike."""
    return dict(sorted(Counter(names).items()))


def size_of(item: Item) -> int:
    """Code points that an item keeps in memory."""
    return len(item.text) + len(item.fields) if isinstance(item, Record) else len(item.reason)


def groups(items: Iterable[Item], rows: int) -> Iterator[tuple[Item, ...]]:
    """Cuts a stream of items into groups of at most `rows` items and about `CHUNK_CHARACTERS` of text."""
    group: list[Item] = []
    size = 0
    for item in items:
        group.append(item)
        size += size_of(item)
        if len(group) == rows or size >= CHUNK_CHARACTERS:
            yield tuple(group)
            group, size = [], 0
    if group:
        yield tuple(group)
