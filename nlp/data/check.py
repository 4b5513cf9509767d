"""What is wrong with a data set, all of it at once, each as `file:line: field: problem`.

A file is checked row by row (examples, entries or pairs, told apart by their fields), for duplicates, and against evaluation files.
A folder is checked from its sources to its built files, for texts that resemble each other across splits, and against its manifest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nlp.config import load_schema
from nlp.data.build import entry_id
from nlp.data.corpus import parse_entry, parse_example, read_entries, read_rows
from nlp.data.duplicates import DUPLICATE, NEAR, SAME_GROUP, leaked, read_texts, similar_pairs
from nlp.data.markup import scan_marked
from nlp.data.pairs import Block, parse_pair, scan_blocks
from nlp.data.plan import SPLITS, DatasetPlan, load_dataset_plan, source_files
from nlp.errors import DataError, InputError
from nlp.schema import LabelSchema

AUGMENTED = "augmented"


@dataclass(slots=True)
class Findings:
    """`problems` make a data set unfit; `notes` (near duplicates within a split, blocks whose question nearly is an entry's) are worth a
    look; `rows` counts what was read."""

    rows: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Row:
    """A text and where it stands. Near duplicates of one `label` (topic, regions) say the same; `id` is that of the row."""

    path: Path
    line: int
    id: str
    text: str
    label: str
    group: str

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line}"

    @property
    def split(self) -> str:
        return self.path.stem.replace(AUGMENTED, SPLITS[0])


def check(data: Path, against: Sequence[Path] = (), schema: Path | None = None) -> Findings:
    """Checks a data set folder or one JSONL file.

    Args:
        data: The folder or file.
        against: Evaluation files that no row may resemble.
        schema: Labels of the examples; by default schema.toml in the folder or beside the file.

    Raises:
        InputError: There is no such file or folder.
        RecipeError: schema.toml or dataset.toml is malformed.
    """
    path = schema or (data if data.is_dir() else data.parent) / "schema.toml"
    labels = load_schema(path) if schema or path.exists() else None
    findings = Findings()
    if data.is_dir():
        plan = load_dataset_plan(data)
        findings.problems += _source_problems(data, plan, labels)
        findings.problems += _manifest_problems(data)
        findings.notes += _near_entries(data, plan) if plan.archive else ()
        names = (*SPLITS, AUGMENTED) if plan.tags or plan.archive else ("entries",)
        files = [data / f"{name}.jsonl" for name in names if (data / f"{name}.jsonl").exists()]
    else:
        files = [data]
    rows = [row for path in files for row in _read(path, labels, findings)]
    findings.problems += _group_problems(rows)
    _compare(rows, findings)
    known = [text for path in against for text in read_texts(path)]
    for number, other in leaked([row.text for row in rows], known).items():
        findings.problems.append(f"{rows[number].place}: text: resembles an evaluation text: {known[other]!r:.80}")
    return findings


def _read(path: Path, labels: LabelSchema | None, findings: Findings) -> Iterator[_Row]:
    """The rows of a file, each text once; broken rows become problems."""
    ids: dict[str, int] = {}
    texts: set[str] = set()
    for number, row in read_rows(path):
        findings.rows += 1
        try:
            if isinstance(row, DataError):
                raise row
            found = list(_parse(row, path, number, labels))
            first = ids.setdefault(found[0].id, number)
            if first != number:
                raise DataError(path, number, "id", f"{found[0].id!r} stands twice, first in line {first}")
        except DataError as error:
            findings.problems.append(str(error))
            continue
        for item in found:
            if item.text not in texts or len(found) == 1:  # a question stands in many pairs
                texts.add(item.text)
                yield item


def _parse(row: dict[str, Any], path: Path, line: int, labels: LabelSchema | None) -> Iterator[_Row]:
    if "a" in row and "b" in row:
        pair = parse_pair(row, path, line)
        yield from (_Row(path, line, pair.id, text, text, pair.group) for text in (pair.a, pair.b))
    elif "answer" in row:
        entry = parse_entry(row, path, line)
        yield _Row(path, line, entry.id, entry.question, " ".join(entry.regions), "")
    else:
        example = parse_example(row, path, line, labels)
        yield _Row(path, line, example.id, example.text, example.topic or "", example.group)


def _compare(rows: Sequence[_Row], findings: Findings) -> None:
    """Texts that resemble each other: a problem across splits, and where one text was written twice; else worth a note."""
    for a, b, similarity in similar_pairs([row.text for row in rows], SAME_GROUP):
        first, second = rows[a], rows[b]
        line = f"{second.place}: text: resembles {first.place} ({similarity:.2f}): {second.text!r:.60}, {first.text!r:.60}"
        if first.split != second.split:
            findings.problems.append(f"{line}, in another split")
        elif first.path != second.path:
            continue  # a variant of a training row
        elif similarity >= DUPLICATE and first.label == second.label:
            findings.problems.append(line)
        elif similarity >= NEAR:
            findings.notes.append(line)


def _group_problems(rows: Sequence[_Row]) -> Iterator[str]:
    seen: dict[str, _Row] = {}
    for row in rows:
        first = seen.setdefault(row.group, row)
        if row.group and first.split != row.split:
            yield f"{row.place}: group: {row.group!r} stands in another split too, first at {first.place}"


def _source_problems(folder: Path, plan: DatasetPlan, labels: LabelSchema | None) -> Iterator[str]:
    """Broken lines of the sources, and texts that stand twice in them."""
    seen: dict[str, str] = {}
    for path in source_files(folder, "*.txt" if plan.tags or plan.archive else "*.jsonl"):
        for number, found in _scan(path, plan, labels):
            if isinstance(found, DataError):
                yield str(found)
                continue
            key, text = found
            first = seen.setdefault(key, f"{path}:{number}")
            if first != f"{path}:{number}":
                yield f"{path}:{number}: text: {text!r:.60} stands twice, first at {first}"


def _near_entries(folder: Path, plan: DatasetPlan) -> Iterator[str]:
    """Questions of blocks that are those of no entry, which is allowed, yet resemble one, which may be a slip."""
    archive = folder / plan.archive / "entries.jsonl"
    known = [entry.question for entry in read_entries(archive)]
    blocks = ((path, block) for path in source_files(folder, "*.txt") for _, block in scan_blocks(path))
    asked = {block.question: f"{path}:{block.line}" for path, block in blocks if isinstance(block, Block)}
    texts = sorted(asked.keys() - known)
    for number, other in leaked(texts, known).items():
        text = texts[number]
        yield f"{asked[text]}: @: {text!r:.60} is no question of {archive}, but resembles {known[other]!r:.60}"


def _scan(path: Path, plan: DatasetPlan, labels: LabelSchema | None) -> Iterator[tuple[int, DataError | tuple[str, str]]]:
    """What each line of a source holds: (what may stand once only, its text), or the error."""
    if plan.tags:
        for number, example in scan_marked(path, plan.tags):
            try:
                if isinstance(example, DataError):
                    raise example
                parse_example(example.to_dict(), path, number, labels)
                yield number, (example.id, example.text)
            except DataError as error:
                yield number, error
    elif plan.archive:
        for number, block in scan_blocks(path):
            yield number, block if isinstance(block, DataError) else (block.question, block.question)
    else:
        for number, row in read_rows(path):
            try:
                if isinstance(row, DataError):
                    raise row
                entry = parse_entry({"id": entry_id(row), **row}, path, number)
                yield number, (entry.id, entry.question)
            except DataError as error:
                yield number, error


def _manifest_problems(folder: Path) -> Iterator[str]:
    path = folder / "manifest.json"
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
    except FileNotFoundError:
        raise InputError(f"{path}: missing; make the data set with `wenlu data build {folder}`") from None
    except (ValueError, KeyError, TypeError) as error:
        yield f"{path}: not a manifest: {error!r}"
        return
    for name, expected in files.items():
        file = folder / name
        if not file.exists():
            yield f"{file}: missing, though the manifest lists it"
        elif hashlib.sha256(file.read_bytes()).hexdigest() != expected:
            yield f"{file}: changed since it was built; run `wenlu data build {folder}`"
