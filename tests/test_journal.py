"""Lines that several write, none is lost, and files that do not outgrow their size."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nlp.errors import DataError, InputError
from nlp.journal import Journal

ROOT = Path(__file__).resolve().parents[1]


def test_rows_come_back_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "deep" / "a.jsonl")
    rows = [{"n": 0, "text": "问\n题\ud800\x00\u2028"}, {"n": 1}]
    for row in rows:
        journal.append(row)
    assert [(line, row) for _, line, row in journal.rows()] == list(enumerate(rows, 1))
    assert (journal.path.stat().st_mode & 0o777) == 0o600


def test_full_files_are_set_aside_and_the_oldest_dropped(tmp_path: Path) -> None:
    every, few = Journal(tmp_path / "a.jsonl", max_bytes=40), Journal(tmp_path / "b.jsonl", max_bytes=40, keep=2)
    for n in range(20):
        every.append({"number": n})
        few.append({"number": n})
    assert [row["number"] for *_, row in every.rows() if isinstance(row, dict)] == list(range(20))
    assert all(path.stat().st_size <= 40 for path in [every.path, *every.full()])
    assert [path.name for path in every.full()][:2] == ["a.000001.jsonl", "a.000002.jsonl"]
    assert len(few.full()) == 2
    assert [row["number"] for *_, row in few.rows() if isinstance(row, dict)][-1] == 19


def test_keep_none_of_the_full_files(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "plain", max_bytes=20, keep=0)
    for n in range(9):
        journal.append({"n": n})
    assert journal.full() == []
    assert list(journal.rows())[-1] == (journal.path, 1, {"n": 8})


def test_threads_and_processes_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    code = "import sys; from nlp.journal import Journal\nfor n in range(100): Journal(sys.argv[1], 5000).append({'n': n})"
    others = [subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=ROOT) for _ in range(2)]
    journal = Journal(path, 5_000)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: journal.append({"n": n}), range(100)))
    assert [other.wait() for other in others] == [0, 0]
    found = [row["n"] for *_, row in journal.rows() if isinstance(row, dict)]
    assert sorted(found) == sorted([*range(100)] * 3)


def test_a_line_cut_short_spoils_only_itself(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a.jsonl")
    journal.append({"n": 1})
    with journal.path.open("a") as file:
        file.write('{"n": ')
    journal.append({"n": 2})
    first, broken, last = (row for *_, row in journal.rows())
    assert (first, last) == ({"n": 1}, {"n": 2})
    assert isinstance(broken, DataError)


def test_what_cannot_be_written_or_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(json.dumps({}))
    with pytest.raises(InputError, match="cannot be written"):
        Journal(tmp_path / "file" / "a.jsonl").append({})
    with pytest.raises(InputError, match=r"none\.jsonl"):
        list(Journal(tmp_path / "none.jsonl").rows())


def test_the_name_of_the_file_is_no_pattern(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "log[1].jsonl", max_bytes=20)
    for n in range(9):
        journal.append({"n": n})
    assert [row for *_, row in journal.rows()] == [{"n": n} for n in range(9)]


def test_what_fills_while_it_is_read_is_read_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a.jsonl", max_bytes=40)
    for n in range(6):
        journal.append({"n": n})
    rows = journal.rows()
    found = [next(rows)]
    for n in range(6, 20):
        journal.append({"n": n})
    found += rows
    assert [row for *_, row in found] == [{"n": n} for n in range(20)]
    assert found[-1][1] == 1 + (19 % 4), "four rows a file, counted in each"
