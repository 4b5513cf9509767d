"""Recipe → how its figures grow with the rows it is trained on: whether more data would pay."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

from nlp.config import Recipe, load_schema
from nlp.data.corpus import read_examples
from nlp.data.plan import SPLITS
from nlp.errors import RecipeError
from nlp.schema import Example
from nlp.training.trial import measure

RECORD = "learning.json"
Points = list[dict[str, float]]


def learning_curve(recipe: Recipe, count: int, work: Path, resume: bool) -> Points:
    """Trains on more and more of the training rows, twice as many each time and all of them last, for as many epochs each.

    The rows of a group stand together, and what a smaller part holds is in the larger ones too.

    Args:
        recipe: The recipe; its output is not touched.
        count: Number of trainings, 2 or more.
        work: Folder for the trials, and for the record `learning.json`.
        resume: Go on where a stopped run was; trials that are done are not repeated.

    Returns:
        For each training its number of `rows` and its figures on the test rows.

    Raises:
        RecipeError: `count` is less than 2, or so great that the first part would have no rows.
    """
    data = Path(recipe.data.path)
    schema = load_schema(data / "schema.toml")
    splits = {split: read_examples(data / f"{split}.jsonl", schema) for split in SPLITS}
    rows = splits["train"] + [e for path in recipe.data.extra_train for e in read_examples(Path(path), schema)]
    if count < 2 or len(rows) >> (count - 1) == 0:
        raise RecipeError(f"--learning-curve {count}: expected 2 or more trainings, the first on {len(rows)} / 2^(n - 1) rows")
    shuffled = _shuffle(rows, recipe.train.seed)
    points: Points = []
    for turn in range(count):
        part = shuffled[: len(rows) >> (count - 1 - turn)]
        scores = measure(recipe, {**splits, "train": part}, work / f"learning-{turn + 1}-of-{count}", resume)
        points.append({"rows": len(part), **scores})
    (work / RECORD).write_text(json.dumps(points, indent=1) + "\n", encoding="utf-8")
    return points


def _shuffle(rows: Sequence[Example], seed: int) -> list[Example]:
    groups: dict[str, list[Example]] = {}
    for row in rows:
        groups.setdefault(row.group or row.id, []).append(row)
    names = sorted(groups)
    random.Random(seed).shuffle(names)
    return [row for name in names for row in groups[name]]
