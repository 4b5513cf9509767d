from __future__ import annotations

import json
from pathlib import Path

import pytest

from nlp.config import schema_to_dict
from nlp.errors import BundleError, InputError
from nlp.model.store import LABELS, MANIFEST, TOKENIZER, load_bundle, replace_folder, write_manifest, writing
from nlp.schema import EntityLabel, LabelSchema, TopicLabel

SCHEMA = LabelSchema((TopicLabel("t", "题"),), (EntityLabel("region", "地区", "", "region", ("care",)),))


def make(folder: Path) -> Path:
    with writing(folder) as scratch:
        (scratch / LABELS).write_text(json.dumps(schema_to_dict(SCHEMA)), encoding="utf-8")
        (scratch / TOKENIZER).write_text("{}", encoding="utf-8")
        write_manifest(scratch, {"name": "x"})
    return folder


def test_a_bundle_is_read_back(tmp_path: Path) -> None:
    bundle = load_bundle(make(tmp_path / "b"))
    assert bundle.labels == SCHEMA
    assert bundle.manifest["name"] == "x"


def test_one_changed_byte_is_noticed(tmp_path: Path) -> None:
    folder = make(tmp_path / "b")
    (folder / TOKENIZER).write_text("[]", encoding="utf-8")
    with pytest.raises(BundleError, match=r"tokenizer\.json: changed"):
        load_bundle(folder)


def test_missing_things_are_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"manifest\.json: no such file"):
        load_bundle(tmp_path)
    folder = make(tmp_path / "b")
    (folder / LABELS).unlink()
    with pytest.raises(BundleError, match=r"labels\.json: missing"):
        load_bundle(folder)
    with pytest.raises(BundleError, match=r"no onnx/model_int8\.onnx"):
        _ = load_bundle(make(tmp_path / "c")).network


@pytest.mark.parametrize(
    ("text", "message"), [("{", "not JSON"), ("[]", "expected a JSON object"), ('{"format": 99}', "format 99")]
)
def test_broken_manifests(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(BundleError, match=message):
        load_bundle(tmp_path)


def fail_while_writing(folder: Path) -> None:
    with writing(folder) as scratch:
        (scratch / LABELS).write_text("half", encoding="utf-8")
        raise ValueError("stop")


def test_an_error_while_writing_leaves_the_old_bundle(tmp_path: Path) -> None:
    folder = make(tmp_path / "b")
    (folder / "train.toml").write_text("# by hand", encoding="utf-8")
    with pytest.raises(ValueError, match="stop"):
        fail_while_writing(folder)
    assert load_bundle(folder).labels == SCHEMA
    assert [p.name for p in tmp_path.iterdir()] == ["b"]


@pytest.mark.parametrize("recipe", ["train.toml", "finish.toml"])
def test_recipes_are_carried_over(tmp_path: Path, recipe: str) -> None:
    folder = make(tmp_path / "b")
    (folder / recipe).write_text("# by hand", encoding="utf-8")
    assert (make(folder) / recipe).read_text(encoding="utf-8") == "# by hand"


def test_a_folder_of_other_things_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match=r"holds rows\.jsonl, which is no part of a bundle"):
        make(tmp_path)
    assert (tmp_path / "rows.jsonl").exists()


def test_the_old_bundle_comes_back_when_the_new_one_cannot_take_its_place(tmp_path: Path) -> None:
    folder = make(tmp_path / "b")
    with pytest.raises(FileNotFoundError):
        replace_folder(tmp_path / "missing", folder)
    assert load_bundle(folder).labels == SCHEMA


def test_the_folder_one_stands_in_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with writing(Path()) as scratch:
        (scratch / "config.json").write_text("{}", encoding="utf-8")
    assert (tmp_path / "here" / "config.json").exists()
