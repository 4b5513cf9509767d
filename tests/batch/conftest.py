"""A small archive, a way to have it tagged, and what was written of it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nlp.batch.job import Summary, tag
from nlp.batch.records import Options

BUNDLE = Path(__file__).resolve().parents[2] / "models" / "policy"
PLACES, WANTS = ("沈阳", "大连", "广西", "兰州"), ("医保断缴两个月", "低保每月500元", "工伤赔偿要等60天", "退休年龄50岁")


@pytest.fixture
def archive(tmp_path: Path) -> Callable[[int], Path]:
    """Writes a JSONL archive of so many records, every 40th of them broken."""

    def write(rows: int) -> Path:
        chance = random.Random(7)
        path = tmp_path / "archive.jsonl"
        with path.open("w", encoding="utf-8") as file:
            for number in range(rows):
                text = f"{chance.choice(PLACES)}的{chance.choice(WANTS)}怎么办，第{number}次问" + "了" * chance.randrange(30)
                row = {"id": f"q{number}", "text": text, "channel": "热线"}
                file.write("{broken\n" if number % 40 == 39 else json.dumps(row, ensure_ascii=False) + "\n")
        return path

    return write


@pytest.fixture
def run() -> Callable[..., Summary]:
    """Tags in this process, with the options given by name."""

    def run(
        source: Path | str, place: Path | str, *, max_rejects: int | None = None, workers: int = 1, **options: Any
    ) -> Summary:
        settings = Options(**{"chunk_rows": 16, **options})
        return tag(str(source), str(place), BUNDLE, settings, workers=workers, max_rejects=max_rejects)

    return run


@pytest.fixture
def rows() -> Callable[[Path], list[dict[str, Any]]]:
    """The rows of all JSONL parts."""

    def read(folder: Path) -> list[dict[str, Any]]:
        parts = sorted((folder / "rows").iterdir())
        return [json.loads(line) for part in parts for line in part.read_text(encoding="utf-8").splitlines()]

    return read


@pytest.fixture
def rejects() -> Callable[[Path], list[tuple[str, int, str]]]:
    """File, line and reason of every reject."""

    def read(folder: Path) -> list[tuple[str, int, str]]:
        lines = (folder / "rejects.jsonl").read_text(encoding="utf-8").splitlines()
        return [(row["file"], row["line"], row["reason"]) for row in map(json.loads, lines)]

    return read


@pytest.fixture
def files() -> Callable[[Path], dict[str, bytes]]:
    """Every file of a folder, byte by byte."""

    def read(folder: Path) -> dict[str, bytes]:
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}

    return read
