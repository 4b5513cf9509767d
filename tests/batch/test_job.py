"""A tagging job from end to end: complete, in order, resumable, the same however often it is stopped."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from nlp.batch import job as jobs
from nlp.batch.job import TooManyRejects
from nlp.batch.records import Options
from nlp.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
Rows = Callable[[Path], list[dict[str, Any]]]
Rejects = Callable[[Path], list[tuple[str, int, str]]]
Files = Callable[[Path], dict[str, bytes]]
Archive = Callable[[int], Path]
Run = Callable[..., Any]


def command(source: Path | str, place: Path | str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "nlp", "tag", str(source), "-o", str(place), "--chunk-rows", "16", *arguments]


def test_every_record_is_tagged_or_rejected_in_order(
    archive: Archive, run: Run, rows: Rows, rejects: Rejects, tmp_path: Path
) -> None:
    summary = run(archive(100), tmp_path / "out", keep=("channel",))
    found = rows(tmp_path / "out")
    assert [row["line"] for row in found] == [n for n in range(1, 101) if n % 40]
    assert [(file, line) for file, line, _ in rejects(tmp_path / "out")] == [("archive.jsonl", 40), ("archive.jsonl", 80)]
    assert (summary.rows, summary.rejected, summary.chunks) == (98, 2, 7)
    assert {row["record"]["channel"] for row in found} == {"热线"}
    assert {"id", "topic", "entities", "model", "text"} <= set(found[0])
    assert all(row["text"][e["start"] : e["end"]].strip() for row in found for e in row["entities"])
    assert json.loads((tmp_path / "out/summary.json").read_text(encoding="utf-8"))["encodings"] == {"utf-8": 1}


def test_two_processes_write_what_one_writes(archive: Archive, run: Run, files: Files, tmp_path: Path) -> None:
    source = archive(80)
    run(source, tmp_path / "one")
    run(source, tmp_path / "two", workers=2)
    assert files(tmp_path / "one") == files(tmp_path / "two")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_killed_at_any_moment_it_goes_on(archive: Archive, run: Run, files: Files, tmp_path: Path, workers: str) -> None:
    source, chance = archive(200), random.Random(workers)
    run(source, tmp_path / "whole")
    killed = 0
    for _ in range(3):
        with subprocess.Popen(command(source, tmp_path / "out", "--workers", workers), cwd=ROOT, stderr=subprocess.PIPE) as job:
            before = len(list((tmp_path / "out").glob("chunks/*.json")))
            while job.poll() is None and len(list((tmp_path / "out").glob("chunks/*.json"))) <= before:
                time.sleep(0.002)
            time.sleep(chance.random() / 5)
            job.kill()
        killed += job.returncode == -signal.SIGKILL
    assert killed
    done = subprocess.run(command(source, tmp_path / "out"), cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_workers_end_with_the_job(archive: Archive, tmp_path: Path) -> None:
    with subprocess.Popen(command(archive(400), tmp_path / "out", "--workers", "2"), cwd=ROOT, stderr=subprocess.PIPE) as job:
        while job.poll() is None and not list((tmp_path / "out").glob("chunks/*.json")):
            time.sleep(0.01)
        children = Path(f"/proc/{job.pid}/task/{job.pid}/children").read_text(encoding="ascii").split()
        job.kill()
    assert len(children) >= 2
    patience = time.monotonic() + 10
    while time.monotonic() < patience and any(_lives(pid) for pid in children):
        time.sleep(0.05)
    assert not any(_lives(pid) for pid in children)


def _lives(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").split()[2] != "Z"
    except OSError:
        return False


def test_the_same_command_again_does_nothing(archive: Archive, run: Run, files: Files, tmp_path: Path) -> None:
    source = archive(50)
    run(source, tmp_path / "out")
    before = files(tmp_path / "out")
    summary = run(source, tmp_path / "out")
    assert (summary.rows, summary.reused) == (49, 49)
    assert files(tmp_path / "out") == before


def test_a_longer_or_shorter_source_costs_only_what_changed(archive: Archive, run: Run, files: Files, tmp_path: Path) -> None:
    run(archive(100), tmp_path / "out")
    longer = run(archive(110), tmp_path / "out")
    assert longer.reused == 96 - 2
    run(archive(30), tmp_path / "out")
    run(archive(30), tmp_path / "fresh")
    assert files(tmp_path / "out") == files(tmp_path / "fresh")


def test_a_part_that_was_deleted_is_made_again(archive: Archive, run: Run, files: Files, tmp_path: Path) -> None:
    source = archive(50)
    run(source, tmp_path / "out")
    before = files(tmp_path / "out")
    (tmp_path / "out/rows/part-00000-000001.jsonl").unlink()
    assert run(source, tmp_path / "out").reused == 49 - 16
    assert files(tmp_path / "out") == before


def test_another_option_starts_over_and_says_so(archive: Archive, run: Run, files: Files, tmp_path: Path) -> None:
    source = archive(40)
    run(source, tmp_path / "out", annotate=("conll",))
    summary = run(source, tmp_path / "out", reference=date(2024, 5, 1))
    assert "reference was None, is '2024-05-01'" in summary.restarted
    assert "annotate was ['conll'], is []" in summary.restarted
    assert summary.reused == 0
    run(source, tmp_path / "fresh", reference=date(2024, 5, 1))
    assert files(tmp_path / "out") == files(tmp_path / "fresh")


def test_another_model_starts_over(archive: Archive, run: Run, tmp_path: Path) -> None:
    source = archive(20)
    run(source, tmp_path / "out")
    manifest = json.loads((tmp_path / "out/manifest.json").read_text(encoding="utf-8"))
    (tmp_path / "out/manifest.json").write_text(json.dumps(manifest | {"model": "other", "run": "other"}), encoding="utf-8")
    assert "the model is another one (other before" in run(source, tmp_path / "out").restarted


def test_too_many_rejects_stop_it_and_a_higher_limit_goes_on(
    archive: Archive, run: Run, rejects: Rejects, files: Files, tmp_path: Path
) -> None:
    source = archive(200)
    with pytest.raises(TooManyRejects, match="2 records rejected, --max-rejects allows 1"):
        run(source, tmp_path / "out", max_rejects=1)
    assert len(rejects(tmp_path / "out")) == 2
    summary = run(source, tmp_path / "out", max_rejects=5)
    assert (summary.rejected, summary.reused) == (5, 80 - 2)
    run(source, tmp_path / "whole")
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_a_full_disk_ends_in_one_line_and_can_be_resumed(archive: Archive, run: Run, files: Files, tmp_path: Path) -> None:
    source = archive(60)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (9_000, 9_000))

    done = subprocess.run(
        command(source, tmp_path / "out", "--workers", "1"), cwd=ROOT, capture_output=True, preexec_fn=limit, check=False
    )
    assert done.returncode == 2
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 1
    assert "cannot be written" in lines[0]
    assert "goes on from there" in lines[0]
    run(source, tmp_path / "out")
    run(source, tmp_path / "whole")
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_a_folder_of_other_things_is_left_alone(archive: Archive, run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="holds other files"):
        run(archive(5), tmp_path / "mine")
    assert (tmp_path / "mine/letter.txt").exists()
    with pytest.raises(InputError, match="cannot be written"):
        run(archive(5), tmp_path / "mine/letter.txt")


def test_a_second_job_is_kept_out(archive: Archive, run: Run, tmp_path: Path) -> None:
    from nlp.batch.store import LocalStore, locked

    with locked(LocalStore(tmp_path / "out")), pytest.raises(InputError, match="another job is writing"):
        run(archive(5), tmp_path / "out")


def test_a_fault_in_one_text_does_not_stop_the_others(
    archive: Archive, run: Run, rejects: Rejects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nlp.analyzer import Analyzer

    usual = Analyzer._analyze

    def faulty(self: Analyzer, texts: Any, *rest: Any) -> Any:
        if any("第7次" in text for text in texts):
            raise ValueError("no such luck")
        return usual(self, texts, *rest)

    monkeypatch.setattr(Analyzer, "_analyze", faulty)
    assert run(archive(20), tmp_path / "out").rows == 19
    assert rejects(tmp_path / "out") == [("archive.jsonl", 8, "analysis failed: ValueError: no such luck")]


def test_standard_streams(archive: Archive, tmp_path: Path) -> None:
    source = archive(50)
    done = subprocess.run(
        command("-", "-", "--workers", "1"), cwd=ROOT, input=source.read_bytes(), capture_output=True, check=False
    )
    assert done.returncode == 0
    lines = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert [row["line"] for row in lines] == [n for n in range(1, 51) if n % 40]
    assert ["rejected", "1"] in [line.split() for line in done.stderr.decode().splitlines()]


def test_nothing_tagged_is_an_error(archive: Archive, rejects: Rejects, tmp_path: Path) -> None:
    source, target = archive(3), tmp_path / "out.jsonl"
    options = ("--workers", "1", "--text-column", "none")
    for place in (tmp_path / "out", target):
        done = subprocess.run(command(source, place, *options), cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == 2
        assert "not one of 3 records could be tagged" in done.stderr.decode().splitlines()[-1]
    assert len(rejects(tmp_path / "out")) == 3
    again = subprocess.run(command(source, target, "--workers", "1"), cwd=ROOT, capture_output=True, check=False)
    assert again.returncode == 0, "nothing stands in the way of the mended command"


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_one_file(archive: Archive, tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"out{suffix}"
    source = archive(50)
    done = subprocess.run(command(source, target, "--workers", "1"), cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    if suffix == ".jsonl":
        assert len(target.read_text(encoding="utf-8").splitlines()) == 49
    else:
        import pyarrow.parquet as pq

        assert pq.read_table(target).num_rows == 49
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["archive.jsonl", f"out{suffix}", "out.rejects.jsonl"])
    again = subprocess.run(command(source, target, "--workers", "1"), cwd=ROOT, capture_output=True, check=False)
    assert again.returncode == 2
    assert b"exists already" in again.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "pdf"}, "format: 'pdf', expected one of jsonl"),
        ({"output": "xml"}, "output format: 'xml'"),
        ({"annotate": ("brat",)}, "annotate: 'brat'"),
        ({"chunk_rows": 0}, "chunk_rows: 0, expected at least 1"),
    ],
)
def test_wrong_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Options(**options)


def test_missing_and_unknown_sources(run: Run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        run(tmp_path / "nothing", tmp_path / "out")
    (tmp_path / "x.pdf").write_bytes(b"%PDF")
    with pytest.raises(InputError, match="unknown format"):
        run(tmp_path / "x.pdf", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no files"):
        run(tmp_path / "empty", tmp_path / "out")
    assert not os.path.exists(tmp_path / "out")


def test_a_restart_deletes_only_its_own_files() -> None:
    ours = (
        "rows/part-00000-000000.jsonl",
        "chunks/00000-000000-ab.json",
        "conll/part-00000-000000.conll",
        "rejects.jsonl",
        ".writing-x",
    )
    assert all(map(jobs._is_ours, ours))
    assert not any(map(jobs._is_ours, ("notes.txt", "part-1.jsonl", "other/part-1.jsonl", "conll/readme")))
