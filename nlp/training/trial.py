"""A recipe trained on other rows than its own, for its figures alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from nlp.config import Recipe
from nlp.data.corpus import text_id, write_rows
from nlp.errors import RecipeError
from nlp.schema import Example
from nlp.training.checkpoints import begin, traces
from nlp.training.finetune import finetune


def measure(recipe: Recipe, parts: Mapping[str, Sequence[Example]], folder: Path, resume: bool) -> dict[str, float]:
    """Trains a recipe on given rows and keeps nothing but its figures.

    Args:
        recipe: What to train, all but its data.
        parts: Rows of `train`, `dev` and `test`.
        folder: For the rows, the checkpoints and the record `scores.json`.
        resume: Go on from the last checkpoint; a trial that is done is not repeated.

    Returns:
        Figures on the rows of `test`, in [0, 1].

    Raises:
        RecipeError: The recipe starts from a bundle, which may know the rows of `test`; or the folder holds another trial, and is to be
            resumed.
    """
    if recipe.base.heads:
        raise RecipeError(
            f"base.heads = {recipe.base.heads!r}: it may have been trained on the rows to measure on, leave it out"
        )
    record = folder / "scores.json"
    if not resume:  # first of all: a run that is stopped now must not pass the old figures off as its own
        record.unlink(missing_ok=True)
    files: list[str | Path] = [
        Path(recipe.data.path) / "schema.toml",
        *recipe.data.calibration,
        recipe.data.pairs,
        recipe.base.path,
    ]
    rows = {split: text_id("".join(json.dumps(e.to_dict()) for e in examples)) for split, examples in parts.items()}
    begin(folder, {"recipe": recipe.to_dict(), "rows": rows, "made_of": traces(*files)}, resume)
    if not record.exists():
        data = folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        shutil.copy2(Path(recipe.data.path) / "schema.toml", data)
        for split, examples in parts.items():
            # Numbers for ids: joined from several files, two rows may have the same.
            write_rows(data / f"{split}.jsonl", ({**e.to_dict(), "id": str(n)} for n, e in enumerate(examples)))
        plan = replace(recipe, data=replace(recipe.data, path=str(data), extra_train=()))
        facts = finetune(plan, folder / "bundle", folder / "work", resume)
        record.write_text(json.dumps(facts["metrics"]["test"]) + "\n", encoding="utf-8")
        for part in ("work", "bundle"):  # checkpoints of every trial would fill a disk
            shutil.rmtree(folder / part)
    scores: dict[str, float] = json.loads(record.read_text(encoding="utf-8"))
    return scores
