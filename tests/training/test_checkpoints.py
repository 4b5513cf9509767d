from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nlp.errors import RecipeError
from nlp.training.checkpoints import CORPUS, RECORD, STATE, begin, essence, history, traces


def recipe(**train: Any) -> dict[str, Any]:
    return {"name": "x", "train": {"lr": 1e-4, "epochs": 2, **train}, "card": {"licence": "MIT"}}


def logged(work: Path, step: int, entries: list[dict[str, Any]]) -> None:
    (work / f"checkpoint-{step}").mkdir()
    (work / f"checkpoint-{step}" / STATE).write_text(json.dumps({"log_history": entries}), encoding="utf-8")


def test_a_stopped_run_goes_on_for_more_epochs(tmp_path: Path) -> None:
    assert not begin(tmp_path / "work", essence(recipe()), resume=True)
    logged(tmp_path / "work", 7, [])
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


def test_a_checkpoint_that_was_being_written_is_removed(tmp_path: Path) -> None:
    begin(tmp_path, essence(recipe()), resume=True)
    assert history(tmp_path) == []
    logged(tmp_path, 9, [{"step": 9}])
    logged(tmp_path, 10, [{"step": 9}, {"step": 10}])
    (tmp_path / "checkpoint-11").mkdir()
    assert begin(tmp_path, essence(recipe()), resume=True)
    assert not (tmp_path / "checkpoint-11").exists()
    assert history(tmp_path)[-1] == {"step": 10}


def test_what_a_run_is_made_of_is_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    corpus, weights = tmp_path / "corpus.txt", tmp_path / "base" / "model.safetensors"
    for path in (corpus, weights, tmp_path / "base" / "README.md"):
        path.write_text("1", encoding="utf-8")
    places = (corpus, tmp_path / "base", "hub/name", "")
    begin(tmp_path / "work", {"made_of": traces(*places)}, resume=True)
    (tmp_path / "base" / "README.md").write_text("2", encoding="utf-8")
    begin(tmp_path / "work", {"made_of": traces(*places)}, resume=True)
    weights.write_text("2", encoding="utf-8")
    with pytest.raises(RecipeError, match=r"another made_of\..*model\.safetensors"):
        begin(tmp_path / "work", {"made_of": traces(*places)}, resume=True)
