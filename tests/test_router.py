"""Decisions over a small archive, with an analyzer that knows characters, places and one topic."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from nlp.archive import build_index
from nlp.audit import AuditLog, AuditRecord, find_records
from nlp.errors import ArchiveError
from nlp.retrieval.certainty import Certainty
from nlp.retrieval.index import AnswerIndex
from nlp.retrieval.rank import Ranker
from nlp.router import Router, Thresholds
from nlp.schema import NATIONAL, Analysis, Entry, LabelSchema, TopicLabel, TopicScore
from nlp.text.normalize import normalize
from nlp.text.regions import find_regions
from nlp.view import show_decision

ENTRIES = [
    Entry("hz-card", "杭州社保卡丢了怎么补办？", "带身份证到杭州任一网点补卡。", "social", ("330100",)),
    Entry("gz-pool", "广州积分入户要多少分？", "满一百五十分可以申请。", "civil", ("440100",)),
    Entry("hz-elder", "高龄津贴每月发多少？", "杭州八十岁以上每月发一百元。", "subsidy", ("330100",)),
    Entry("gz-elder", "高龄津贴每月发多少钱？", "广州七十岁以上每月发五十元。", "subsidy", ("440100",)),
    Entry("law", "法定节假日加班工资怎么算？", "不低于百分之三百。", "labor", (NATIONAL,)),
    Entry("bj-chaoyang", "朝阳区幼儿园怎么报名？", "在网上报名。", "civil", ("110105",)),
]
WEIGHTS = Ranker({"coverage": 12.0, "rule_disjoint": -9.0, "rule_unstated": -1.0}, -5.0)


class Characters:
    """Out of scope is what speaks of the weather."""

    labels = LabelSchema((TopicLabel("all", "所有"), TopicLabel("weather", "天气", out_of_scope=True)), ())
    fingerprint = "characters"

    def __init__(self, router: Mapping[str, Any] | None = None) -> None:
        self.router = router or {}

    def __call__(self, text: str, /) -> Analysis:
        outside = 0.9 if "下雨" in text else 0.05
        topics = sorted([TopicScore("all", 1 - outside), TopicScore("weather", outside)], key=lambda t: -t.probability)
        vector = np.zeros(64, np.float32)
        for character in text:
            vector[ord(character) % 64] += 1
        return Analysis(text, tuple(topics), tuple(find_regions(normalize(text))), vector)

    def pipe(self, texts: Iterable[str], *, entities: bool = True) -> Iterator[Analysis]:
        return map(self, texts)


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Router:
    analyzer = Characters()
    index = build_index(tmp_path_factory.mktemp("router") / "index", ENTRIES, analyzer)  # type: ignore[arg-type]
    return Router(analyzer, index, WEIGHTS, today=date(2026, 1, 1))


@pytest.mark.parametrize(
    ("question", "action", "reason"),
    [
        ("杭州社保卡丢了怎么补办", "answer", "answered"),
        ("法定节假日加班工资怎么算", "answer", "answered"),
        ("明天杭州会不会下雨", "handoff", "out_of_scope"),
        ("无人机飞行执照考几科", "handoff", "no_answer"),
        ("成都积分入户要多少分", "handoff", "no_answer_for_region"),
        ("高龄津贴每月发多少", "handoff", "needs_region"),
        ("朝阳幼儿园怎么报名", "handoff", "ambiguous_region"),
        ("  ", "handoff", "no_answer"),
        ("", "handoff", "no_answer"),
    ],
)
def test_reasons(router: Router, question: str, action: str, reason: str) -> None:
    decision = router(question)
    assert (decision.action, decision.reason) == (action, reason)
    assert decision.message
    assert decision.message[-1] in "。？"


def test_the_answer_is_that_of_the_place(router: Router) -> None:
    assert router("广州高龄津贴每月发多少").answers[0].entry.id == "gz-elder"
    assert router("杭州高龄津贴每月发多少").answers[0].entry.id == "hz-elder"


def test_courtesies_do_not_count(router: Router) -> None:
    plain, polite = (
        router("杭州社保卡丢了怎么补办？"),
        router("尊敬的杭州市领导您好，我想咨询一下，社保卡丢了怎么补办？盼复，谢谢！"),
    )
    assert polite.answers[0].entry.id == plain.answers[0].entry.id == "hz-card"
    assert polite.action == "answer", "the place is that of the greeting"
    assert polite.analysis.text.endswith("谢谢！")
    coverage = [decision.answers[0].features["coverage"] for decision in (plain, polite)]
    assert coverage[1] > 0.6 * coverage[0]


def test_messages_name_the_places(router: Router) -> None:
    assert "广东省广州市" in router("成都积分入户要多少分").message
    assert "四川省成都市" in router("成都积分入户要多少分").message
    message = router("高龄津贴每月发多少").message
    assert "浙江省杭州市" in message
    assert "广东省广州市" in message
    message = router("朝阳幼儿园怎么报名").message
    assert "辽宁省朝阳市" in message
    assert "北京市朝阳区" in message


def test_what_an_entry_is_worth_does_not_depend_on_the_gate(router: Router) -> None:
    for question, action in (("杭州社保卡丢了怎么补办", "answer"), ("杭州社保卡丢了怎么补办，下雨", "handoff")):
        decision = router(question)
        assert decision.action == action
        assert decision.probability == router.ranker.certainty(router.rank(router.analyzer(question))) > 0


def test_between_the_thresholds_it_suggests(router: Router) -> None:
    cautious = Router(router.analyzer, router.index, WEIGHTS, Thresholds(answer=0.9999, suggest=0.01))
    decision = cautious("杭州社保卡丢了怎么补办")
    assert (decision.action, decision.reason) == ("suggest", "low_confidence")
    assert decision.to_dict()["answers"][0]["id"] == "hz-card"


def test_the_rule_of_another_place_is_no_answer_however_certain(router: Router) -> None:
    certain = Router(router.analyzer, router.index, replace(WEIGHTS, of_list=Certainty({}, 9.0)), today=date(2026, 1, 1))
    decision = certain("成都积分入户要多少分")
    assert (decision.action, decision.reason, decision.probability) == ("handoff", "no_answer_for_region", 0.0)
    assert certain("广州积分入户要多少分").action == "answer"


def test_an_entry_is_answered_for_its_probability_and_suggested_for_its_score(router: Router) -> None:
    for bias, action in ((-9.0, "suggest"), (9.0, "answer")):
        weights = replace(WEIGHTS, of_list=Certainty({}, bias))
        decision = Router(router.analyzer, router.index, weights, today=date(2026, 1, 1))("杭州社保卡丢了怎么补办")
        assert decision.action == action
        assert decision.answers[0].score == router("杭州社保卡丢了怎么补办").answers[0].score
        assert decision.to_dict()["probability"] == pytest.approx(Certainty({}, bias).probability({}), abs=1e-3)


def test_an_answer_need_not_be_worth_a_suggestion(router: Router) -> None:
    weights, limits = replace(WEIGHTS, of_list=Certainty({}, 9.0)), Thresholds(suggest=1.0)
    assert Router(router.analyzer, router.index, weights, limits)("杭州社保卡丢了怎么补办").action == "answer"


def test_an_empty_archive_has_no_answer_whatever_the_thresholds(tmp_path: Path) -> None:
    analyzer = Characters()
    index = build_index(tmp_path / "index", ENTRIES[:1], analyzer).remove([ENTRIES[0].id])  # type: ignore[arg-type]
    decision = Router(analyzer, index, WEIGHTS, Thresholds(answer=0.0, suggest=0.0))("杭州社保卡丢了怎么补办")
    assert (decision.action, decision.reason) == ("handoff", "no_answer")


@pytest.mark.parametrize("text", ["\ud800社保卡\x00", "社" * 100_000, "' OR 1=1 --", "🙂‍↔️"])
def test_any_question_is_decided(router: Router, text: str) -> None:
    assert router(text).action in ("answer", "suggest", "handoff")


def test_thresholds_come_from_the_index(router: Router, tmp_path: Path) -> None:
    fitted = {"thresholds": Thresholds(answer=0.8).to_dict(), "ranker": WEIGHTS.to_dict()}
    index = build_index(tmp_path / "index", ENTRIES, Characters(fitted))  # type: ignore[arg-type]
    router = Router(Characters(), AnswerIndex.open(index.path))
    assert router.thresholds == Thresholds(answer=0.8)
    assert router.ranker == WEIGHTS


@pytest.mark.parametrize("data", [{"answers": 0.5}, {"answer": 1.5}])
def test_bad_thresholds_are_refused(data: dict[str, float]) -> None:
    with pytest.raises(ArchiveError):
        Thresholds.from_dict(data)


def test_entries_without_topic_get_the_predicted_one(tmp_path: Path) -> None:
    index = build_index(tmp_path / "index", [Entry("a", "社保卡", "补办")], Characters())  # type: ignore[arg-type]
    assert index.entries()[0].topic == "all"


def test_decisions_are_recorded(router: Router, tmp_path: Path) -> None:
    audited = Router(router.analyzer, router.index, WEIGHTS, today=date(2026, 1, 1), audit=AuditLog(tmp_path / "audit.jsonl"))
    questions = ["杭州社保卡丢了怎么补办，我电话13900001111", "明天杭州会不会下雨", ""]
    decisions = [audited(question) for question in questions]
    records = [record for record in find_records(tmp_path / "audit.jsonl") if isinstance(record, AuditRecord)]
    assert [record.id for record in records] == [decision.id for decision in decisions]
    assert [record.reason for record in records] == [decision.reason for decision in decisions]
    assert "1390000" not in (tmp_path / "audit.jsonl").read_text(encoding="utf-8")
    assert {record.index for record in records} == {router.index.version}
    assert {record.model for record in records} == {"characters"}
    assert decisions[0].to_dict()["decision"] == records[0].id
    assert "decision" not in router("社保卡").to_dict()


def test_a_person_sees_the_sentence_beside_the_answer(router: Router) -> None:
    console = Console(width=200, file=io.StringIO())
    for question in ("杭州社保卡丢了怎么补办", "法定节假日加班工资怎么算", "成都积分入户要多少分"):
        decision = router(question)
        with console.capture() as shown:
            console.print(show_decision(decision, router.analyzer.labels))
        assert decision.message in shown.get()
