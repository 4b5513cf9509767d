"""Figures of a recipe by the rows it is trained on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")
from nlp.config import Recipe, load_plan
from nlp.data.corpus import read_examples
from nlp.errors import RecipeError
from nlp.schema import Example
from nlp.training import learning

from .test_finetune import checkpoint, data_set, recipe_file, train


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    return recipe_file(tmp_path, checkpoint(tmp_path / "base", "vocab.txt"), data_set(tmp_path / "data"))


def test_parts_double_and_hold_each_other(recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts: list[list[str]] = []

    def measure(_: Recipe, rows: dict[str, list[Example]], folder: Path, resume: bool) -> dict[str, float]:
        parts.append([e.id for e in rows["train"]])
        return {"score": 0.5}

    monkeypatch.setattr(learning, "measure", measure)
    (tmp_path / "work").mkdir()
    plan = load_plan(recipe)
    assert isinstance(plan, Recipe)
    points = learning.learning_curve(plan, 3, tmp_path / "work", resume=True)
    whole = {e.id for e in read_examples(tmp_path / "data/train.jsonl")}
    assert [len(part) for part in parts] == [len(whole) // 4, len(whole) // 2, len(whole)] == [p["rows"] for p in points]
    assert set(parts[0]) < set(parts[1]) < set(parts[2]) == whole


@pytest.mark.parametrize("count", [1, 30])
def test_too_few_or_too_many_parts(recipe: Path, tmp_path: Path, count: int) -> None:
    plan = load_plan(recipe)
    assert isinstance(plan, Recipe)
    with pytest.raises(RecipeError, match=f"--learning-curve {count}: expected 2 or more trainings"):
        learning.learning_curve(plan, count, tmp_path / "work", resume=True)


def test_the_curve_goes_into_the_bundle_and_its_report(recipe: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra `train` is not installed")
    from nlp.assessment import assess
    from nlp.evaluation.report import write_report

    assert train(recipe, tmp_path, "--set", "train.epochs=1").returncode == 0
    done = train(recipe, tmp_path, "--learning-curve", "2", "--set", "train.epochs=1")
    assert done.returncode == 0, done.stderr[-2000:]
    manifest = json.loads((tmp_path / "bundle/manifest.json").read_text(encoding="utf-8"))
    printed = [line.split("  ")[0] for line in done.stdout.splitlines() if line.startswith("rows ")]
    assert [f"rows {point['rows']}" for point in manifest["learning"]] == printed
    assert len(printed) == 2
    change = ["--learning-curve", "2", "--set", "train.epochs=1", "--set", "train.seed=4"]
    refused = train(recipe, tmp_path, *change)
    assert "holds a run with another recipe.train.seed" in refused.stderr
    other = train(recipe, tmp_path, *change, "--no-resume")
    assert "not kept" in other.stdout, "the curve of another recipe is not that of the bundle"
    write_report(tmp_path / "report", assess(str(tmp_path / "bundle"), tmp_path / "data/test.jsonl"))
    assert "learning.png" in (tmp_path / "report/report.md").read_text(encoding="utf-8")
    assert (tmp_path / "report/learning.png").stat().st_size > 1_000
