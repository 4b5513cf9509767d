"""`dataset.toml` → DatasetPlan: what a data set folder holds, and which split a group belongs to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

from nlp.config import parse, read_toml
from nlp.errors import InputError

SPLITS = ("train", "dev", "test")


@dataclass(frozen=True, slots=True)
class AugmentPlan:
    """The table `[augment]`: variants of the training rows, written to `augmented.jsonl` beside them.

    `copies` is how many variants a row gets on average (0: none). The others are shares in [0, 1]: of the rows whose regions change, of
    the numerals written otherwise, of the rows in traditional characters and in wide digits, and of the places with a typing error.
    """

    copies: float = 0.0
    regions: float = 0.7
    numerals: float = 0.5
    traditional: float = 0.05
    wide: float = 0.05
    typing: float = 0.04


@dataclass(frozen=True, slots=True)
class DatasetPlan:
    """A `dataset.toml`.

    With `tags` the folder holds examples in marked text, with `archive` (a data set folder with entries.jsonl, relative to this one)
    question pairs in blocks, with neither an archive of entries in JSONL.
    """

    title: str
    description: str
    licence: str
    origin: str
    reference: str = ""
    seed: int = 13
    dev: float = 0.1
    test: float = 0.1
    archive: str = ""
    augment: AugmentPlan = AugmentPlan()
    tags: dict[str, str] = field(default_factory=dict)


def load_dataset_plan(folder: Path) -> DatasetPlan:
    """Reads `dataset.toml`.

    Raises:
        RecipeError: It is missing or malformed.
    """
    data = read_toml(folder / "dataset.toml")
    tags = data.pop("tags", {})
    plan = parse(DatasetPlan, data, str(folder / "dataset.toml"))
    return replace(plan, tags=tags)


def split_of(group: str, plan: DatasetPlan) -> str:
    """The split of a group: by its hash, so that it stays when the data grows."""
    place = int(hashlib.sha256(f"{plan.seed} {group}".encode()).hexdigest()[:8], 16) / 16**8
    return "test" if place < plan.test else "dev" if place < plan.test + plan.dev else "train"


def source_files(folder: Path, pattern: str) -> list[Path]:
    """The files under `source/`, by name.

    Raises:
        InputError: There is none.
    """
    files = sorted((folder / "source").glob(pattern))
    if not files:
        raise InputError(f"{folder / 'source'}: no {pattern} files, expected the sources of the data set")
    return files
