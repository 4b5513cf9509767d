"""Labels added, renamed, merged and split: rows, schema, marked text and tags follow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("datasketch", reason="the extra `train` is not installed")
pytest.importorskip("matplotlib", reason="the extra `train` is not installed")

from nlp.config import load_schema
from nlp.data.build import build
from nlp.data.corpus import read_examples
from nlp.data.migration import load_migration
from nlp.data.plan import SPLITS
from nlp.data.relabel import relabel, schema_toml
from nlp.errors import DataError, InputError, RecipeError
from nlp.schema import Example

PLAN = """
[[topics]]
old = ["medical"]
new = [{ id = "health", name = "健康" }]
[[topics]]
old = ["labour"]
new = [{ id = "wages", name = "工资" }, { id = "hours", name = "工时" }]
[[topics]]
new = [{ id = "housing", name = "住房" }]
[[types]]
old = ["insurance"]
new = [{ id = "medicare", name = "医疗险" }, { id = "commercial", name = "商业险" }]
"""


def rows_of(folder: Path) -> dict[str, Example]:
    schema = load_schema(folder / "schema.toml")
    return {e.id: e for split in SPLITS for e in read_examples(folder / f"{split}.jsonl", schema)}


def plan_file(folder: Path, text: str = PLAN) -> Path:
    (folder / "plan.toml").write_text(text, encoding="utf-8")
    return folder / "plan.toml"


def test_rows_keep_ids_and_get_new_labels(questions: Path, tmp_path: Path) -> None:
    build(questions)
    done = relabel(questions, plan_file(tmp_path), tmp_path / "new")
    old, new = rows_of(questions), rows_of(tmp_path / "new")
    assert old.keys() == new.keys()
    assert {e.topic for e in new.values()} == {"health", "wages"}
    assert all([e.start for e in old[i].entities] == [e.start for e in new[i].entities] for i in old)
    assert {e.type for r in new.values() for e in r.entities} == {"region", "medicare", "amount"}
    assert done.topics[1] == {"health": 4, "wages": 2}
    assert "split labour → wages + hours" in done.report()
    assert load_schema(tmp_path / "new/schema.toml").topic_ids() == ("health", "wages", "hours", "housing")


def test_marked_text_builds_to_the_same_rows(questions: Path, tmp_path: Path) -> None:
    build(questions)
    relabel(questions, plan_file(tmp_path), tmp_path / "new")
    migrated = rows_of(tmp_path / "new")
    build(tmp_path / "new")
    assert rows_of(tmp_path / "new") == migrated


def test_a_review_decides_split_rows(questions: Path, tmp_path: Path) -> None:
    build(questions)
    plan = plan_file(tmp_path)
    done = relabel(questions, plan, tmp_path / "new")
    path = tmp_path / "new/review.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert done.review == len(rows) == 5
    for row in rows:
        if "加班" in row["text"]:
            row["topic"] = "hours"
        for entity in row.get("entities", []):
            entity["type"] = "commercial"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    again = relabel(questions, plan, tmp_path / "newer", path)
    assert again.review == 0
    build(tmp_path / "newer")
    texts = {e.text: e for e in rows_of(tmp_path / "newer").values()}
    assert texts["加班到晚上十点没有加班费合理吗"].topic == "hours"
    assert "commercial" in {e.type for e in texts["大连医保断了两个月还能补吗"].entities}
    path.write_text(json.dumps({**rows[0], "topic": "weather"}), encoding="utf-8")
    with pytest.raises(DataError, match="topic: unknown 'weather'"):
        relabel(questions, plan, tmp_path / "newest", path)


def test_merged_types_share_roles(questions: Path, tmp_path: Path) -> None:
    build(questions)
    plan = plan_file(tmp_path, '[[types]]\nold = ["insurance", "region"]\nnew = [{ id = "thing", name = "物" }]')
    relabel(questions, plan, tmp_path / "new")
    label = load_schema(tmp_path / "new/schema.toml").type("thing")
    assert label is not None
    assert (label.value, label.roles) == (None, ("insured", "work"))
    assert load_schema(questions / "schema.toml").type("region") is not None


def test_a_schema_is_written_as_it_is_read(questions: Path) -> None:
    schema = load_schema(questions / "schema.toml")
    path = questions / "again.toml"
    path.write_text(schema_toml(schema), encoding="utf-8")
    assert load_schema(path) == schema


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ('[[topics]]\nold = ["x"]\nnew = [{ id = "y" }]', "topics: 'x': unknown"),
        ('[[topics]]\nold = ["medical"]\nnew = []', "expected none or more old labels for one new"),
        ('[[topics]]\nold = ["medical"]\nnew = [{ id = "labour" }]', "'labour': there would be two"),
        ('[[topics]]\nold = ["medical", "medical"]\nnew = [{ id = "y" }]', "is changed 2 times"),
        ('[[types]]\nnew = [{ id = "y", value = "z" }]', "y: value: expected one of"),
        ('[[topic]]\nnew = [{ id = "y" }]', "topic: unknown key"),
    ],
)
def test_a_wrong_plan_is_refused(questions: Path, plan: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_migration(plan_file(questions, plan), load_schema(questions / "schema.toml"))


def test_nothing_is_overwritten(questions: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not empty"):
        relabel(questions, plan_file(tmp_path), questions)


def test_tags_stay_in_their_table(questions: Path, tmp_path: Path) -> None:
    settings = questions / "dataset.toml"
    text = settings.read_text(encoding="utf-8").replace('i = "insurance"', "'i' = 'insurance'  # named by law")
    settings.write_text(text + '\n[augment]\nextra = "no tag"\n', encoding="utf-8")
    relabel(questions, plan_file(tmp_path), tmp_path / "new")
    written = (tmp_path / "new/dataset.toml").read_text(encoding="utf-8")
    assert 'i = "medicare"  # named by law\n' in written
    assert written.index('"commercial"') < written.index("[augment]")
    assert written.endswith('[augment]\nextra = "no tag"\n')
