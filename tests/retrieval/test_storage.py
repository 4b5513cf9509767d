"""The same index on an object store, served by a local stand-in for S3; and the lock of a folder."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from nlp.errors import ArchiveError
from nlp.retrieval.index import AnswerIndex
from nlp.retrieval.storage import LOCK, contents, locate, read_file, write_file, writing
from nlp.schema import Entry
from nlp.text.segment import segment

Vectorize = Callable[[str], np.ndarray]
BUCKET = "archives"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Address of a bucket's server, for as long as the tests of this module run."""
    if not find_spec("moto") or not find_spec("flask_cors"):
        pytest.skip("no local S3 server: pip install 'moto[s3]' flask-cors")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            urllib.request.urlopen(urllib.request.Request(f"{address}/{BUCKET}", method="PUT"), timeout=5).close()
            break
        except urllib.error.URLError:
            time.sleep(0.1)
    yield address
    process.terminate()
    process.wait()


@pytest.fixture
def store(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An address on that server, with the access in the environment."""
    access = {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "REGION": "us-east-1", "ENDPOINT_URL": server}
    for name, value in (access | {"ALLOW_HTTP": "true", "EC2_METADATA_DISABLED": "true"}).items():
        monkeypatch.setenv(f"AWS_{name}", value)
    return f"s3://{BUCKET}/index"


def test_an_index_lives_on_an_object_store(store: str, archive: tuple[Entry, ...], vectorize: Vectorize) -> None:
    def vectors(entries: tuple[Entry, ...]) -> np.ndarray:
        return np.stack([vectorize(entry.question) for entry in entries])

    with pytest.raises(ArchiveError, match="no such index"):
        AnswerIndex.open(store)
    index = AnswerIndex.build(store, archive[:4], vectors(archive[:4]), "characters", thresholds={"answer": 0.6})
    assert index.search(segment("节假日加班工资"), vectorize("加班工资"))[0].entry.id == "law-overtime"
    grown = index.add(archive[3:], vectors(archive[3:]))
    assert sorted(e.id for e in grown.entries()) == sorted(e.id for e in archive)
    assert len(index.entries()) == 4, "who has it open goes on reading what was"
    assert len(index.latest()) == 6
    assert len(grown.remove(["letter"])) == 5
    kept = AnswerIndex.open(store).keep(thresholds={"answer": 0.7})
    assert (kept.info.thresholds, len(kept)) == ({"answer": 0.7}, 5)
    for count in (2, 3):
        assert len(AnswerIndex.build(store, archive[:count], vectors(archive[:count]), "characters")) == count
    assert sorted(name.partition("-")[0] for name in contents(store)) == ["entries", "entries", "metadata.json"]


def test_a_strange_place_on_an_object_store_is_refused(store: str, archive: tuple[Entry, ...]) -> None:
    write_file(f"s3://{BUCKET}/letters", "mail.txt", "keep me")
    with pytest.raises(ArchiveError, match="not an index"):
        AnswerIndex.build(f"s3://{BUCKET}/letters", archive, np.ones((6, 4), np.float32), "x")
    assert read_file(f"s3://{BUCKET}/letters", "mail.txt") == "keep me"


def test_places(tmp_path: Path) -> None:
    assert locate("s3://bucket/index") == "s3://bucket/index"
    assert locate("some/folder") == Path("some/folder")
    assert contents(tmp_path / "none") == []


def test_writers_wait_for_each_other(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with writing(tmp_path):
            order.append("second")

    with writing(tmp_path):
        other = threading.Thread(target=second)
        other.start()
        time.sleep(0.1)
        order.append("first")
    other.join()
    assert order == ["first", "second"]
    assert contents(tmp_path) == [LOCK]
