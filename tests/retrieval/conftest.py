"""A small archive, vectors that only know which characters a text has, and an analyzer that knows no more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nlp.retrieval.index import AnswerIndex
from nlp.schema import NATIONAL, Entry

ENTRIES = (
    Entry("hz-card", "杭州社保卡丢了怎么补办？", "带身份证到杭州任一社保卡服务网点当场补卡。", "social_insurance", ("330100",)),
    Entry("gz-card", "广州社保卡丢失如何补领？", "在广州可通过粤省事申请补卡。", "social_insurance", ("440100",)),
    Entry("law-overtime", "法定节假日加班工资怎么算？", "不低于工资的百分之三百。", "labor_law", (NATIONAL,)),
    Entry("hz-elder", "杭州高龄津贴每月发多少？", "八十岁以上老人每月发放。", "subsidies", ("330100",), as_of="2024-05-01"),
    Entry("letter", "咨询B市落户问题", "您好，请到B市公安局办理。", "civil_affairs"),
    Entry("quote", "it's 'quoted' question", "an answer with 'quotes' and \ud800", None, ()),
)


def vector_of(text: str) -> NDArray[np.float32]:
    counts = np.zeros(64, dtype=np.float32)
    for character in text:
        counts[ord(character) % 64] += 1
    return counts


def vectors_of(entries: tuple[Entry, ...]) -> NDArray[np.float32]:
    return np.stack([vector_of(entry.question) for entry in entries])


@pytest.fixture(scope="session")
def archive() -> tuple[Entry, ...]:
    return ENTRIES


@pytest.fixture(scope="session")
def vectorize() -> Callable[[str], NDArray[np.float32]]:
    return vector_of


@pytest.fixture
def make_index(tmp_path: Path) -> Callable[..., AnswerIndex]:
    def make(entries: tuple[Entry, ...] = ENTRIES, name: str = "index") -> AnswerIndex:
        return AnswerIndex.build(tmp_path / name, entries, vectors_of(entries), "characters")

    return make
