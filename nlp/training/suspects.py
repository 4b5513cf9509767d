"""Rows → those whose topic is likely wrong, by confident learning (Northcutt et al. 2021) over out-of-sample probabilities."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from nlp.config import load_schema
from nlp.data.corpus import parse_example, read_rows
from nlp.data.markup import scan_marked
from nlp.data.plan import SPLITS, load_dataset_plan
from nlp.errors import DataError, InputError
from nlp.schema import Example
from nlp.training.baseline import topic_classifier

FOLDS = 5


@dataclass(frozen=True, slots=True)
class Suspect:
    """A row whose topic is likely wrong: what it looks like instead, with its out-of-sample probability and that of the given topic."""

    path: str
    line: int
    example: Example
    looks_like: str
    probability: float
    own: float

    def __str__(self) -> str:
        return (
            f"{self.path}:{self.line}: topic {self.example.topic}, looks like {self.looks_like} ({self.probability:.2f}, "
            f"own {self.own:.2f}): {self.example.text!r:.80}"
        )

    def to_dict(self) -> dict[str, Any]:
        probabilities = {"probability": round(self.probability, 4), "own": round(self.own, 4)}
        topics = {"topic": self.example.topic, "looks_like": self.looks_like}
        return {
            "file": self.path,
            "line": self.line,
            "id": self.example.id,
            **topics,
            **probabilities,
            "text": self.example.text,
        }


def find_suspects(folder: Path) -> list[Suspect]:
    """Judges every row of a data set that has a topic by a classifier trained without its fold, the most suspicious first.

    Rows that look like a topic they name as acceptable too are left out. Places are lines of `source/` where the rows were written by
    hand, else of the JSONL file.

    Raises:
        InputError: `cleanlab` is not installed, or a topic has fewer than FOLDS groups.
        DataError: A row is not valid.
    """
    try:
        from cleanlab.filter import find_label_issues
    except ImportError:
        raise InputError('the library cleanlab is not installed: pip install "wenlu[train]"') from None
    rows = _read(folder)
    examples = [example for _, _, example in rows]
    topics = sorted({e.topic for e in examples if e.topic})
    labels = np.array([topics.index(e.topic or "") for e in examples])
    probabilities = out_of_sample(examples, labels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of topics without a suspect
        ranked = find_label_issues(labels, probabilities, return_indices_ranked_by="normalized_margin", n_jobs=1)
    suspects = []
    for number in ranked:
        best = int(probabilities[number].argmax())
        path, line, example = rows[number]
        if best != labels[number] and topics[best] not in example.also:
            both = float(probabilities[number, best]), float(probabilities[number, labels[number]])
            suspects.append(Suspect(path, line, example, topics[best], *both))
    return suspects


def out_of_sample(examples: Sequence[Example], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Probabilities (rows, topics), each row by a classifier that has seen neither it nor another row of its group.

    Raises:
        InputError: A topic has fewer than FOLDS groups.
    """
    groups = [e.group or e.id for e in examples]
    counts = Counter(label for label, _ in {(int(label), group) for label, group in zip(labels, groups, strict=True)})
    few = [number for number, count in counts.items() if count < FOLDS]
    if few or len(counts) < 2:
        rare = next((e.topic for e, label in zip(examples, labels, strict=True) if label in few[:1]), None)
        found = f"topic {rare!r}" if rare else "all rows are of one topic"
        raise InputError(f"{found}: expected two topics or more with at least {FOLDS} groups of rows each")
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=13)
    texts = [e.text for e in examples]
    found = cross_val_predict(topic_classifier(), texts, labels, groups=groups, cv=folds, method="predict_proba")
    return np.asarray(found, dtype=np.float64)


def _read(folder: Path) -> list[tuple[str, int, Example]]:
    schema = load_schema(folder / "schema.toml")
    places = _places(folder)
    rows = []
    for split in SPLITS:
        path = folder / f"{split}.jsonl"
        for number, row in read_rows(path):
            if isinstance(row, DataError):
                raise row
            example = parse_example(row, path, number, schema)
            if example.topic:
                rows.append((*places.get(example.id, (str(path), number)), example))
    return rows


def _places(folder: Path) -> dict[str, tuple[str, int]]:
    """Where each id stands in the marked text; empty where a data set has none."""
    if not (folder / "dataset.toml").exists():
        return {}
    tags = load_dataset_plan(folder).tags
    found: dict[str, tuple[str, int]] = {}
    for path in sorted((folder / "source").glob("*.txt")):
        for number, example in scan_marked(path, tags):
            if isinstance(example, Example):
                found.setdefault(example.id, (str(path), number))
    return found
