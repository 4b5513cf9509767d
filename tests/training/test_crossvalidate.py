from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")
from nlp.errors import RecipeError
from nlp.schema import Example
from nlp.training.crossvalidate import Folds, split_folds

from .test_finetune import checkpoint, data_set, recipe_file, train


def test_groups_stay_together_and_topics_spread() -> None:
    rows = [Example(str(n), f"text {n}", "ab"[n % 2], group=f"g{n // 4}") for n in range(80)]
    rows += [Example(f"x{n}", "rare", "c", group=f"x{n}") for n in range(5)]
    folds = split_folds(rows, 5)
    assert sorted(e.id for fold in folds for e in fold) == sorted(e.id for e in rows)
    groups = [{e.group for e in fold} for fold in folds]
    assert not any(a & b for n, a in enumerate(groups) for b in groups[:n])
    assert [sum(e.topic == "c" for e in fold) for fold in folds] == [1] * 5
    assert {len(fold) for fold in folds} == {17}


@pytest.mark.parametrize("count", [2, 5])
def test_too_few_folds_or_groups(count: int) -> None:
    rows = [Example(str(n), "text", "a", group=f"g{n % 4}") for n in range(8)]
    with pytest.raises(RecipeError, match=f"--cross-validate {count}: expected between 3 and the 4 groups"):
        split_folds(rows, count)


def test_mean_and_spread() -> None:
    assert Folds(({"f": 0.5}, {"f": 0.7})).summary() == {"f": {"mean": 0.6, "spread": 0.1414}}


def test_a_recipe_is_cross_validated(tmp_path: Path) -> None:
    data = data_set(tmp_path / "data")
    for split in ("train", "dev", "test"):  # ids are unique within a file; over all of them groups tell rows apart
        path = data / f"{split}.jsonl"
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        path.write_text("".join(json.dumps({**row, "id": split + row["id"]}) + "\n" for row in rows), encoding="utf-8")
    recipe = recipe_file(tmp_path, checkpoint(tmp_path / "base", "vocab.txt"), data)
    done = train(recipe, tmp_path, "--cross-validate", "3", "--set", "train.epochs=3")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "topic_accuracy: " in done.stdout
    record = json.loads((tmp_path / "work/crossvalidation.json").read_text(encoding="utf-8"))
    assert len(record["folds"]) == 3
    assert not (tmp_path / "bundle").exists()
    assert not list((tmp_path / "work").glob("fold-*/work"))
