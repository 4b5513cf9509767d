"""Labels of one's own, from the command line: a project that builds, topics learnt, labels renamed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

pytest.importorskip("datasketch", reason="the extra `train` is not installed")
pytest.importorskip("scipy", reason="the extra `train` is not installed")

from nlp.analyzer import Analyzer
from nlp.cli import app
from nlp.config import Recipe, load_plan
from nlp.errors import InputError, RecipeError

BUNDLE = Path(__file__).resolve().parents[1] / "models" / "policy"
SPLITS = ("train", "dev", "test")


def wenlu(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_a_project_builds_and_its_recipe_is_valid(tmp_path: Path) -> None:
    folder = tmp_path / "my_project"
    done = wenlu("init", folder)
    assert done.exit_code == 0, done.output
    assert not list(folder.rglob("*.py"))
    built = wenlu("data", "build", folder / "data")
    counts = json.loads(built.stdout)
    assert sum(counts.values()) == 20
    assert min(counts.values()) >= 2
    assert wenlu("data", "check", folder / "data").exit_code == 0
    rows = [json.loads(line) for line in (folder / "data/train.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {row["topic"] for row in rows} == {"library", "parking", "waste", "out_of_scope"}
    assert {e["type"] for row in rows for e in row["entities"]} == {"amount", "duration", "object"}
    plan = load_plan(folder / "model/train.toml")
    assert isinstance(plan, Recipe)
    assert (plan.name, plan.data.path) == ("my_project", f"{folder.as_posix()}/data")
    for path in folder.rglob("*.*"):
        assert path.suffix not in (".md", ".toml") or "{{" not in path.read_text(encoding="utf-8")


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for folder in (tmp_path, tmp_path / "file"):
        done = wenlu("init", folder)
        assert isinstance(done.exception, InputError)
        assert "is there already and not empty" in str(done.exception)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    done = wenlu("init", tmp_path / "file" / "x")
    assert "cannot be written: Not a directory" in str(done.exception)


def test_a_topic_is_learnt(tmp_path: Path) -> None:
    passport = ["护照丢了怎么补", "护照到期换新", "小孩办护照", "护照名字错了", "办护照几天能拿", "港澳通行证续签"]
    known = (
        (BUNDLE.parents[1] / "datasets" / "policy_questions" / "dev.jsonl")
        .read_text(encoding="utf-8")
        .splitlines(keepends=True)
    )
    new, old = tmp_path / "new.jsonl", tmp_path / "old.jsonl"
    new.write_text("".join(json.dumps({"text": t, "topic": "passport"}) + "\n" for t in passport), encoding="utf-8")
    old.write_text("".join(known[:200]), encoding="utf-8")
    told = ("--name", "passport=护照", "--about", "passport=办理、换发、签注")
    done = wenlu("learn", BUNDLE, new, "--known", old, "--output", tmp_path / "more", *told)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout.splitlines()[0])["topics"] == {"passport": 6}
    analyzer = Analyzer.from_pretrained(tmp_path / "more", threads=1)
    assert analyzer.labels.topic_name("passport") == "护照"
    assert analyzer.labels.topics[-1].description == "办理、换发、签注"
    wrong = wenlu("learn", BUNDLE, new, "--known", old, "--output", tmp_path / "x", "--about", "护照的办理")
    assert "--about '护照的办理': expected topic=text" in str(wrong.exception)
    missing = wenlu("learn", BUNDLE, new, "--known", tmp_path / "none", "--output", tmp_path / "x")
    assert "--known" in str(missing.exception)


def test_a_bundle_is_renamed_and_compared(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    rows = '[[topics]]\nold = ["labor_law"]\nnew = [{ id = "work", name = "工作" }]\n'
    more = '[[types]]\nold = ["date"]\nnew = [{ id = "day", name = "日期", value = "date" }]\n'
    plan.write_text(rows + more, encoding="utf-8")
    done = wenlu("schema", "migrate", BUNDLE, plan, "--output", tmp_path / "new")
    assert done.stdout == "- rename labor_law → work\n- rename date → day\n"
    trust = [
        json.loads((folder / "manifest.json").read_text())["calibration"]["trust"] for folder in (BUNDLE, tmp_path / "new")
    ]
    assert trust[1].pop("day") == trust[0].pop("date")
    assert trust[0] == trust[1]
    assert Analyzer.from_pretrained(tmp_path / "new", threads=1)("老板拖欠工资怎么办").topic == "work"
    gold = tmp_path / "gold.jsonl"
    gold.write_text(json.dumps({"id": "1", "text": "老板拖欠工资怎么办", "topic": "work"}) + "\n", encoding="utf-8")
    compared = wenlu("schema", "compare", BUNDLE, tmp_path / "new", plan, gold)
    assert "| F1 work | 1.0000 | 1.0000 | +0.0000 |" in compared.stdout
    plan.write_text('[[topics]]\nnew = [{ id = "more" }]\n', encoding="utf-8")
    refused = wenlu("schema", "migrate", BUNDLE, plan, "--output", tmp_path / "newer")
    assert isinstance(refused.exception, RecipeError)
    assert "can only be renamed" in str(refused.exception)


def test_a_data_set_is_migrated(tmp_path: Path) -> None:
    wenlu("init", tmp_path / "p")
    wenlu("data", "build", tmp_path / "p/data")
    plan = tmp_path / "plan.toml"
    plan.write_text('[[topics]]\nold = ["parking", "waste"]\nnew = [{ id = "street", name = "街道" }]\n', encoding="utf-8")
    done = wenlu("schema", "migrate", tmp_path / "p/data", plan, "--output", tmp_path / "new")
    assert "- merge parking + waste → street" in done.stdout
    assert "| street | 0 | 10 |" in done.stdout
    assert wenlu("data", "build", tmp_path / "new").exit_code == 0
    assert wenlu("data", "check", tmp_path / "new").exit_code == 0
    shutil.rmtree(tmp_path / "new")
    wrong = wenlu("schema", "migrate", tmp_path / "nothing", plan, "--output", tmp_path / "new")
    assert "neither a data set" in str(wrong.exception)
