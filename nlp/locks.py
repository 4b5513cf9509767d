"""One at a time among processes and threads: a lock on a file, let go of by the system when its holder dies."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Waits until nobody else holds the lock on `path`, then holds it; the file is made where it is missing, and stays.

    Windows knows no such locks: there, one process may write at a time.

    Raises:
        OSError: The file cannot be opened for writing.
    """
    with path.open("ab") as file:
        if sys.platform != "win32":
            fcntl.flock(file, fcntl.LOCK_EX)
        yield  # closing the file lets go of the lock
