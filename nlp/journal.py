"""An append-only JSONL file that several processes and threads may write to, and that makes room for itself.

audit.000001.jsonl  audit.000002.jsonl  …  full files, oldest first
audit.jsonl                                the one that is written to
audit.jsonl.lock                           held while a line is written
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from glob import escape
from pathlib import Path
from typing import Any

from nlp.data.corpus import read_rows
from nlp.errors import DataError, InputError
from nlp.locks import locked

MAX_BYTES = 64 * 2**20
_DIGITS = 6


class Journal:
    """Appends rows, and reads them back in their order. Threads may share one.

    A line is written at once and whole; a line cut short by a full disk is closed before the next one. Nothing is ever changed.

    Args:
        path: The file; its folder is made where it is missing. Only its owner may read it.
        max_bytes: Size that a file does not outgrow.
        keep: How many full files stay; None for all of them.
    """

    def __init__(self, path: str | Path, max_bytes: int = MAX_BYTES, keep: int | None = None) -> None:
        self.path, self.max_bytes, self.keep = Path(path), max_bytes, keep

    def append(self, row: Mapping[str, Any]) -> None:
        """Writes one row.

        Raises:
            InputError: The file cannot be written.
        """
        # A lone surrogate becomes `\ud800`, which is how JSON writes it.
        line = json.dumps(row, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with locked(self.path.with_name(self.path.name + ".lock")):
                if self.path.exists() and self.path.stat().st_size + len(line) > self.max_bytes:
                    self._rotate()
                self._write(line)
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written: {error.strerror or error}") from None

    def rows(self) -> Iterator[tuple[Path, int, dict[str, Any] | DataError]]:
        """Reads all rows, oldest first, each with its file and line; a line that is no row comes as its error.

        Raises:
            InputError: There is no such file.
        """
        read: set[int] = set()
        while unread := [file for file in self._files() if file.stat().st_ino not in read]:
            path = unread[0]  # one at a time: the one that is written to may fill, and get another name, meanwhile
            read.add(path.stat().st_ino)
            yield from ((path, line, row) for line, row in read_rows(path))
        if not read:
            raise InputError(f"{self.path}: no such file")

    def _files(self) -> list[Path]:
        return [*self.full(), *([self.path] if self.path.exists() else [])]

    def full(self) -> list[Path]:
        """The full files, oldest first."""
        return sorted(self.path.parent.glob(f"{escape(self.path.stem)}.{'[0-9]' * _DIGITS}{escape(self.path.suffix)}"))

    def _rotate(self) -> None:
        full = self.full()
        number = int(full[-1].suffixes[-2 if self.path.suffix else -1][1:]) + 1 if full else 1
        os.replace(self.path, self.path.with_name(f"{self.path.stem}.{number:0{_DIGITS}}{self.path.suffix}"))
        if self.keep is not None:
            for old in self.full()[: -self.keep or None]:
                old.unlink()

    def _write(self, line: bytes) -> None:
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        with open(descriptor, "rb+", buffering=0) as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                line = line if file.read(1) == b"\n" else b"\n" + line
            if file.write(line) != len(line):
                raise OSError("the disk is full")
