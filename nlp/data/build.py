"""Sources → a data set folder: read, drop duplicates, add values, keep variants together, split, check for leaks, write, describe.

Three kinds of folders, told apart by their `dataset.toml`: examples in marked text (`nlp.data.markup`), an archive of entries in JSONL,
question pairs in blocks (`nlp.data.pairs`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from nlp.config import load_schema
from nlp.data.augment import augment
from nlp.data.card import distinct_section, write_card
from nlp.data.corpus import parse_entry, parse_example, read_entries, read_rows, text_id, write_rows
from nlp.data.duplicates import DUPLICATE, SAME_GROUP, leaked, merged_groups, read_texts, similar_pairs
from nlp.data.markup import read_marked, with_values
from nlp.data.pairs import Block, Pair, pairs_of, read_blocks
from nlp.data.plan import SPLITS, DatasetPlan, load_dataset_plan, source_files, split_of
from nlp.data.statistics import coverage, distinctness, entry_tables, pair_tables, units_named
from nlp.errors import DataError
from nlp.schema import Entry, Example, LabelSchema


@dataclass(frozen=True, slots=True)
class Built:
    """What a build did: rows of each file, rows dropped as duplicates (first, dropped), rows that resemble a text of an evaluation file."""

    counts: dict[str, int]
    duplicates: list[tuple[str, str]]
    leaks: list[tuple[str, str]]


def build(folder: Path, against: Sequence[Path] = ()) -> Built:
    """Makes the files of a data set folder from its `source/`.

    Args:
        folder: Holds dataset.toml, source/ and, for examples, schema.toml.
        against: Evaluation files (JSONL with `text`, `query` or `question`) that no row may resemble; such rows are dropped.

    Raises:
        DataError, RecipeError, InputError: A source is not valid, or there is none.
    """
    plan = load_dataset_plan(folder)
    known = [text for path in against for text in read_texts(path)]
    if plan.tags:
        return _build_examples(folder, plan, known)
    return _build_pairs(folder, plan, known) if plan.archive else _build_archive(folder, plan, known)


def _build_examples(folder: Path, plan: DatasetPlan, known: Sequence[str]) -> Built:
    schema = load_schema(folder / "schema.toml")
    rows = list(read_sources(folder, plan, schema))
    similar = similar_pairs([e.text for e in rows], SAME_GROUP)
    doubles = {b: a for a, b, s in similar if s >= DUPLICATE and rows[a].topic == rows[b].topic}
    leaks = leaked([e.text for e in rows], known)
    kept = [n for n in range(len(rows)) if n not in doubles and n not in leaks]
    groups = merged_groups([e.group for e in rows], [(a, b) for a, b, _ in similar])
    reference = date.fromisoformat(plan.reference) if plan.reference else None
    split: dict[str, list[Example]] = {name: [] for name in SPLITS}
    for number in kept:
        example = replace(with_values(rows[number], schema, reference), group=groups[number])
        split[split_of(example.group, plan)].append(example)
    files = {**split, "augmented": _augmented(split, plan, schema, reference, known)} if plan.augment.copies else split
    for name, examples in files.items():
        write_rows(folder / f"{name}.jsonl", (e.to_dict() for e in examples))
    built = Built(
        {name: len(examples) for name, examples in files.items()},
        [(rows[a].text, rows[b].text) for b, a in doubles.items()],
        [(rows[n].text, known[k]) for n, k in leaks.items()],
    )
    _write_manifest(folder, built.counts)
    written = [example for examples in split.values() for example in examples]
    units = f"{units_named(written)} different administrative units are named."
    write_card(folder, plan, [units, distinct_section(distinctness(written))], coverage(split, schema))
    return built


def _augmented(
    split: dict[str, list[Example]], plan: DatasetPlan, schema: LabelSchema, reference: date | None, known: Sequence[str]
) -> list[Example]:
    """Variants of the training rows, without those that came to resemble a row of another split or an evaluation text."""
    variants = list(augment(split["train"], plan.augment, plan.seed, schema, reference))
    others = [e.text for name in SPLITS[1:] for e in split[name]]
    leaks = leaked([e.text for e in variants], [*others, *known])
    return [e for n, e in enumerate(variants) if n not in leaks]


def _build_archive(folder: Path, plan: DatasetPlan, known: Sequence[str]) -> Built:
    entries = [e for path in source_files(folder, "*.jsonl") for e in read_entry_source(path)]
    pairs = similar_pairs([e.question for e in entries], DUPLICATE)
    doubles = {b: a for a, b, _ in pairs if entries[a].regions == entries[b].regions}
    leaks = leaked([e.question for e in entries], known)
    kept = [e for n, e in enumerate(entries) if n not in doubles and n not in leaks]
    write_rows(folder / "entries.jsonl", (e.to_dict() for e in kept))
    built = Built(
        {"entries": len(kept)},
        [(entries[a].question, entries[b].question) for b, a in doubles.items()],
        [(entries[n].question, known[k]) for n, k in leaks.items()],
    )
    _write_manifest(folder, built.counts)
    write_card(folder, plan, [], entry_tables(kept))
    return built


def _build_pairs(folder: Path, plan: DatasetPlan, known: Sequence[str]) -> Built:
    blocks = [b for path in source_files(folder, "*.txt") for b in read_blocks(path)]
    texts = [(text, n) for n, block in enumerate(blocks) for text in block.texts()]
    similar = similar_pairs([text for text, _ in texts], SAME_GROUP)
    names = [text_id(blocks[n].question) for _, n in texts]
    groups = merged_groups(names, [(a, b) for a, b, _ in similar])
    group_of = {n: group for (_, n), group in zip(texts, groups, strict=True)}
    leaks = {texts[n][0]: known[k] for n, k in leaked([text for text, _ in texts], known).items()}
    pairs: dict[str, Pair] = {}
    doubles: list[tuple[str, str]] = []
    for pair in _all_pairs(blocks, folder / plan.archive, plan, group_of):
        if pair.id in pairs:
            doubles.append((pair.a, pair.b))
        elif pair.a not in leaks and pair.b not in leaks:
            pairs[pair.id] = pair
    split = {name: [p for p in pairs.values() if p.split == name] for name in SPLITS}
    for name, rows in split.items():
        write_rows(folder / f"{name}.jsonl", (p.to_dict() for p in rows))
    built = Built({name: len(rows) for name, rows in split.items()}, doubles, list(leaks.items()))
    _write_manifest(folder, built.counts)
    write_card(folder, plan, [], pair_tables(list(pairs.values())))
    return built


def _all_pairs(blocks: Sequence[Block], archive: Path, plan: DatasetPlan, group_of: dict[int, str]) -> Iterator[Pair]:
    entries = {e.question: (e.id, e.topic) for e in read_entries(archive / "entries.jsonl")}
    for number, block in enumerate(blocks):
        (entry, topic), group = entries.get(block.question, (None, None)), group_of[number]
        yield from pairs_of(block, entry, topic, group, split_of(group, plan))


def read_sources(folder: Path, plan: DatasetPlan, schema: LabelSchema) -> Iterator[Example]:
    """All marked rows under `source/`, checked against the schema.

    Raises:
        DataError: A row is not valid.
    """
    seen: set[str] = set()
    for path in source_files(folder, "*.txt"):
        for number, example in read_marked(path, plan.tags):
            parse_example(example.to_dict(), path, number, schema)
            if example.id not in seen:  # the same text twice: the first one counts
                seen.add(example.id)
                yield example


def read_entry_source(path: Path) -> Iterator[Entry]:
    """The entries of one source file; the id comes from question and regions where none is given.

    Raises:
        DataError: A row is not valid.
    """
    for number, row in read_rows(path):
        if isinstance(row, DataError):
            raise row
        yield parse_entry({"id": entry_id(row), **row}, path, number)


def entry_id(row: dict[str, object]) -> str:
    """The id of a source row: a hash of its question and regions."""
    regions = row.get("regions")
    places = "".join(map(str, regions)) if isinstance(regions, list) else ""
    return text_id(f"{row.get('question')}{places}")


def _write_manifest(folder: Path, counts: dict[str, int]) -> None:
    files = [f"{name}.jsonl" for name in counts]
    hashes = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files}
    text = json.dumps({"format": 1, "counts": counts, "files": hashes}, indent=1)
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")
