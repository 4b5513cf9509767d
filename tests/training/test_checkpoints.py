from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nlp.errors import RecipeError
from nlp.training.checkpoints import CORPUS, RECORD, begin, essence


def recipe(**train: Any) -> dict[str, Any]:
    return {"name": "x", "train": {"lr": 1e-4, "epochs": 2, **train}, "card": {"licence": "MIT"}}


def test_a_stopped_run_goes_on_for_more_epochs(tmp_path: Path) -> None:
    assert not begin(tmp_path / "work", essence(recipe()), resume=True)
    (tmp_path / "work" / "checkpoint-7").mkdir()
    assert begin(tmp_path / "work", essence(recipe(epochs=5)), resume=True)


def test_another_run_is_not_taken_up(tmp_path: Path) -> None:
    begin(tmp_path, essence(recipe()), resume=True)
    with pytest.raises(RecipeError, match=r"holds a run with another train\.lr; .* --work, .* --no-resume"):
        begin(tmp_path, essence(recipe(lr=2e-4)), resume=True)


def test_beginning_anew_removes_what_is_left_of_the_other(tmp_path: Path) -> None:
    begin(tmp_path, essence(recipe()), resume=True)
    (tmp_path / "checkpoint-7").mkdir()
    (tmp_path / CORPUS).write_bytes(b"")
    (tmp_path / "notes.txt").write_text("kept", encoding="utf-8")
    assert not begin(tmp_path, essence(recipe(lr=2e-4)), resume=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", RECORD]
    assert json.loads((tmp_path / RECORD).read_text(encoding="utf-8"))["train"] == {"lr": 2e-4}
