"""The same job on Ray: the same files, also where a node is lost or the driver killed. Each test starts a cluster of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray", reason="Ray is not installed: pip install wenlu[batch,ray]")

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {"PYTHONPATH": str(ROOT), "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0", "RAY_USAGE_STATS_ENABLED": "0"}
Files = Callable[[Path], dict[str, bytes]]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "nlp", "tag", *arguments, "--chunk-rows", "16", "--engine", "ray"]


def test_a_node_is_lost_and_nothing_with_it(
    archive: Callable[[int], Path], run: Callable[..., Any], files: Files, tmp_path: Path
) -> None:
    source = archive(600)
    run(source, tmp_path / "local", workers=2)
    script = str(Path(__file__).with_name("lose_a_node.py"))
    done = subprocess.run(
        [sys.executable, script, str(source), str(tmp_path / "ray"), "4"],
        cwd=ROOT,
        env={**os.environ, **SETTINGS},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert "result 3 2 585 15" in done.stdout.splitlines()  # nodes, nodes left, rows, rejects
    assert files(tmp_path / "ray") == files(tmp_path / "local")


def test_a_killed_driver_goes_on(archive: Callable[[int], Path], run: Callable[..., Any], files: Files, tmp_path: Path) -> None:
    source, place = archive(400), tmp_path / "ray"
    run(source, tmp_path / "local", workers=2)
    environment = {**os.environ, **SETTINGS}
    with subprocess.Popen(command(str(source), "-o", str(place)), cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as job:
        while job.poll() is None and len(list(place.glob("chunks/*.json"))) < 3:
            time.sleep(0.01)
        job.kill()
    time.sleep(2)  # the cluster notices, and ends what is under way
    done = subprocess.run(
        command(str(source), "-o", str(place)),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert "by an earlier run" in done.stderr
    assert files(place) == files(tmp_path / "local")
