from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("datasketch", reason="the extra `train` is not installed")
pytest.importorskip("sklearn", reason="the extra `train` is not installed")
pytest.importorskip("matplotlib", reason="the extra `train` is not installed")

from nlp.config import load_schema
from nlp.data.build import build
from nlp.data.corpus import read_entries, read_examples
from nlp.data.pairs import read_pairs
from nlp.data.plan import SPLITS, load_dataset_plan, split_of
from nlp.errors import InputError, RecipeError
from nlp.schema import AmountValue, Example, RegionValue


def rows_of(folder: Path) -> dict[str, list[Example]]:
    schema = load_schema(folder / "schema.toml")
    return {name: read_examples(folder / f"{name}.jsonl", schema) for name in SPLITS}


def test_examples_get_values_groups_and_splits(questions: Path) -> None:
    built = build(questions)
    rows = [e for examples in rows_of(questions).values() for e in examples]
    assert sum(built.counts.values()) == len(rows) == 6
    assert not built.duplicates
    first = next(e for e in rows if e.text.startswith("沈阳"))
    region, insurance, amount = first.entities
    assert isinstance(region.value, RegionValue)
    assert region.value.resolved == ("210100",)
    assert insurance.value is None
    assert isinstance(amount.value, AmountValue)
    assert amount.value.low == 3000
    variants = [e for e in rows if "断了两个月" in e.text]
    assert len({e.group for e in variants}) == 1


def test_a_group_keeps_its_split_when_the_data_grows(questions: Path) -> None:
    build(questions)
    before = {e.id: name for name, examples in rows_of(questions).items() for e in examples}
    (questions / "source" / "b.txt").write_text("#topic labour\n#register story\n押金三千不退怎么要回来\n", encoding="utf-8")
    build(questions)
    after = {e.id: name for name, examples in rows_of(questions).items() for e in examples}
    assert len(after) == 7
    assert before.items() <= after.items()


def test_splits_have_their_shares(questions: Path) -> None:
    plan = load_dataset_plan(questions)
    counts = Counter(split_of(str(n), plan) for n in range(2000))
    assert all(abs(counts[name] / 2000 - share) < 0.05 for name, share in zip(SPLITS, (0.4, 0.3, 0.3), strict=True))


def test_duplicates_and_leaks_are_dropped_and_named(questions: Path, tmp_path: Path) -> None:
    text = "#topic labour\n#register story\n加班到晚上十点没有加班费，合理吗？\n公司不给缴公积金违法吗\n"
    (questions / "source" / "b.txt").write_text(text, encoding="utf-8")
    known = tmp_path / "known.jsonl"
    known.write_text('{"text": "公司不给缴公积金违法吗？"}\n', encoding="utf-8")
    built = build(questions, [known])
    assert built.duplicates == [("加班到晚上十点没有加班费合理吗", "加班到晚上十点没有加班费，合理吗？")]
    assert built.leaks == [("公司不给缴公积金违法吗", "公司不给缴公积金违法吗？")]
    assert sum(built.counts.values()) == 6


def test_the_same_sources_give_the_same_files(questions: Path) -> None:
    build(questions)
    before = {p: p.read_bytes() for p in questions.rglob("*") if p.is_file()}
    build(questions)
    assert {p: p.read_bytes() for p in questions.rglob("*") if p.is_file()} == before
    names = {p.name for p in before}
    assert {"manifest.json", "README.md", "topic-split.png", "region-level-role.png"} <= names


def test_augmented_rows_stand_apart_and_come_from_training_rows(questions: Path) -> None:
    plan = questions / "dataset.toml"
    head, _, tail = plan.read_text(encoding="utf-8").partition("[tags]")
    plan.write_text(f"{head}[augment]\ncopies = 3\nregions = 1\n[tags]{tail}", encoding="utf-8")
    built = build(questions)
    schema = load_schema(questions / "schema.toml")
    variants = read_examples(questions / "augmented.jsonl", schema)
    train = {e.id: e for e in rows_of(questions)["train"]}
    assert built.counts["augmented"] == len(variants) > 0
    assert {e.source.removeprefix("augment:") for e in variants} <= set(train)
    assert all(e.group == train[e.source.removeprefix("augment:")].group for e in variants)
    assert "augmented.jsonl" in json.loads((questions / "manifest.json").read_text(encoding="utf-8"))["files"]


def test_an_archive(answers: Path) -> None:
    assert build(answers).counts == {"entries": 2}
    first, second = read_entries(answers / "entries.jsonl")
    assert (first.question, first.regions) == ("沈阳医保断缴几个月清零？", ("210100",))
    assert first.id != second.id
    assert "| labour | 1 |" in (answers / "README.md").read_text(encoding="utf-8")


def test_pairs_point_to_the_archive_and_stay_in_one_split(answers: Path, pairs: Path) -> None:
    build(answers)
    counts = build(pairs).counts
    rows = [p for name in SPLITS for p in read_pairs(pairs / f"{name}.jsonl")]
    assert sum(counts.values()) == len(rows) == 2 + 1 + 2 * 2 + 1 + 2
    entries = {e.question: e.id for e in read_entries(answers / "entries.jsonl")}
    assert all(p.entry == entries.get(p.b) for p in rows)
    assert {len({p.split for p in rows if p.group == group}) for group in {p.group for p in rows}} == {1}


def test_what_cannot_be_built(tmp_path: Path, questions: Path) -> None:
    with pytest.raises(RecipeError, match="no such file"):
        build(tmp_path)
    (questions / "source" / "a.txt").unlink()
    with pytest.raises(InputError, match=r"no \*\.txt files"):
        build(questions)
