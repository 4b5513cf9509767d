from __future__ import annotations

from pathlib import Path

import pytest

from nlp.config import BasePlan, Recipe, load_plan, load_schema, schema_from_dict, schema_to_dict
from nlp.errors import RecipeError

GOOD = 'name = "x"\n[base]\npath = "b"\n[data]\npath = "d"\n'
BASE = 'name = "x"\n[base]\npath = "b"\n[pretrain]\ncorpus = ["a.txt", "b.txt"]\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "train.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + '[train]\nbatch_size = "32"\n', 'train.batch_size: expected int, got "32"'),
        (GOOD + "[train]\nbatchsize = 32\n", "train: batchsize: unknown key, expected one of epochs"),
        (GOOD + '[tokens]\nunit = "word"\n', "tokens.unit: expected one of 'character', 'piece', got \"word\""),
        (GOOD + "[train]\nlr = true\n", "train.lr: expected float, got True"),
        (GOOD + '[export]\nfiles = ["int8", "int4"]\n', "export.files[1]: expected one of"),
        ('name = "x"\n[data]\npath = "d"\n', "base: missing"),
        ("name = ", "train.toml:"),
        (GOOD + "[train]\nbatch_size = 0\n", "train.toml: train.batch_size: expected 1 or more, got 0"),
        (GOOD + "[train]\ndropout = 1.5\n", "train.dropout: expected 0 to 1, got 1.5"),
        (GOOD + "[tokens]\nmax_length = 64\n", "tokens.stride: expected 0 to 61, got 64"),
        (GOOD + "[train]\nvector_weight = 1.0\n", "train.vector_weight: 1 without a teacher"),
        (GOOD + "[export]\nfiles = []\n", "export.files: expected at least one of"),
        (BASE + "shares = [1.0]\n", "pretrain.shares: expected as many as corpus has files, 2, got 1"),
        (BASE + "max_length = 2\n", "pretrain.max_length: expected 8 or more, got 2"),
    ],
)
def test_errors_name_the_path(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_plan(write(tmp_path, text))
    assert message in str(caught.value)
    assert str(tmp_path / "train.toml") in str(caught.value)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such file"):
        load_plan(tmp_path / "none.toml")


def test_overrides_win_and_are_checked(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    plan = load_plan(path, ["train.lr=3e-5", "base.path=hfl/rbt3", "train.epochs=2"])
    assert isinstance(plan, Recipe)
    assert (plan.train.lr, plan.base.path, plan.train.epochs) == (3e-5, "hfl/rbt3", 2.0)
    with pytest.raises(RecipeError, match=r"train\.seed: expected int"):
        load_plan(path, ["train.seed=abc"])
    with pytest.raises(RecipeError, match=r"section\.key=value"):
        load_plan(path, ["train.seed"])
    with pytest.raises(RecipeError, match="is a value, not a section"):
        load_plan(path, ["name.x=1"])


def test_a_pretrain_section_makes_a_base_plan(tmp_path: Path) -> None:
    plan = load_plan(write(tmp_path, 'name = "b"\n[base]\npath = "x"\n[pretrain]\ncorpus = ["a.txt"]\n'))
    assert isinstance(plan, BasePlan)
    assert plan.pretrain.corpus == ("a.txt",)


@pytest.mark.parametrize("recipe", sorted((Path(__file__).parents[1] / "models").glob("*/*.toml")), ids=str)
def test_committed_recipes_are_valid(recipe: Path) -> None:
    assert load_plan(recipe).name == recipe.parent.name


def test_default_schema_survives_a_round_trip(root: Path) -> None:
    schema = load_schema(root / "datasets/policy_questions/schema.toml")
    assert len(schema.topics) == 15
    assert schema.out_of_scope() == "out_of_scope"
    assert "region:care" in schema.tags()
    assert schema_from_dict(schema_to_dict(schema), "labels.json") == schema


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "topics: missing"),
        ({"topics": {"a": {}}}, "topics.a: name: missing"),
        (
            {"topics": {"a": {"name": "甲"}}, "types": {"t": {"name": "乙", "value": "colour"}}},
            "types.t.value: expected one of",
        ),
        ({"topics": {"a": {"name": "甲"}}, "typos": {}}, "typos: unknown key"),
        ({"topics": ["a"]}, "topics: expected tables [topics.<id>], got ['a']"),
        (
            {"topics": {key: {"name": key, "out_of_scope": True} for key in "ab"}},
            "topics.b.out_of_scope: topics.a is out of scope already",
        ),
        ({"topics": {"a": {"name": "甲"}}, "types": {"t:r": {"name": "乙"}}}, "types.t:r: expected ids"),
    ],
)
def test_schema_errors(data: dict[str, object], message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        schema_from_dict(data, "schema.toml")
    assert message in str(caught.value)
