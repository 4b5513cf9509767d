from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.text.normalize import normalize

ANY_TEXT = st.text(
    st.one_of(
        st.characters(codec=None, exclude_categories=()),
        st.sampled_from("臺灣廣東縣⻄⼀１２％，　\u200b\ufeff㎏Ⅲ①\ud800\x00abc中文"),
    ),
    max_size=40,
)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("１２％", "12%"),
        ("⻄安⻓春", "西安长春"),
        ("⼀年⾦额", "一年金额"),
        ("臺灣廣東醫療保險", "台湾广东医疗保险"),
        ("参\u200b保\ufeff地", "参保地"),
        ("社保　卡\xa0号", "社保 卡 号"),
        ("５㎏", "5kg"),
        ("第Ⅲ类", "第III类"),
        ("ＡＢｃ", "ABc"),
        ("①500元", "①500元"),
        ("50m²½", "50m²½"),
        ("乾县", "乾县"),
        ("plain ASCII", "plain ASCII"),
        ("", ""),
        ("\ud800\x00", "\ud800\x00"),
    ],
)
def test_folds(typed: str, read: str) -> None:
    assert normalize(typed).text == read


def test_maps_spans_both_ways() -> None:
    normalized = normalize("\u200b１\u200b２㎏。")
    assert normalized.text == "12kg。"
    assert normalized.to_original(0, 2) == (1, 4)
    assert normalized.to_original(2, 3) == normalized.to_original(2, 4) == (4, 5)
    assert normalized.to_original(5, 5) == (6, 6)
    assert normalized.to_normalized(1, 4) == (0, 2)
    assert normalized.to_normalized(4, 5) == (2, 4)
    assert normalized.to_normalized(2, 3) == (1, 1)


@pytest.mark.parametrize("span", [(-1, 0), (0, 3), (2, 1)])
def test_refuses_spans_outside(span: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="does not lie inside"):
        normalize("臺灣").to_original(*span)
    with pytest.raises(ValueError, match="does not lie inside"):
        normalize("臺灣").to_normalized(*span)


@given(ANY_TEXT, st.data())
def test_mapping_back_is_exact(text: str, data: st.DataObject) -> None:
    normalized = normalize(text)
    assert normalized.original == text
    n = len(normalized.text)
    start = data.draw(st.integers(0, n))
    end = data.draw(st.integers(start, n))
    a, b = normalized.to_original(start, end)
    assert 0 <= a <= b <= len(text)
    if start < end:
        whole = normalized.to_normalized(a, b)
        assert whole[0] <= start
        assert end <= whole[1]
        assert normalize(text[a:b]).text == normalized.text[slice(*whole)]
        # Nothing smaller covers the span.
        assert normalized.to_normalized(a + 1, b)[0] > start
        assert normalized.to_normalized(a, b - 1)[1] < end


@given(ANY_TEXT)
def test_mapping_is_monotone(text: str) -> None:
    normalized = normalize(text)
    spans = [normalized.to_original(i, i + 1) for i in range(len(normalized.text))]
    assert all(a < b for a, b in spans)
    assert spans == sorted(spans)
    forth = [normalized.to_normalized(i, i + 1) for i in range(len(text))]
    assert forth == sorted(forth)
    assert sum(b - a for a, b in forth) == len(normalized.text)


def test_folding_twice_changes_nothing() -> None:
    for code in range(0x30000):
        once = normalize(chr(code)).text
        assert normalize(once).text == once


def test_simplified_characters_stay() -> None:
    hanzi = [bytes((row, cell)).decode("gb2312", "ignore") for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF)]
    assert [c for c in hanzi if normalize(c).text != c] == []
