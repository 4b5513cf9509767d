"""Recipe → how well it does on rows it has not seen, by folds of its data set: mean and spread, and no bundle."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nlp.config import Recipe, load_schema
from nlp.data.corpus import read_examples
from nlp.data.plan import SPLITS
from nlp.errors import RecipeError
from nlp.schema import Example
from nlp.training.trial import measure

RECORD = "crossvalidation.json"


@dataclass(frozen=True, slots=True)
class Folds:
    """Figures of each fold on its held-out rows, in [0, 1]."""

    scores: tuple[dict[str, float], ...]

    def summary(self) -> dict[str, dict[str, float]]:
        """Mean and sample standard deviation of each figure."""
        columns = {name: [scores[name] for scores in self.scores] for name in self.scores[0]}
        return {
            name: {"mean": round(statistics.mean(column), 4), "spread": round(statistics.stdev(column), 4)}
            for name, column in columns.items()
        }

    def to_dict(self) -> dict[str, Any]:
        return {"folds": list(self.scores), "summary": self.summary()}


def cross_validate(recipe: Recipe, count: int, work: Path, resume: bool) -> Folds:
    """Trains once a fold and measures each time on the rows that were held out.

    All rows of the data set take part, those of dev and test too. A fold is tested on its own rows, the next one chooses the checkpoint,
    the others train, with the rows of `extra_train` whose group is not held out.

    Args:
        recipe: The recipe; its output is not touched.
        count: Number of folds, 3 or more.
        work: Folder for the folds' data and checkpoints, and for the record `crossvalidation.json`.
        resume: Go on where a stopped run was; folds that are done are not repeated.

    Raises:
        RecipeError: `count` is too small, or greater than the number of groups.
    """
    data = Path(recipe.data.path)
    schema = load_schema(data / "schema.toml")
    rows = [e for split in SPLITS for e in read_examples(data / f"{split}.jsonl", schema)]
    extra = [e for path in recipe.data.extra_train for e in read_examples(Path(path), schema)]
    folds = split_folds(rows, count)
    scores = []
    for number, parts in enumerate(_turns(folds, extra)):
        folder = work / f"fold-{number + 1}-of-{count}"
        scores.append(measure(recipe, parts, folder, resume))
    found = Folds(tuple(scores))
    (work / RECORD).write_text(json.dumps(found.to_dict(), indent=1) + "\n", encoding="utf-8")
    return found


def split_folds(rows: Sequence[Example], count: int) -> list[list[Example]]:
    """Cuts rows into folds of like size and like share of each topic; a group stays in one fold.

    Raises:
        RecipeError: `count` is less than 3, or there are fewer groups.
    """
    groups: dict[str, list[Example]] = {}
    for row in rows:
        groups.setdefault(row.group or row.id, []).append(row)
    if not 3 <= count <= len(groups):
        raise RecipeError(f"--cross-validate {count}: expected between 3 and the {len(groups)} groups of the data set")
    folds: list[list[Example]] = [[] for _ in range(count)]
    seen: list[Counter[str | None]] = [Counter() for _ in range(count)]
    for _, members in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        topic = members[0].topic
        least = min(range(count), key=lambda n: (seen[n][topic], len(folds[n])))
        folds[least] += members
        seen[least].update(member.topic for member in members)
    return folds


def _turns(folds: Sequence[Sequence[Example]], extra: Sequence[Example]) -> Iterator[dict[str, list[Example]]]:
    for number, test in enumerate(folds):
        other = (number + 1) % len(folds)
        dev = folds[other]
        train = [e for n, fold in enumerate(folds) if n not in (number, other) for e in fold]
        held = {e.group or e.id for e in (*dev, *test)}
        yield {"train": train + [e for e in extra if e.group not in held], "dev": list(dev), "test": list(test)}
