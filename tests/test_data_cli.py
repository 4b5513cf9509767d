from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("datasketch", reason="the extra `train` is not installed")
pytest.importorskip("matplotlib", reason="the extra `train` is not installed")

from nlp.cli import app

PLAN = 'title = "T"\ndescription = "D"\nlicence = "L"\norigin = "O"\n'


def test_build_check_and_stats(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "dataset.toml").write_text(PLAN, encoding="utf-8")
    entry = {"question": "被拖欠工资去哪里投诉？", "answer": "到劳动监察大队。", "topic": "labour", "regions": ["national"]}
    source = tmp_path / "source" / "a.jsonl"
    source.write_text(json.dumps(entry, ensure_ascii=False), encoding="utf-8")
    run = CliRunner()
    built = run.invoke(app, ["data", "build", str(tmp_path)])
    assert (built.exit_code, json.loads(built.stdout)) == (0, {"entries": 1})
    assert run.invoke(app, ["data", "check", str(tmp_path)]).exit_code == 0
    assert run.invoke(app, ["data", "stats", str(tmp_path)]).stdout.startswith("## topic × level of the rule")
    assert "place" in json.loads(run.invoke(app, ["data", "stats", str(tmp_path), "--json"]).stdout)["tables"]
    source.write_text('{"question": "问"}', encoding="utf-8")
    checked = run.invoke(app, ["data", "check", str(tmp_path)])
    assert checked.exit_code == 2
    assert checked.stdout.startswith(f"{source}:1: answer: ")
