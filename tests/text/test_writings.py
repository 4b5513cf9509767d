"""A value in every supported writing reads back as itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from nlp.schema import AgeValue, AmountValue, DateValue, DurationValue, NumberValue, PercentValue
from nlp.text import find
from nlp.text.numerals import read_numeral

PLAIN, CAPITAL = "零一二三四五六七八九", "零壹贰叁肆伍陆柒捌玖"
UNITS = {PLAIN: ("", "十", "百", "千"), CAPITAL: ("", "拾", "佰", "仟")}
WIDE = str.maketrans("0123456789,.", "０１２３４５６７８９，．")


def section(number: int, digits: str) -> str:
    """A number below ten thousand, with 零 for a gap."""
    text, gap = "", False
    for place in (3, 2, 1, 0):
        digit = number // 10**place % 10
        if digit:
            text += ("零" if gap and text else "") + digits[digit] + UNITS[digits][place]
        gap = digit == 0
    return text


def spell(number: int, digits: str = PLAIN) -> str:
    """A number below a trillion in Chinese."""
    if number == 0:
        return "零"
    text = ""
    for unit, name in ((10**8, "亿"), (10**4, "万"), (1, "")):
        part, number = divmod(number, unit)
        if part:
            text += ("零" if text and part < 1000 else "") + section(part, digits) + name
        elif text and number:
            text += "零" if not text.endswith("零") and number >= 1000 and unit == 10**4 else ""
    return text


WRITINGS: tuple[Callable[[int], str], ...] = (
    str,
    lambda n: f"{n:,}",
    spell,
    lambda n: spell(n, CAPITAL),
    lambda n: spell(n).removeprefix("一") if 10 <= n < 20 else spell(n),
    lambda n: str(n).translate(WIDE),
    lambda n: f"{n // 10000}万" if n and n % 10000 == 0 else str(n),
    lambda n: f"{n / 10000:.4f}".rstrip("0").rstrip(".") + "万" if n else "0",
)
numbers = st.integers(0, 10**12 - 1) | st.integers(0, 99999)
writings = st.sampled_from(WRITINGS)


@given(numbers, st.sampled_from((spell, lambda n: spell(n, CAPITAL), str, lambda n: f"{n:,}")))
def test_numerals(number: int, write: Callable[[int], str]) -> None:
    numeral = read_numeral(write(number))
    assert numeral is not None
    assert numeral.low == numeral.high == number


@given(st.integers(11, 10**8), writings)
def test_numbers(number: int, write: Callable[[int], str]) -> None:
    text = f"编号甲共{write(number)}个"
    values = [e.value for e in find(text) if e.type == "number"]
    assert values == [NumberValue(Decimal(number), Decimal(number))]


@given(st.integers(0, 10**8), writings, st.sampled_from(("元", "块钱", "元人民币", "圆整")))
def test_amounts(number: int, write: Callable[[int], str], unit: str) -> None:
    [entity] = find(f"实付{write(number)}{unit}。", {"amount"})
    assert entity.value == AmountValue(Decimal(number), Decimal(number))
    assert (entity.start, entity.end) == (2, 2 + len(write(number) + unit))


@given(st.integers(1, 9999), st.integers(1, 9), st.integers(1, 9), st.sampled_from((PLAIN, CAPITAL)))
def test_amounts_with_small_units(yuan: int, jiao: int, fen: int, digits: str) -> None:
    [entity] = find(f"{spell(yuan, digits)}元{digits[jiao]}角{digits[fen]}分", {"amount"})
    assert isinstance(entity.value, AmountValue)
    assert entity.value.low == entity.value.high == yuan + Decimal(jiao) / 10 + Decimal(fen) / 100


@given(st.integers(1, 500), st.integers(501, 9000), writings, st.sampled_from(("-", "~", "到", "至", "—")))
def test_ranges_of_amounts(low: int, high: int, write: Callable[[int], str], sign: str) -> None:
    [entity] = find(f"罚{write(low)}元{sign}{write(high)}元", {"amount"})
    assert entity.value == AmountValue(Decimal(low), Decimal(high), comparator="range")


@given(st.integers(0, 300), st.sampled_from(("{}%", "{}％", "百分之{}", "百分之{s}", "{s}个百分点")))
def test_percents(number: int, form: str) -> None:
    [entity] = find("费率为" + form.format(number, s=spell(number)), {"percent"})
    assert isinstance(entity.value, PercentValue)
    assert entity.value.low == entity.value.high == Decimal(number) / 100


@given(st.integers(1, 99), st.sampled_from(("{}", "{s}")), st.sampled_from((("个月", "M"), ("天", "D"), ("个星期", "W"))))
def test_durations(number: int, form: str, unit: tuple[str, str]) -> None:
    [entity] = find(f"住了{form.format(number, s=spell(number))}{unit[0]}。", {"duration"})
    assert entity.value == DurationValue(f"P{number}{unit[1]}", f"P{number}{unit[1]}")


@given(st.integers(1, 120), st.sampled_from(("{}岁", "{s}岁", "{}周岁", "{s}周岁")))
def test_ages(number: int, form: str) -> None:
    [entity] = find("本人" + form.format(number, s=spell(number)), {"age"})
    assert entity.value == AgeValue(Decimal(number), Decimal(number))


@given(
    st.dates(date(1950, 1, 1), date(2099, 12, 31)),
    st.sampled_from(
        ("{y}年{m}月{d}日", "{y}-{m:02d}-{d:02d}", "{y}/{m}/{d}", "{y}.{m}.{d}", "{y}{m:02d}{d:02d}", "{Y}年{M}月{D}号")
    ),
)
def test_dates(day: date, form: str) -> None:
    spoken = {"Y": "".join(PLAIN[int(c)] for c in str(day.year)), "M": spell(day.month), "D": spell(day.day)}
    [entity] = find(f"于{form.format(y=day.year, m=day.month, d=day.day, **spoken)}办理", {"date"})
    assert entity.value == DateValue(day.isoformat())
