"""Figures of routing, from decisions made by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nlp.data.queries import read_queries
from nlp.errors import DataError, InputError
from nlp.evaluation.routing import RoutingReport, write_routing_report
from nlp.schema import Action, Analysis, Decision, Entry, Hit, Query, Reason, TopicScore


def decision(action: Action, reason: Reason, ids: str, probability: float) -> Decision:
    hits = tuple(Hit(Entry(name, f"{name}?", "…"), 0.5) for name in ids)
    return Decision(action, hits, probability, reason, "", Analysis("问", (TopicScore("x", 1.0),), ()))


REPORT = RoutingReport(
    [
        Query("甲", frozenset("a"), "paraphrase"),
        Query("乙", frozenset("bc"), "paraphrase"),
        Query("丙", frozenset("d"), "paraphrase"),
        Query("丁|\ud800", frozenset(), "no_answer"),
        Query("戊", frozenset(), "no_answer"),
    ],
    [
        decision("answer", "answered", "abc", 0.8),
        decision("suggest", "low_confidence", "xyb", 0.3),
        decision("answer", "answered", "x", 0.6),
        decision("handoff", "no_answer", "", 0.0),
        decision("answer", "answered", "a", 0.4),
    ],
)


def test_figures_count_what_was_found_and_what_was_done() -> None:
    found = REPORT.kinds["paraphrase"]
    assert (found.questions, found.recall_at_1, found.recall_at_5) == (3, pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert found.mrr == pytest.approx((1 + 1 / 3) / 3)
    assert (found.answered, found.answered_right, found.handed_off) == (pytest.approx(2 / 3), pytest.approx(1 / 3), 0)
    assert REPORT.kinds["no_answer"].handed_off == 0.5
    assert (REPORT.coverage, REPORT.precision) == (pytest.approx(2 / 3), pytest.approx(1 / 3))
    assert REPORT.auroc == pytest.approx(5 / 6), "of six pairs only (乙, 戊) is the wrong way round"
    assert REPORT.outcomes["paraphrase"] == {"answered": 2, "low_confidence": 1}


def test_risk_falls_with_probability() -> None:
    assert [(p.threshold, p.coverage, p.risk) for p in REPORT.risk][:2] == [(0.8, 0.2, 0.0), (0.6, 0.4, 0.5)]


def test_no_answers_and_one_kind_leave_figures_open() -> None:
    report = RoutingReport([Query("甲", frozenset("a"), "x")], [decision("suggest", "low_confidence", "a", 0.1)])
    assert (report.precision, report.auroc) == (None, None)
    assert report.to_dict()["precision"] is None


def test_the_report_holds_every_decision(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra `train` is not installed")
    write_routing_report(tmp_path / "report", REPORT)
    rows = json.loads((tmp_path / "report/routing.json").read_text(encoding="utf-8"))
    assert [row["right"] for row in rows["decisions"]] == [True, False, False, False, False]
    assert rows["decisions"][3]["query"] == "丁|\ud800"
    text = (tmp_path / "report/routing.md").read_text(encoding="utf-8")
    assert "| paraphrase | 2 | 1 |  |" in text
    assert (tmp_path / "report/routing.png").stat().st_size > 1_000


def test_queries_are_read_strictly(tmp_path: Path) -> None:
    file = tmp_path / "q.jsonl"
    file.write_text('{"query": "甲", "gold": ["a"]}\n{"query": "乙", "gold": [], "kind": "region"}\n', encoding="utf-8")
    assert [(q.text, q.kind, q.gold) for q in read_queries(file)] == [
        ("甲", "answerable", {"a"}),
        ("乙", "region", frozenset()),
    ]
    for row, problem in (
        ('{"gold": []}', "query"),
        ('{"query": "甲", "gold": "a"}', "gold"),
        ('{"query": "甲", "gold": [1]}', "gold"),
    ):
        file.write_text(row, encoding="utf-8")
        with pytest.raises(DataError, match=rf"q\.jsonl:1: {problem}: expected"):
            read_queries(file)
    file.write_text("\n", encoding="utf-8")
    with pytest.raises(InputError, match="no questions"):
        read_queries(file)
