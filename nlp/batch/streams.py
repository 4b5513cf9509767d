"""The files of a source, in order and in shards; and a file as a stream of decompressed, decoded, bounded lines.

A source is a file, a folder, standard input (`-`) or a URL that fsspec knows (`s3://bucket/folder`).
"""

from __future__ import annotations

import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

from nlp.batch.records import LONGEST_LINE
from nlp.data.encodings import SAMPLE, encoding_of
from nlp.errors import InputError

STDIN = "-"
COMPRESSED = (".gz", ".zst", ".xz")
FORMAT_OF = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".txt": "text",
    ".html": "html",
    ".htm": "html",
    ".warc": "warc",
}
SHARD_BYTES = 256 << 20  # files are gathered into shards of about this size; a shard is what one reader of a cluster reads
_GZIP, _ZSTD, _XZ = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\x00"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of a source: where it is, what it is called in the output, its format (empty if unknown), its size in bytes."""

    path: str
    name: str
    format: str
    size: int


def files_of(source: str, format: str) -> list[SourceFile]:
    """The files of a source in the order of their names; hidden ones are left out.

    Args:
        source: See the module.
        format: Format of all of them; empty tells it by the suffix, JSONL for standard input.

    Raises:
        InputError: There is no such file, the folder holds none, or the only file is of unknown format.
    """
    if source == STDIN:
        return [SourceFile(STDIN, "stdin", format or "jsonl", 0)]
    found = _remote_files(source) if is_url(source) else _local_files(Path(source))
    files = [SourceFile(path, name, format or _format_of(name), size) for path, name, size in found]
    if not files:
        raise InputError(f"{source}: the folder holds no files")
    if len(files) == 1 and not files[0].format:
        known = ", ".join(FORMAT_OF)
        raise InputError(
            f"{source}: unknown format, expected one of {known}, perhaps with .gz, .zst or .xz; or name it: --format"
        )
    return files


def shards_of(files: Iterable[SourceFile]) -> list[tuple[SourceFile, ...]]:
    """Consecutive files together, up to `SHARD_BYTES`; depends on names and sizes alone."""
    shards: list[list[SourceFile]] = []
    room = 0
    for file in files:
        if not shards or file.size > room:
            shards.append([])
            room = SHARD_BYTES
        shards[-1].append(file)
        room -= file.size
    return [tuple(shard) for shard in shards]


def is_url(path: str) -> bool:
    return "://" in path


class Tap(io.RawIOBase):
    """A binary stream that first gives `head` and then the rest, and counts the bytes that were taken."""

    def __init__(self, rest: Any, head: bytes = b"") -> None:
        self.rest, self.head, self.position = rest, head, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = len(buffer)
        if self.head:
            data, self.head = self.head[:size], self.head[size:]
        else:
            data = self.rest.read(size)
        buffer[: len(data)] = data
        self.position += len(data)
        return len(data)


class _Plain(io.RawIOBase):
    """A decompressed stream whose every kind of damage is an OSError."""

    def __init__(self, stream: Any, damage: tuple[type[Exception], ...]) -> None:
        self.stream, self.damage = stream, damage

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self.stream.read(len(buffer))
        except self.damage as error:
            raise OSError(f"damaged: {error or type(error).__name__}") from None
        buffer[: len(data)] = data
        return len(data)


def open_raw(file: SourceFile) -> BinaryIO:
    """The bytes of a file as they are stored.

    Raises:
        OSError: It cannot be opened.
    """
    if file.path == STDIN:
        return sys.stdin.buffer
    if is_url(file.path):
        return cast(BinaryIO, _fsspec().open(file.path, "rb").open())
    return Path(file.path).open("rb")


def decompressed(raw: Tap) -> io.BufferedReader[Any]:
    """The stream without its compression, which is told by the first bytes, whatever the file is called.

    Raises:
        OSError: It is damaged (when it is read).
    """
    stream: io.BufferedReader[Any] = io.BufferedReader(raw, SAMPLE)
    magic = stream.peek(6)[:6]
    if magic.startswith(_GZIP):
        return io.BufferedReader(_Plain(gzip.GzipFile(fileobj=stream), (EOFError, zlib.error, OSError)))
    if magic.startswith(_XZ):
        return io.BufferedReader(_Plain(lzma.LZMAFile(stream), (EOFError, lzma.LZMAError)))
    if magic.startswith(_ZSTD):
        import pyarrow as pa  # it tells a stream that was cut off, which the reader of `zstandard` takes for its end

        return io.BufferedReader(_Plain(pa.CompressedInputStream(pa.PythonFile(stream, "r"), "zstd"), (OSError,)))
    return stream


def decoded(stream: io.BufferedReader[Any]) -> tuple[TextIO, str]:
    """The stream as text, and its encoding, told by its beginning.

    Bytes that are not of the encoding come as U+DC80 to U+DCFF, so that whoever reads a line can reject that line alone.
    """
    head = stream.read(SAMPLE)
    encoding = encoding_of(head)
    errors = "replace" if encoding == "utf-16" else "surrogateescape"
    whole = io.BufferedReader(Tap(stream, head), SAMPLE)
    return io.TextIOWrapper(whole, encoding, errors=errors, newline="\n"), encoding.removesuffix("-sig")


def lines_of(stream: TextIO, limit: int = LONGEST_LINE) -> Iterator[tuple[str, bool]]:
    """The lines with their ends; of a line longer than `limit` its beginning, and False."""
    while line := stream.readline(limit):
        whole = len(line) < limit or line.endswith("\n")
        rest = "" if whole else stream.readline(limit)
        while rest and not rest.endswith("\n"):
            rest = stream.readline(limit)
        yield line, whole


def _format_of(name: str) -> str:
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    return FORMAT_OF.get(suffixes[-1], "") if suffixes else ""


def _local_files(source: Path) -> list[tuple[str, str, int]]:
    if not source.exists():
        raise InputError(f"{source}: no such file or folder")
    if not source.is_dir():
        return [(str(source), source.name, source.stat().st_size)]
    names = ((path, path.relative_to(source)) for path in source.rglob("*") if path.is_file())
    seen = [(str(p), n.as_posix(), p.stat().st_size) for p, n in names if not any(part.startswith(".") for part in n.parts)]
    return sorted(seen, key=lambda found: found[1])


def _remote_files(source: str) -> list[tuple[str, str, int]]:
    system, root = _fsspec().core.url_to_fs(source)
    details = system.find(root, detail=True)
    if not details:
        raise InputError(f"{source}: no such file or folder")
    within = {path: path.removeprefix(root).lstrip("/") or path.rpartition("/")[2] for path in details}
    seen = [(system.unstrip_protocol(p), n, int(details[p].get("size") or 0)) for p, n in within.items() if n[0] != "."]
    return sorted(seen, key=lambda found: found[1])


def _fsspec() -> Any:
    try:
        import fsspec
    except ImportError:
        raise InputError(
            "object storage needs a library: pip install wenlu[batch], and fsspec's package for the store"
        ) from None
    return fsspec
