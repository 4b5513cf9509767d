from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from nlp.evaluation.acceptance import Target, fit_thresholds
from nlp.evaluation.bootstrap import differences
from nlp.evaluation.metrics import evaluate
from nlp.evaluation.report import Candidate, Evaluation, write_report
from nlp.schema import Analysis, Entity, EntityLabel, Example, LabelSchema, TopicLabel, TopicScore

pytest.importorskip("matplotlib", reason="the extra `train` is not installed")

LABELS = LabelSchema(
    (TopicLabel("bills", "水电费"), TopicLabel("roads", "道路"), TopicLabel("other", "其他", "", True)),
    (EntityLabel("street", "街道"), EntityLabel("sum", "金额", "", "amount")),
)
HISTORY = [{"epoch": float(n), "eval_score": 0.5 + n / 20, "eval_span_f1": 0.4 + n / 20} for n in range(1, 5)]


def _scores(topic: str, probability: float) -> tuple[TopicScore, ...]:
    others = [TopicScore(t, (1 - probability) / 2) for t in LABELS.topic_ids() if t != topic]
    return (TopicScore(topic, probability), *others)


def _example(n: int) -> Example:
    topic = LABELS.topic_ids()[n % 3]
    return Example(
        str(n), "中山路*的*水费\n三百|元\ud800", topic, (), (Entity(0, 3, "street"), Entity(8, 12, "sum")), register="short"
    )


GOLD = [_example(n) for n in range(180)]


def _predicted(every: int) -> list[Analysis]:
    """Wrong at every so many rows, with a low probability."""
    wrong = [n % every == 0 for n in range(len(GOLD))]
    return [
        Analysis(g.text, _scores("roads" if w else g.topic or "", 0.55 if w else 0.95), g.entities[: 1 if w else 2])
        for g, w in zip(GOLD, wrong, strict=True)
    ]


def _evaluation() -> Evaluation:
    predicted = _predicted(4)
    fit = fit_thresholds(GOLD, predicted, "other", Target())
    model = Candidate("mine", predicted, evaluate(GOLD, predicted, "other"))
    return Evaluation("gold.jsonl", GOLD, LABELS, model, None, (), fit.thresholds, fit.target, fit, HISTORY)


def test_a_whole_report(tmp_path: Path) -> None:
    others = _predicted(2)
    rival = Candidate("a|b", others, evaluate(GOLD, others, "other"))
    whole = replace(_evaluation(), rival=rival, differences=differences(GOLD, _evaluation().model.predicted, others, "other"))
    write_report(tmp_path / "new" / "report", whole)
    folder = tmp_path / "new" / "report"
    names = {"confusions", "confidences", "reliability", "risk", "types", "history"}
    assert {p.name for p in folder.glob("*.png")} == {f"{name}.png" for name in names}
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert all(f"]({name}.png)" in text for name in names)
    assert "{中山路|street}\\*的\\*水费 三百|元" in text
    assert "a\\|b" in text
    assert "**-0." in text
    data = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert data["topic_accuracy"] == whole.model.report.to_dict()["topic_accuracy"]
    assert data["acceptance"]["errors"] == 0
    assert len(data["topic_mistakes"]) == len([n for n in range(0, 180, 4) if n % 3 != 1])
    assert data["against"]["name"] == "a|b"
    assert {part["kind"] for part in data["slices"]} == {"length", "register", "entities", "region level"}


def test_pictures_of_an_older_report_go_and_other_files_stay(tmp_path: Path) -> None:
    write_report(tmp_path, _evaluation())
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    write_report(tmp_path, replace(_evaluation(), history=()))
    assert not (tmp_path / "history.png").exists()
    assert "history.png" not in (tmp_path / "report.md").read_text(encoding="utf-8")
    assert (tmp_path / "notes.txt").exists()


def test_rows_without_topics_have_no_topic_sections(tmp_path: Path) -> None:
    gold = [replace(g, topic=None) for g in GOLD[:5]]
    predicted = _predicted(4)[:5]
    write_report(tmp_path, Evaluation("g", gold, LABELS, Candidate("m", predicted, evaluate(gold, predicted, "other"))))
    assert [p.name for p in tmp_path.glob("*.png")] == ["types.png"]
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "## Topics" not in text
    assert "## Entities" in text


def test_no_rows_at_all(tmp_path: Path) -> None:
    write_report(tmp_path, Evaluation("g", [], LABELS, Candidate("m", [], evaluate([], [], "other"))))
    assert not list(tmp_path.glob("*.png"))
