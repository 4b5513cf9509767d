"""Numerals: every writing reads to its bounds, what nobody writes is refused, time grows with length and no faster."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from nlp.text.numerals import read_numeral


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("两万六", "26000"),
        ("四千零七十", "4070"),
        ("三百八", "380"),
        ("一百二十三", "123"),
        ("十九", "19"),
        ("二十", "20"),
        ("一百十七", "117"),
        ("百三", "130"),
        ("百六十", "160"),
        ("廿三", "23"),
        ("卅一", "31"),
        ("七万零三", "70003"),
        ("五百二十万零一百", "5200100"),
        ("三亿零二十万", "300200000"),
        ("两万亿", "2000000000000"),
        ("六万万", "600000000"),
        ("三兆二千亿", "3200000000000"),
        ("壹仟贰佰", "1200"),
        ("叁佰万零伍拾", "3000050"),
        ("弍佰", "200"),
        ("二零二五", "2025"),
        ("〇八", "8"),
        ("三点一四", "3.14"),
        ("零点零五", "0.05"),
        ("两点五万", "25000"),
        ("一七点五", "17.5"),
        ("负七百", "-700"),
        ("1.7万", "17000"),
        ("3w", "30000"),
        ("12k", "12000"),
        ("2M", "2000000"),
        ("12,345.60", "12345.60"),
        ("4千", "4000"),
        ("3万6", "36000"),
        ("7万8千2百", "78200"),
        ("200万五千", "2005000"),
        ("5e3", "5000"),
        ("-0.5", "-0.5"),
        (".25", "0.25"),
    ],
)
def test_reads_the_value(text: str, value: str) -> None:
    numeral = read_numeral(text)
    assert numeral is not None
    assert numeral.low == numeral.high == Decimal(value)
    assert not numeral.approximate


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("十几", 11, 19),
        ("几十", 10, 100),
        ("数百", 100, 1000),
        ("几十万", 100000, 1000000),
        ("九千多", 9000, 10000),
        ("三十多万", 300000, 400000),
        ("60多万", 600000, 700000),
        ("1300余", 1300, 1400),
        ("七万多", 70000, 80000),
        ("千多", 1000, 2000),
        ("五六百", 500, 600),
        ("三五千", 3000, 5000),
        ("十七八", 17, 18),
        ("六百三四十", 630, 640),
        ("一万六七", 16000, 17000),
        ("一俩千", 1000, 2000),
        ("二十来", 20, 30),
    ],
)
def test_bounds_a_guess(text: str, low: int, high: int) -> None:
    numeral = read_numeral(text)
    assert numeral is not None
    assert (numeral.low, numeral.high) == (low, high)
    assert numeral.approximate


@pytest.mark.parametrize(
    "text", ["", "负", "十六十七", "三百四五六", "百十二", "2.3万零200", "点三", "三点", "一千二千", "五万三万", "元", "两百你"]
)
def test_refuses_what_nobody_writes(text: str) -> None:
    assert read_numeral(text) is None


@pytest.mark.parametrize(("text", "pair"), [("两三", (2, 3)), ("七八", (7, 8)), ("三五", (3, 5)), ("九五", None), ("三", None)])
def test_knows_a_guess_of_two_digits(text: str, pair: tuple[int, int] | None) -> None:
    numeral = read_numeral(text)
    assert numeral is not None
    assert numeral.pair == pair


@pytest.mark.parametrize("unit", ["9", "一", "一千", "万", "一百万", "零", "3万", "1一", "几", "多", "1,", "1.", "点五"])
def test_reads_ten_thousand_characters_in_no_time(unit: str) -> None:
    text = (unit * 10_000)[:10_000]
    start = time.process_time()
    read_numeral(text)
    assert time.process_time() - start < 0.25
