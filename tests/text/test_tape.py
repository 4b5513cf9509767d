"""Folding: numerals become one character each, every position maps back, codes stay whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nlp.text.normalize import normalize
from nlp.text.points import read_date_digits
from nlp.text.tape import CODE, DATE, NUMERAL, fold

SIGNS = {NUMERAL: "N", DATE: "D", CODE: "C"}


def folded(text: str) -> str:
    return "".join(SIGNS.get(c, c) for c in fold(normalize(text).text).text)


def test_folds_numerals_dates_and_codes() -> None:
    assert folded("工资 8千多, 缴费满15年") == "工资N,缴费满N年"
    assert folded("2025-06-30到期") == "D到期"
    assert folded("比分3:2") == "比分C"
    assert folded("K5县A8区") == "C县C区"
    assert folded("电话 13987654321") == "电话C"
    assert folded("欠X万，XX个月") == "欠N,N个月"


def test_a_dash_typed_as_one() -> None:
    assert folded("孕3一6月") == "孕N一N月"


def test_spaces_join_only_what_reads_as_one_numeral() -> None:
    assert folded("六 百 二") == "N"
    assert folded("工资七千 三月发") == "工资NN月发"
    assert folded("一十七十八 九") == "CN"
    assert folded("5000 6000") == "N N"


def test_a_measure_keeps_its_one() -> None:
    tape = fold("三百一亩")
    assert [n.text for n in tape.numerals.values()] == ["三百", "一"]


def test_a_private_character_of_the_text_is_no_numeral() -> None:
    assert fold(f"{NUMERAL}元").numerals == {}


def test_digits_that_are_no_date() -> None:
    assert read_date_digits("2025-13-01") is None
    assert read_date_digits("31/12/2025") == (2025, 12, 31)
    assert read_date_digits("12/31/2025") == (2025, 12, 31)
    assert read_date_digits("25-3-7") == (2025, 3, 7)


@given(st.text(alphabet=st.sampled_from("0129.,:-/ 一二十百万零两点多几半年月日元Xx*a\t\n" + NUMERAL), max_size=40))
def test_every_position_maps_back(text: str) -> None:
    tape = fold(text)
    assert len(tape.text) == len(tape.starts) == len(tape.ends)
    assert all(a < b for a, b in zip(tape.starts, tape.ends, strict=True))
    assert all(end <= start for end, start in zip(tape.ends, tape.starts[1:], strict=False))
    assert all(tape.text[position] == NUMERAL for position in tape.numerals)
    assert all(text[tape.starts[i]] == c or c in SIGNS or text[tape.starts[i]] == NUMERAL for i, c in enumerate(tape.text))
