"""Ranker and thresholds learnt from judged questions over a small archive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nlp.archive import build_index
from nlp.data.pairs import Pair
from nlp.errors import InputError
from nlp.fitting import fit_router
from nlp.retrieval.index import AnswerIndex
from nlp.retrieval.rank import Ranker
from nlp.router import Thresholds
from nlp.schema import NATIONAL, Analysis, Entry, Example, LabelSchema, TopicLabel, TopicScore

THINGS = ["社保卡", "居住证", "公积金", "低保", "加班费", "病假", "产假", "工伤", "失业金", "养老金"]
DEEDS = ["怎么办理", "多久到账"]
ENTRIES = [Entry(f"{n}{m}", t + d, f"{t}的答案", "all", (NATIONAL,)) for n, t in enumerate(THINGS) for m, d in enumerate(DEEDS)]


class Characters:
    labels = LabelSchema((TopicLabel("all", "所有"), TopicLabel("weather", "天气", out_of_scope=True)), ())
    fingerprint = "characters"
    router: Mapping[str, Any] = {}

    def __call__(self, text: str, /) -> Analysis:
        vector = np.zeros(64, np.float32)
        for character in text:
            vector[ord(character) % 64] += 1
        return Analysis(text, (TopicScore("all", 0.9), TopicScore("weather", 0.1)), (), vector)

    def pipe(self, texts: Iterable[str], *, entities: bool = True) -> Iterator[Analysis]:
        return map(self, texts)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> AnswerIndex:
    return build_index(tmp_path_factory.mktemp("fitting") / "index", ENTRIES, Characters())  # type: ignore[arg-type]


def pairs(prefix: str) -> list[Pair]:
    right = [Pair(f"p{e.id}", f"{prefix}{e.question}呀", e.question, e.id, 1, "answer") for e in ENTRIES]
    wrong = [Pair(f"n{e.id}", f"{prefix}{e.question[:2]}是什么颜色", e.question, e.id, 0, "topic") for e in ENTRIES]
    return right + wrong


def test_fitted_numbers_tell_right_from_wrong(index: AnswerIndex) -> None:
    examples = [Example("1", "问题", "all"), Example("2", "天气", "weather")]
    fitted = fit_router(Characters(), index, pairs("请问"), pairs("想问"), examples, 0.05)  # type: ignore[arg-type]
    assert fitted["figures"]["recall@1"] >= 0.9
    assert fitted["figures"]["precision"] >= 0.95
    assert Ranker.from_dict(fitted["ranker"]).weights
    thresholds = Thresholds.from_dict(fitted["thresholds"])
    assert thresholds.out_of_scope == 0.5, "questions in scope score 0.1, and the gate is never lower than a half"
    index.keep(thresholds=fitted["thresholds"], ranker=fitted["ranker"])


def test_questions_of_topics_without_entries_teach_what_is_no_answer(index: AnswerIndex) -> None:
    class Sorting(Characters):
        labels = LabelSchema(
            (TopicLabel("all", "所有"), TopicLabel("pets", "宠物"), TopicLabel("weather", "天气", out_of_scope=True)), ()
        )

        def __call__(self, text: str, /) -> Analysis:
            first, second = ("pets", "all") if "狗" in text else ("all", "pets")
            return replace(super().__call__(text), topics=(TopicScore(first, 0.95), TopicScore(second, 0.05)))

    strange = [Example(str(n), f"养狗{t}{d}", "pets") for n, (t, d) in enumerate(product(THINGS, DEEDS))]
    plain, taught = (fit_router(Sorting(), index, pairs("请问"), pairs("想问"), rows, 0.05) for rows in ([], strange))  # type: ignore[arg-type]
    weights = [fitted["ranker"]["certainty"]["weights"].get("topic", 0.0) for fitted in (plain, taught)]
    assert weights[0] < weights[1]


def test_pairs_without_entries_are_refused(index: AnswerIndex) -> None:
    with pytest.raises(InputError, match="no pair names an entry"):
        fit_router(Characters(), index, [], [], [], 0.05)  # type: ignore[arg-type]


def test_a_fitted_router_goes_into_the_bundle_and_its_indexes(tmp_path: Path, root: Path) -> None:
    import shutil

    from nlp.analyzer import Analyzer
    from nlp.model.store import attach_router

    bundle = shutil.copytree(root / "models/policy", tmp_path / "bundle")
    attach_router(bundle, {"thresholds": {"answer": 0.77}, "ranker": Ranker({"coverage": 2.0}, -1.0).to_dict()})
    analyzer = Analyzer.from_pretrained(bundle, threads=1)
    index = build_index(tmp_path / "index", ENTRIES[:3], analyzer)
    assert index.info.thresholds == {"answer": 0.77}
    assert Ranker.from_dict(index.info.ranker).weights == {"coverage": 2.0}
