"""Corrections: stored without personal data, and turned into rows that training reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nlp.cli import app
from nlp.data.corpus import read_examples
from nlp.data.pairs import read_pairs
from nlp.errors import DataError, InputError
from nlp.feedback import Correction, FeedbackLog, read_corrections, training_rows
from nlp.schema import Entry

ENTRIES = {
    entry.id: entry
    for entry in (
        Entry("hz", "杭州居住证怎么办？", "答", "civil_affairs", ("330100",)),
        Entry("gz", "广州居住证怎么办？", "答", "civil_affairs", ("440100",)),
        Entry("lost", "杭州居住证丢了怎么补？", "答", "civil_affairs", ("330100",)),
        Entry("pay", "拖欠工资找谁？", "答", "labor_law"),
    )
}


def test_corrections_come_back_without_personal_data(tmp_path: Path) -> None:
    log = FeedbackLog(tmp_path / "feedback.jsonl")
    log.store(Correction("我13900001111办居住证", entry="hz", wrong="gz", comment="打13900001111", decision="d1"))
    (back,) = read_corrections(tmp_path / "feedback.jsonl")
    assert isinstance(back, Correction)
    assert (back.question, back.comment) == ("我【电话号码】办居住证", "打【电话号码】")
    assert (back.entry, back.wrong, back.decision, len(back.time)) == ("hz", "gz", "d1", 25)


@pytest.mark.parametrize(
    "correction", [Correction(" ", topic="civil_affairs"), Correction("问"), Correction("问", entry="hz", wrong="hz")]
)
def test_what_corrects_nothing_is_refused(tmp_path: Path, correction: Correction) -> None:
    with pytest.raises(InputError):
        FeedbackLog(tmp_path / "feedback.jsonl").store(correction)
    assert not (tmp_path / "feedback.jsonl").exists()


def test_broken_lines_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "feedback.jsonl"
    path.write_text('{"question": "问", "topic": "t"}\n{"question": 1}\n{"question": "问", "other": "x"}\n{\n')
    assert [isinstance(item, DataError) for item in read_corrections(path)] == [False, True, True, True]


@pytest.mark.parametrize(
    ("question", "entry", "wrong", "kind"),
    [
        ("居住证在杭州如何申领", "hz", "gz", "region"),
        ("居住证如何申领", "hz", "gz", "region"),
        ("居住证在杭州如何申领", "hz", "lost", "policy"),
        ("居住证在杭州如何申领", "hz", "pay", "topic"),
        ("居住证在杭州如何申领", "", "gz", "region"),
        ("居住证如何申领", "", "gz", "policy"),
    ],
)
def test_a_wrong_entry_is_a_negative_of_its_kind(question: str, entry: str, wrong: str, kind: str) -> None:
    rows = training_rows([Correction(question, entry=entry, wrong=wrong)], ENTRIES)
    assert [(pair.entry, pair.label, pair.kind) for pair in rows.pairs if not pair.label] == [(wrong, 0, kind)]
    assert [pair.entry for pair in rows.pairs if pair.label] == ([entry] if entry else [])


def test_the_latest_correction_counts() -> None:
    first = Correction("居住证如何申领", topic="labor_law", wrong="hz")
    second = Correction("居住证如何申领", topic="civil_affairs", entry="hz")
    rows = training_rows([first, second], ENTRIES)
    assert [example.topic for example in rows.examples] == ["civil_affairs"]
    assert [(pair.entry, pair.label, pair.kind) for pair in rows.pairs] == [("hz", 1, "answer")]


def test_unknown_names_are_told() -> None:
    rows = training_rows([Correction("问", topic="tax", entry="nobody")], ENTRIES, ["civil_affairs"])
    assert (rows.examples, rows.pairs) == ((), ())
    assert "'tax'" in rows.problems[0]
    assert "'nobody'" in rows.problems[1]


def test_the_commands(tmp_path: Path) -> None:
    run = CliRunner().invoke
    store, archive, out = (str(tmp_path / name) for name in ("feedback.jsonl", "archive.jsonl", "rows"))
    lines = [json.dumps(entry.to_dict(), ensure_ascii=False) + "\n" for entry in ENTRIES.values()]
    Path(archive).write_text("".join(lines), encoding="utf-8")
    assert run(app, ["feedback", "居住证如何申领", "-o", store, "--entry", "hz", "--topic", "civil_affairs"]).exit_code == 0
    assert run(app, ["feedback", "居住证如何申领", "-o", store, "--wrong", "gz"]).exit_code == 0
    done = run(app, ["data", "from-feedback", store, "--archive", archive, "--output", out])
    assert json.loads(done.stdout) == {"corrections": 2, "examples": 1, "pairs": 2}
    assert [example.topic for example in read_examples(Path(out) / "examples.jsonl")] == ["civil_affairs"]
    assert [pair.label for pair in read_pairs(Path(out) / "pairs.jsonl")] == [1, 0]
