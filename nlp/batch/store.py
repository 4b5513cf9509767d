"""The folder that a job writes to, on a disk or an object store: every file appears whole or not at all.

manifest.json              model and options; another model or option starts over
part-00000-000000.jsonl    rows of a chunk (or .parquet); doccano/, label-studio/, conll/ hold the exports
chunks/00000-000000-….json marker of a chunk: it is written, this became of it. The name holds the digest of the chunk
rejects.jsonl summary.json written at the end, or where a job stops early
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from nlp.batch.streams import is_url
from nlp.errors import InputError

MANIFEST, SUMMARY, REJECTS, CHUNKS = "manifest.json", "summary.json", "rejects.jsonl", "chunks"
SCRATCH = ".writing-"  # how the name of a file begins that is not whole yet


class Store(Protocol):
    """What a job needs of a folder; names are relative, with slashes."""

    place: str

    def names(self) -> set[str]:
        """All files, in folders of any depth."""

    def read(self, name: str) -> bytes:
        """The whole file."""

    def open(self, name: str) -> BinaryIO:
        """The file, to be read."""

    def writing(self, name: str) -> AbstractContextManager[BinaryIO]:
        """A file to write, which takes its name when the block ends without an error.

        Raises:
            InputError: It cannot be written; nothing of it stays.
        """

    def remove(self, name: str) -> None:
        """Deletes a file, or does nothing where there is none."""


def open_store(place: str) -> Store:
    """The store of a path or URL; the folder is made on the first writing."""
    return RemoteStore(place) if is_url(place) else LocalStore(Path(place))


def write(store: Store, name: str, data: bytes) -> None:
    """Writes a file whole.

    Raises:
        InputError: It cannot be written.
    """
    with store.writing(name) as file:
        file.write(data)


def cannot_write(place: object, error: OSError) -> InputError:
    """What a person reads when a disk is full or a folder is not theirs."""
    return InputError(
        f"{place}: cannot be written: {error.strerror or error}; what is written so far stays: "
        "make room or mend the permissions and give the same command again, it goes on from there"
    )


class LocalStore:
    """A folder of a disk, or of a shared file system."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.place = folder, str(folder)

    def names(self) -> set[str]:
        return {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file()}

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def open(self, name: str) -> BinaryIO:
        return (self.folder / name).open("rb")

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        path = self.folder / name
        scratch: str | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, scratch = tempfile.mkstemp(prefix=SCRATCH, dir=path.parent)
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.chmod(scratch, 0o644)
            os.replace(scratch, path)
            scratch = None
        except OSError as error:
            raise cannot_write(path, error) from None
        finally:
            if scratch:
                Path(scratch).unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)


class RemoteStore:
    """A prefix of an object store, by fsspec; a store shows an object when it is whole."""

    def __init__(self, url: str) -> None:
        from fsspec.core import url_to_fs

        self.place = url
        self.system: Any
        self.system, self.root = url_to_fs(url)

    def names(self) -> set[str]:
        self.system.invalidate_cache()
        return {path.removeprefix(self.root).lstrip("/") for path in self.system.find(self.root)}

    def read(self, name: str) -> bytes:
        return bytes(self.system.cat_file(f"{self.root}/{name}"))

    def open(self, name: str) -> BinaryIO:
        return cast(BinaryIO, self.system.open(f"{self.root}/{name}", "rb"))

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        # Made whole on the local disk first: an upload that is cut off must not leave half an object.
        with tempfile.TemporaryFile() as file:
            yield cast(BinaryIO, file)
            size = file.tell()
            file.seek(0)
            try:
                if size <= 64 << 20:
                    self.system.pipe_file(f"{self.root}/{name}", file.read())
                else:
                    with self.system.open(f"{self.root}/{name}", "wb") as target:
                        shutil.copyfileobj(file, target, 1 << 20)
            except OSError as error:
                raise cannot_write(f"{self.place}/{name}", error) from None

    def remove(self, name: str) -> None:
        if self.system.exists(f"{self.root}/{name}"):
            self.system.rm_file(f"{self.root}/{name}")


@contextmanager
def locked(store: Store) -> Iterator[None]:
    """Keeps a second job out of a local folder for as long as this process lives; the lock leaves no file behind.

    Raises:
        InputError: Another job is writing to it, or it cannot be made.
    """
    if not isinstance(store, LocalStore):
        yield
        return
    import fcntl

    try:
        store.folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(store.folder, os.O_RDONLY)
    except OSError as error:
        raise cannot_write(store.place, error) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise InputError(f"{store.place}: another job is writing to it; wait for it, or choose another folder") from None
    finally:
        os.close(handle)
