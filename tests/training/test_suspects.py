from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("cleanlab", reason="the extra `train` is not installed")

from nlp.cli import app
from nlp.data.corpus import write_rows
from nlp.errors import InputError
from nlp.training.suspects import find_suspects

SCHEMA = '[topics.bus]\nname = "公交"\n[topics.water]\nname = "水费"\n'
BUS = ["公交车{}点末班", "坐{}路公交去哪站", "公交卡充{}元", "{}路车改线了吗", "等公交{}分钟没来"]
WATER = ["水费{}元怎么交", "自来水停{}小时", "水表走了{}吨", "水管漏水{}天没修", "一吨水{}元对吗"]


def data_set(folder: Path, wrong: bool = True) -> Path:
    folder.mkdir()
    (folder / "schema.toml").write_text(SCHEMA, encoding="utf-8")
    rows = []
    for number in range(8):
        for topic, forms in (("bus", BUS), ("water", WATER)):
            rows += [{"id": f"{topic}{number}{n}", "text": form.format(number), "topic": topic} for n, form in enumerate(forms)]
    if wrong:
        rows[3]["topic"] = "water"
    for split, part in (("train", rows[:60]), ("dev", rows[60:70]), ("test", rows[70:])):
        write_rows(folder / f"{split}.jsonl", part)
    return folder


def test_a_wrong_topic_comes_first(tmp_path: Path) -> None:
    folder = data_set(tmp_path / "d")
    suspects = find_suspects(folder)
    assert (suspects[0].line, suspects[0].example.topic, suspects[0].looks_like) == (4, "water", "bus")
    done = CliRunner().invoke(app, ["data", "suspects", str(folder), "--limit", "1"])
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f"{folder}/train.jsonl:4: topic water, looks like bus (0.")


def test_too_few_rows_of_a_topic(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "schema.toml").write_text(SCHEMA, encoding="utf-8")
    for split in ("train", "dev", "test"):
        write_rows(folder / f"{split}.jsonl", [{"id": split, "text": "公交车几点末班", "topic": "bus"}])
    with pytest.raises(InputError, match="'bus': expected two topics"):
        find_suspects(folder)
