"""The forms of the output: JSONL and Parquet say the same, and annotation tools can import the exports."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow.parquet as pq
import pytest

from nlp.batch.exports import label_config, to_conll, to_doccano, to_label_studio
from nlp.batch.records import Options, Record
from nlp.batch.rows import to_jsonl, to_parquet
from nlp.config import load_schema
from nlp.schema import Analysis, Entity, TopicScore

ROOT = Path(__file__).resolve().parents[2]
TEXT = "𠮷林省\t的医保 在\n大连用"  # a character beyond the basic plane, and white space
TAGGED = [
    (
        Record("a.jsonl", 1, "x 1", TEXT, fields='{"n": [1, null]}'),
        Analysis(
            TEXT,
            (TopicScore("medical_insurance", 0.9),),
            (Entity(0, 3, "region", "insured", probability=0.8), Entity(5, 7, "insurance"), Entity(10, 12, "region", "care")),
        ),
    ),
    (Record("a.jsonl", 2, "2", "\ud800"), Analysis("\ud800", (TopicScore("civil_affairs", 0.5),), ())),
]


def test_parquet_says_what_jsonl_says(
    archive: Callable[[int], Path], run: Callable[..., Any], rows: Any, tmp_path: Path
) -> None:
    source = archive(30)
    run(source, tmp_path / "jsonl", vectors=True, keep=("channel",))
    run(source, tmp_path / "parquet", vectors=True, keep=("channel",), output="parquet")
    table = pq.read_table(tmp_path / "parquet/rows").to_pylist()
    assert len(table) == 30
    for ours, theirs in zip(table, rows(tmp_path / "jsonl"), strict=True):
        assert [ours[name] for name in ("id", "line", "text", "topic")] == [
            theirs[name] for name in ("id", "line", "text", "topic")
        ]
        assert json.loads(ours["record"]) == theirs["record"]
        assert ours["vector"] == pytest.approx(theirs["vector"])
        assert [json.loads(e["value"]) for e in ours["entities"] if e["value"]] == [
            e["value"] for e in theirs["entities"] if "value" in e
        ]


def test_lone_surrogates_keep_their_place(tmp_path: Path) -> None:
    lines = to_jsonl(TAGGED, "m", Options()).decode().splitlines()
    assert json.loads(lines[1])["text"] == "\ud800"
    (tmp_path / "a.parquet").write_bytes(to_parquet(TAGGED, "m", Options()))
    assert pq.read_table(tmp_path / "a.parquet").column("text").to_pylist() == [TEXT, "\ufffd"]


def test_doccano() -> None:
    """JSONL for "intent detection and slot filling": text, entities as [start, end, label], cats."""
    rows = [json.loads(line) for line in to_doccano(TAGGED, "m").decode().splitlines()]
    assert rows[0]["entities"] == [[0, 3, "region:insured"], [5, 7, "insurance"], [10, 12, "region:care"]]
    assert rows[0]["cats"] == ["medical_insurance"]
    assert [TEXT[start:end] for start, end, _ in rows[0]["entities"]] == ["𠮷林省", "医保", "大连"]


def test_label_studio() -> None:
    """Tasks with predictions whose results name tags of the configuration, which has every label used."""
    schema = load_schema(ROOT / "datasets/policy_questions/schema.toml")
    view = ElementTree.fromstring(label_config(schema))
    tags = {tag.get("name"): tag for tag in view if tag.get("name")}
    tasks = json.loads(to_label_studio(TAGGED, "m"))
    assert [task["data"]["record_id"] for task in tasks] == ["x 1", "2"]
    for task in tasks:
        [prediction] = task["predictions"]
        assert prediction["model_version"] == "m"
        assert len({result["id"] for result in prediction["result"]}) == len(prediction["result"])
        for result in prediction["result"]:
            tag = tags[result["from_name"]]
            assert result["to_name"] == tag.get("toName") == "text"
            assert result["type"] == tag.tag.lower()
            value = result["value"]
            assert {*value[result["type"]]} <= {choice.get("value") for choice in tag}
            if result["type"] == "labels":
                assert value["text"] == task["data"]["text"][value["start"] : value["end"]]


def test_conll() -> None:
    lines = to_conll(TAGGED, "m").decode().split("\n")
    assert lines[:3] == ["# id = x 1", "# topic = medical_insurance", "# model = m"]
    assert lines[3:6] == ["𠮷\tB-region:insured", "林\tI-region:insured", "省\tI-region:insured"]
    assert [line for line in lines if line and not line.startswith("#")][3:] == [
        "的\tO", "医\tB-insurance", "保\tI-insurance", "在\tO", "大\tB-region:care", "连\tI-region:care", "用\tO",
    ]  # fmt: skip


def test_exports_stand_beside_the_parts(archive: Callable[[int], Path], run: Callable[..., Any], tmp_path: Path) -> None:
    run(archive(20), tmp_path / "out", annotate=("conll", "doccano", "label-studio"))
    names = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("part-00000-000001.*")}
    assert names == {
        "rows/part-00000-000001.jsonl",
        "conll/part-00000-000001.conll",
        "doccano/part-00000-000001.jsonl",
        "label-studio/part-00000-000001.json",
    }
    assert (tmp_path / "out/label-studio/label_config.xml").exists()


def test_an_object_store(archive: Callable[[int], Path], run: Callable[..., Any], rows: Any, tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    system = fsspec.filesystem("memory")
    system.pipe_file("/bucket/in/archive.jsonl", archive(50).read_bytes())
    run("memory://bucket/in", "memory://bucket/out")
    assert run("memory://bucket/in", "memory://bucket/out").reused == 49
    run(archive(50), tmp_path / "out")
    for path in (path for path in (tmp_path / "out").rglob("*") if path.is_file()):
        assert system.cat_file(f"/bucket/out/{path.relative_to(tmp_path / 'out').as_posix()}") == path.read_bytes()
