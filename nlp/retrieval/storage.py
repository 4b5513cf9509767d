"""Where an index lies: a folder, or a path on an object store (`s3://bucket/index`), which the environment gives access to.

    AWS_ACCESS_KEY_ID  AWS_SECRET_ACCESS_KEY  AWS_REGION  AWS_ENDPOINT_URL (of a server that is not Amazon's)  AWS_ALLOW_HTTP=true

Files are replaced whole or not at all in both. A folder has one writer at a time, the others wait; on an object store the caller
sees to it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlp.locks import locked

if TYPE_CHECKING:
    from lancedb import Session
    from lancedb.db import DBConnection

Place = Path | str
LOCK = "lock"
TABLES = "entries-*.lance"
CACHED_BYTES = 512 << 20  # the vectors of 300,000 entries; of larger archives, those asked for last


def locate(path: str | Path) -> Place:
    """A folder as a path; the address of an object store as the string that it is."""
    return str(path) if "://" in str(path) else Path(path)


def connect(place: Place) -> DBConnection:
    import lancedb  # heavy: only those who open an index pay for it

    return lancedb.connect(place, session=_session())


@cache
def _session() -> Session:
    """What the indexes of a process keep of their files in memory, all of them together."""
    import lancedb

    return lancedb.Session(index_cache_size_bytes=CACHED_BYTES)


def read_file(place: Place, name: str) -> str:
    """Reads a file of the index.

    Raises:
        OSError: It is not there or cannot be read.
        UnicodeDecodeError: It is not UTF-8.
    """
    if isinstance(place, Path):
        return (place / name).read_text(encoding="utf-8")
    files, key = _object_store(place)
    with files.open_input_stream(f"{key}/{name}") as stream:
        return bytes(stream.read()).decode("utf-8")


def write_file(place: Place, name: str, text: str) -> None:
    """Writes a file of the index, or replaces it; readers see the old one or the new one.

    Raises:
        OSError: It cannot be written.
    """
    if isinstance(place, Path):
        temporary = place / f"{name}.{os.getpid()}.tmp"
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, place / name)
        return
    files, key = _object_store(place)
    with files.open_output_stream(f"{key}/{name}") as stream:
        stream.write(text.encode("utf-8"))


def contents(place: Place) -> list[str]:
    """Names of what lies directly in the place; nothing where it does not exist."""
    if isinstance(place, Path):
        return [path.name for path in place.iterdir()] if place.is_dir() else []
    from pyarrow.fs import FileSelector

    files, key = _object_store(place)
    return [str(found.base_name) for found in files.get_file_info(FileSelector(key, allow_not_found=True))]


@contextmanager
def writing(place: Place) -> Iterator[None]:
    """Keeps other writers of the same folder waiting; makes the folder where there is none."""
    if not isinstance(place, Path):
        yield
        return
    place.mkdir(parents=True, exist_ok=True)
    with locked(place / LOCK):
        yield


def _object_store(place: str) -> tuple[Any, str]:
    from pyarrow.fs import FileSystem

    files, key = FileSystem.from_uri(place)
    return files, str(key).rstrip("/")
