from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("datasketch", reason="the extra `train` is not installed")
pytest.importorskip("sklearn", reason="the extra `train` is not installed")
pytest.importorskip("matplotlib", reason="the extra `train` is not installed")

from nlp.data.build import build
from nlp.data.check import check
from nlp.errors import InputError


def write(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n", encoding="utf-8")
    return path


def test_what_was_built_has_no_problems(questions: Path, answers: Path, pairs: Path) -> None:
    for folder, rows in ((questions, 6), (answers, 2), (pairs, 10)):
        build(folder)
        found = check(folder)
        assert (found.rows, found.problems) == (rows, []), folder


def test_all_problems_of_a_file_at_once(tmp_path: Path, questions: Path) -> None:
    rows = [
        {"id": "1", "text": "加班到十点没有加班费", "topic": "labour"},
        {"id": "2", "text": "加班到十点，没有加班费！", "topic": "labour"},
        {"id": "3", "text": "医保怎么交", "topic": "other"},
        {"id": "1", "text": "押金不退怎么办", "topic": "labour"},
        {"id": "5", "text": "试用期最长几个月", "topic": "labour", "entities": [{"start": 3, "end": 30, "type": "region"}]},
        {"id": "6", "text": "年终奖不发可以要吗", "topic": "labour"},
    ]
    path = write(tmp_path / "rows.jsonl", *rows)
    known = write(tmp_path / "known.jsonl", {"query": "年终奖不发，可以要吗？"})
    found = check(path, [known], questions / "schema.toml")
    places = [problem.removeprefix(str(path)).split(": ")[0:2] for problem in found.problems]
    assert places == [[":3", "topic"], [":4", "id"], [":5", "entities[0]"], [":2", "text"], [":6", "text"]]
    assert found.rows == 6


def test_texts_that_cross_splits_are_a_problem_and_near_ones_a_note(questions: Path) -> None:
    build(questions)
    long = "我在工地干了大半年活结果包工头跑了钱也没给找谁要"
    for name, text in (("train", long), ("dev", long[:-1]), ("test", "押金退不退"), ("test", "押金退不退呢")):
        with (questions / f"{name}.jsonl").open("a", encoding="utf-8") as file:
            row = {"id": text, "text": text, "topic": "labour", "group": text[:3]}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    problems = "\n".join(check(questions).problems)
    assert "in another split" in problems
    assert "group: '我在工' stands in another split too" in problems
    assert problems.count("changed since it was built") == 3


def test_sources_are_checked_line_by_line(questions: Path) -> None:
    build(questions)
    source = questions / "source" / "b.txt"
    source.write_text("#topic none\n{大连|xx}医保\n{大连|ri\n#topics a\n加班到晚上十点没有加班费合理吗\n", encoding="utf-8")
    problems = [problem.removeprefix(str(source)) for problem in check(questions).problems]
    assert [problem.split(": ")[0] for problem in problems] == [":2", ":3", ":4", ":5"]
    assert "stands twice" in problems[-1]


def test_a_block_that_nearly_belongs_to_the_archive_is_noted(answers: Path, pairs: Path) -> None:
    build(answers)
    build(pairs)
    with (pairs / "source" / "a.txt").open("a", encoding="utf-8") as file:
        file.write("\n@ 没有这条\n~ 换个说法\n\n@ 被拖欠工资去哪里投诉？\n~ 又一次\n\n@ 被拖欠工资去哪里投诉呢？\n~ 再一次\n")
    found = check(pairs)
    assert ["stands twice" in problem for problem in found.problems] == [True]
    (note,) = found.notes
    assert "'被拖欠工资去哪里投诉呢？' is no question of" in note


def test_what_cannot_be_checked(questions: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"wenlu data build"):
        check(questions)
    with pytest.raises(InputError, match="No such file"):
        check(tmp_path / "none.jsonl")
