"""Records of decisions: what they hold, what they must not hold, and how they are found again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nlp.audit import AuditLog, AuditRecord, find_records
from nlp.cli import app
from nlp.errors import DataError, InputError
from nlp.schema import Action, Analysis, Decision, Entry, Hit, Reason, TopicScore

HITS = (Hit(Entry("one", "问一", "答一"), 0.91234), Hit(Entry("two", "问二", "答二"), 0.2))


def decide(text: str, action: Action = "answer", reason: Reason = "answered") -> Decision:
    return Decision(action, HITS, 0.75, reason, "找到了。", Analysis(text, (TopicScore("civil", 0.8),), ()))


def write(path: Path, *decisions: Decision) -> list[str]:
    log = AuditLog(path)
    return [log.record(d, thresholds={"answer": 0.5}, model="m", index="entries-1@3") for d in decisions]


def records(path: Path, **wanted: str) -> list[AuditRecord]:
    return [record for record in find_records(path, **wanted) if isinstance(record, AuditRecord)]  # type: ignore[arg-type]


def test_a_record_says_what_was_decided_and_on_what_ground(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    (name,) = write(path, decide("社保卡怎么办"))
    (record,) = records(path)
    assert record.id == name
    assert (record.question, record.topic, record.action, record.reason) == ("社保卡怎么办", "civil", "answer", "answered")
    assert (record.answer, record.probability) == ("one", 0.75)
    assert record.scores == (("one", 0.9123), ("two", 0.2))
    assert (record.thresholds, record.model, record.index) == ({"answer": 0.5}, "m", "entries-1@3")
    assert AuditRecord.from_dict(record.to_dict()) == record
    older = {**record.to_dict(), "probability": 0.9123, "certainty": 0.75}
    assert AuditRecord.from_dict(older) == record


def test_personal_data_are_not_recorded(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    write(path, decide("我电话13900001111，身份证11010519491231002X，住复兴路18号3栋2单元"))
    text = path.read_text(encoding="utf-8")
    assert not [secret for secret in ("1390000", "110105", "18号") if secret in text]
    assert records(path)[0].question == "我电话【电话号码】，身份证【身份证号】，住【住址】"


def test_records_are_found(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    write(path, decide("甲"), decide("乙", "handoff", "no_answer"), decide("丙", "handoff", "out_of_scope"))
    day = records(path)[0].time[:10]
    assert [r.question for r in records(path, action="handoff")] == ["乙", "丙"]
    assert [r.question for r in records(path, reason="no_answer")] == ["乙"]
    assert [r.question for r in records(path, contains="丙")] == ["丙"]
    assert records(path, reason="no_answer")[0].answer is None
    assert len(records(path, since=day, until=day)) == 3
    assert len(records(path, since=day[:4])) == 3
    assert records(path, until="2020-12") == []
    assert records(path, since="2999") == []


@pytest.mark.parametrize(
    "time", ["gestern", "2026-13", "2026-11-22T25", "2026-11-22T08:30:00.000000000", "2026-11-22 08", "2026-W47-7"]
)
def test_a_time_that_is_none_is_refused(tmp_path: Path, time: str) -> None:
    write(tmp_path / "audit.jsonl", decide("甲"))
    with pytest.raises(InputError, match="since"):
        list(find_records(tmp_path / "audit.jsonl", since=time))


def test_an_action_or_reason_that_is_none_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "audit.jsonl", decide("甲"))
    with pytest.raises(InputError, match="action: expected one of answer, suggest, handoff, got 'answered'"):
        list(find_records(tmp_path / "audit.jsonl", action="answered"))
    with pytest.raises(InputError, match=r"reason: expected one of answered, .*, got 'no_anwser'"):
        list(find_records(tmp_path / "audit.jsonl", reason="no_anwser"))


def test_broken_lines_are_told_and_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    write(path, decide("甲"))
    with path.open("a") as file:
        file.write('{"time": 5}\n[]\nnothing\n')
    write(path, decide("乙"))
    found = list(find_records(path))
    assert [isinstance(item, DataError) for item in found] == [False, True, True, True, False]


def test_the_command(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    write(path, decide("甲"), decide("乙", "handoff", "no_answer"))
    done = CliRunner().invoke(app, ["audit", str(path), "--action", "handoff", "--json"])
    assert [json.loads(line)["question"] for line in done.stdout.splitlines()] == ["乙"]
    table = CliRunner().invoke(app, ["audit", str(path), "--pretty"]).stdout
    assert "no_answer" in table


def test_the_table_shows_questions_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    write(path, decide("工伤[/急]怎么认定"))
    done = CliRunner().invoke(app, ["audit", str(path), "--pretty"])
    assert "工伤[/急]怎么认定" in done.stdout
    with path.open("a") as file:
        file.write("\n" + json.dumps({**records(path)[0].to_dict(), "probability": "viel"}) + "\n")
    (_, broken) = find_records(path)
    assert isinstance(broken, DataError)
    assert broken.line == 3


def test_the_lines_hold_on_a_narrow_terminal(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    (name,) = write(path, decide("社保卡丢了" * 20, "handoff", "no_answer_for_region"))
    shown = CliRunner(env={"COLUMNS": "60"}).invoke(app, ["audit", str(path), "--pretty"]).stdout.splitlines()
    assert len(shown) == 2
    assert f"{name}  handoff  no_answer_for_region  0.75" in shown[0]
    assert shown[1].strip() == "社保卡丢了" * 20
