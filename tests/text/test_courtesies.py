"""Courtesies around a question."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.text.courtesies import without_courtesies

PIECES = ["您好", "尊敬的王市长", "谢谢", "急", "问", "领导", "盼复", "感谢您的", "祝工作顺利", "医保", "，", " ", "x"]


@pytest.mark.parametrize(
    ("text", "core"),
    [
        ("尊敬的书记您好！我想咨询一下：公积金怎么提取？盼复，谢谢！", "公积金怎么提取？"),
        ("老师好，请教个问题，辞职要提前几天说？十分感谢您的耐心解答", "辞职要提前几天说？"),
        ("你好新生儿医保怎么办麻烦您尽快答复谢谢", "新生儿医保怎么办"),
        ("Hello，租房押金不退怎么办？在线等，急急急", "租房押金不退怎么办？"),
        ("落户要什么材料？祝您工作顺利，身体健康！此致敬礼", "落户要什么材料？"),
    ],
)
def test_what_is_asked_is_left(text: str, core: str) -> None:
    assert without_courtesies(text) == core


@pytest.mark.parametrize(
    "text",
    [
        "请问社保怎么转移",
        "急诊能报销吗",
        "求助热线是多少",
        "希望小区门口装一个红绿灯",
        "领导不批年假怎么办",
        "感谢信要不要盖章",
        "问讯处电话是多少",
        "身体健康证明在哪里开",
    ],
)
def test_what_only_looks_like_a_courtesy_stays(text: str) -> None:
    assert without_courtesies(text) == text


@pytest.mark.parametrize("text", ["", "您好", "谢谢！", "你好，在线等", "？？", "我想问一下"])
def test_nothing_else_is_left_as_it_is(text: str) -> None:
    assert without_courtesies(text) == text


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join) | st.text(max_size=60))
def test_characters_stay_in_their_order(text: str) -> None:
    core, rest = without_courtesies(text), iter(text)
    assert all(character in rest for character in core)
    assert bool(core) == bool(text)


@pytest.mark.parametrize("piece", ["问", "急", "您", "领导", "请问一下", "给予求助您"])
def test_repeated_pieces_are_read_at_once(piece: str) -> None:
    text = piece * (39 // len(piece)) + "几"  # a pattern that tries every reading would not come back
    assert without_courtesies(text) == text
