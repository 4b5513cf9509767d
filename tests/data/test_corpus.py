from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nlp.config import load_schema
from nlp.data.corpus import read_entries, read_examples, read_rows, to_library, write_rows
from nlp.errors import DataError, InputError
from nlp.schema import LabelSchema

ROW: dict[str, Any] = {
    "id": "1",
    "text": "兰州医保在西宁住院报七成",
    "topic": "cross_region_medical",
    "also": [],
    "entities": [
        {"start": 0, "end": 2, "type": "region", "role": "insured", "value": {"candidates": [], "resolved": "620100"}},
        {"start": 10, "end": 12, "type": "percent", "value": {"low": "0.7", "high": "0.7"}},
    ],
}


@pytest.fixture
def schema(root: Path) -> LabelSchema:
    return load_schema(root / "datasets/policy_questions/schema.toml")


def write(folder: Path, *rows: Any) -> Path:
    path = folder / "rows.jsonl"
    path.write_text(
        "".join((r if isinstance(r, str) else json.dumps(r, ensure_ascii=False)) + "\n" for r in rows), encoding="utf-8"
    )
    return path


def test_round_trip(tmp_path: Path, schema: LabelSchema) -> None:
    examples = read_examples(write(tmp_path, ROW), schema)
    write_rows(tmp_path / "again.jsonl", [e.to_dict() for e in examples])
    assert read_examples(tmp_path / "again.jsonl", schema) == examples
    assert examples[0].text[examples[0].entities[1].start : examples[0].entities[1].end] == "七成"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text": ""}, "text: expected a non-empty string"),
        ({"text": 5}, "text: expected a non-empty string"),
        ({"topic": "tax"}, "topic: unknown topic 'tax'"),
        ({"also": "pension"}, "also: expected a list"),
        ({"entities": [{"start": 0, "end": 99, "type": "region"}]}, "entities[0]: span 0-99 is not inside the text of 12"),
        ({"entities": [{"start": 0, "end": 2, "type": "place"}]}, "entities[0].type: unknown type 'place'"),
        ({"entities": [{"start": 0, "end": 2, "type": "region", "role": "home"}]}, "entities[0].role: unknown role 'home'"),
        (
            {"entities": [{"start": 0, "end": 2, "type": "percent", "value": {"low": "x"}}]},
            "entities[0].value: not a value of percent",
        ),
        (
            {"entities": [{"start": s, "end": s + 4, "type": "region", "role": "none"} for s in (0, 2)]},
            "entities: spans 0-4 and 2-6",
        ),
        ({"entities": ["x"]}, "entities[0]: expected an object"),
        ({"entities": [{"start": 0, "end": 4, "type": "region"}]}, "entities[0].role: unknown role None of region"),
    ],
)
def test_messages_name_file_line_and_field(tmp_path: Path, schema: LabelSchema, change: dict[str, Any], message: str) -> None:
    path = write(tmp_path, ROW, {**ROW, "id": "2", **change})
    with pytest.raises(DataError) as caught:
        read_examples(path, schema)
    assert str(caught.value).startswith(f"{path}:2: {message}")


def test_an_id_may_stand_once(tmp_path: Path, schema: LabelSchema) -> None:
    with pytest.raises(DataError, match=r":3: id: .* stands twice, first in line 1"):
        read_examples(write(tmp_path, ROW, "", ROW), schema)


def test_broken_lines_do_not_stop_the_reader(tmp_path: Path) -> None:
    path = write(tmp_path, ROW, "{broken", "", "[1]", {**ROW, "id": "2"})
    with path.open("ab") as file:
        file.write(b'{"text": "\xff"}\n')
    rows = list(read_rows(path))
    assert [number for number, _ in rows] == [1, 2, 4, 5, 6]
    assert [isinstance(row, DataError) for _, row in rows] == [False, True, True, False, True]
    assert "not UTF-8" in str(rows[-1][1])


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        list(read_rows(tmp_path / "none.jsonl"))


def test_entries_are_checked(tmp_path: Path) -> None:
    good = {"id": "a", "question": "问", "answer": "答", "regions": ["national"]}
    assert read_entries(write(tmp_path, good))[0].regions == ("national",)
    with pytest.raises(DataError, match=r"regions: expected 'national' or a six-digit code, got '11'"):
        read_entries(write(tmp_path, {**good, "regions": ["11"]}))


def test_library_data_set(tmp_path: Path, schema: LabelSchema) -> None:
    library = pytest.importorskip("datasets", reason="the extra `train` is not installed")
    rows = to_library(read_examples(write(tmp_path, ROW), schema))
    assert isinstance(rows, library.Dataset)
    assert rows[0]["entities"][0]["role"] == "insured"


@pytest.mark.parametrize("name", ["train", "dev", "test"])
def test_committed_data_is_valid(root: Path, schema: LabelSchema, name: str) -> None:
    assert read_examples(root / f"datasets/policy_questions/{name}.jsonl", schema)


def test_groups_do_not_cross_splits(root: Path, schema: LabelSchema) -> None:
    folder = root / "datasets/policy_questions"
    groups = [{e.group for e in read_examples(folder / f"{name}.jsonl", schema)} for name in ("train", "dev", "test")]
    assert not groups[0] & groups[1] | groups[0] & groups[2] | groups[1] & groups[2]


def test_committed_archive_is_valid(root: Path, schema: LabelSchema) -> None:
    entries = read_entries(root / "datasets/policy_answers/entries.jsonl")
    assert len(entries) >= 150
    assert all(e.topic in schema.topic_ids() and e.regions and e.law and e.as_of for e in entries)


def test_a_lone_surrogate_is_written_as_it_was_read(tmp_path: Path) -> None:
    path = tmp_path / "escaped.jsonl"
    path.write_text(json.dumps({**ROW, "text": ROW["text"] + "\ud83d"}), encoding="utf-8")
    write_rows(tmp_path / "again.jsonl", (e.to_dict() for e in read_examples(path)))
    assert read_examples(tmp_path / "again.jsonl") == read_examples(path)
