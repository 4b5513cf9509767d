"""Amounts: what is money and what is not, bounds, currency, what it is paid per."""

from __future__ import annotations

from decimal import Decimal

import pytest

from nlp.schema import AmountValue
from nlp.text import find


def amounts(text: str) -> list[tuple[str, AmountValue]]:
    found = []
    for entity in find(text, {"amount"}):
        assert isinstance(entity.value, AmountValue)
        found.append((text[entity.start : entity.end], entity.value))
    return found


def only(text: str) -> tuple[str, AmountValue]:
    found = amounts(text)
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    ("text", "span", "value"),
    [
        ("每次挂号要45元", "45元", "45"),
        ("花了三块六", "三块六", "3.6"),
        ("四块七毛二", "四块七毛二", "4.72"),
        ("一毛钱都没给", "一毛钱", "0.1"),
        ("两百块钱的材料费", "两百块钱", "200"),
        ("人民币叁仟伍佰元整", "人民币叁仟伍佰元整", "3500"),
        ("玖佰零捌元柒角陆分", "玖佰零捌元柒角陆分", "908.76"),
        ("负贰元伍角", "负贰元伍角", "-2.5"),
        ("总价 3.6亿元", "3.6亿元", "360000000"),
        ("¥2,680.50", "¥2,680.50", "2680.50"),
        ("交了５３００元", "５３００元", "5300"),
        ("繳納壹萬貳仟圓", "壹萬貳仟圓", "12000"),
        ("押金 1 200元", "200元", "200"),
        ("5万元首付", "5万元", "50000"),
        ("200元代金券", "200元", "200"),
        ("4000元月租", "4000元", "4000"),
        ("60块手续费", "60块", "60"),
        ("三块地铁票钱", "三块", "3"),
        ("花了两个亿", "两个亿", "200000000"),
    ],
)
def test_reads_money_with_a_unit(text: str, span: str, value: str) -> None:
    found, amount = only(text)
    assert found == span
    assert amount.low == amount.high == Decimal(value)
    assert (amount.currency, amount.comparator) == ("CNY", "eq")


@pytest.mark.parametrize(
    ("text", "span", "low", "high"),
    [
        ("老板欠我三万工资一直不给", "三万", 30000, 30000),
        ("网贷欠款47万", "47万", 470000, 470000),
        ("每个月工资六千多", "六千多", 6000, 7000),
        ("被人骗了23000", "23000", 23000, 23000),
        ("月薪1万2", "1万2", 12000, 12000),
        ("薪资12k-18k", "12k-18k", 12000, 18000),
        ("交200押金", "200", 200, 200),
        ("向朋友借了X万", "X万", None, None),
    ],
)
def test_context_makes_a_bare_number_money(text: str, span: str, low: int | None, high: int | None) -> None:
    found, amount = only(text)
    assert found == span
    assert (amount.low, amount.high) == (low, high)


@pytest.mark.parametrize(
    "text",
    [
        "2000年出生的人",
        "我住三元里附近",
        "打电话13712345678",
        "身份证号码11010119900307001X",
        "工号8800123",
        "我们一块去问",
        "门口有三块地",
        "冰山一角",
        "罚款扣6分",
        "长三角地区",
        "还有三百人没领",
        "房号1204室",
        "2020元旦放假",
        "工资发了3次",
    ],
)
def test_leaves_other_numbers_alone(text: str) -> None:
    assert amounts(text) == []


@pytest.mark.parametrize(
    ("text", "span", "low", "high"),
    [
        ("罚2万到6万元", "2万到6万元", 20000, 60000),
        ("每吨 300-450元", "300-450元", 300, 450),
        ("3至8万元不等", "3至8万元", 30000, 80000),
        ("7000到2万块", "7000到2万块", 7000, 20000),
        ("1万元—3万元", "1万元—3万元", 10000, 30000),
        ("两三千块钱", "两三千块钱", 2000, 3000),
        ("一百五六十元", "一百五六十元", 150, 160),
    ],
)
def test_a_range_is_one_span(text: str, span: str, low: int, high: int) -> None:
    found, amount = only(text)
    assert found == span
    assert (amount.low, amount.high, amount.comparator) == (low, high, "range")


@pytest.mark.parametrize(
    ("text", "comparator", "low", "high"),
    [
        ("每人不低于90元", "ge", 90, None),
        ("补贴至少2000元", "ge", 2000, None),
        ("收入3000元以上", "ge", 3000, None),
        ("罚款超过500元", "gt", 500, None),
        ("最高可报销6000元", "le", None, 6000),
        ("总额不得超过30万元", "le", None, 300000),
        ("200元以内的药", "le", None, 200),
        ("年度8000元封顶", "le", None, 8000),
        ("单价低于80元", "lt", None, 80),
        ("存款不足1万元", "lt", None, 10000),
        ("最低工资2200元", "eq", 2200, 2200),
        ("起付线700元", "eq", 700, 700),
    ],
)
def test_comparators_open_a_bound(text: str, comparator: str, low: int | None, high: int | None) -> None:
    _, amount = only(text)
    assert (amount.comparator, amount.low, amount.high) == (comparator, low, high)


def test_a_limit_holds_for_the_whole_list() -> None:
    text = "支付限额为职工每人每月260元、居民每人每月180元。"
    assert [(span, value.comparator, value.per) for span, value in amounts(text)] == [
        ("260元", "le", ("person", "month")),
        ("180元", "le", ("person", "month")),
    ]


@pytest.mark.parametrize(
    ("text", "per"),
    [
        ("每人每月补助120元", ("person", "month")),
        ("每生每学期800元", ("person", "term")),
        ("90元/月", ("month",)),
        ("70元/人·天", ("person", "day")),
        ("600元（每年）", ("year",)),
        ("工钱150元一天", ("day",)),
        ("租金每天180元", ("day",)),
        ("人均消费40元", ("person",)),
        ("一次性发放5000元", ()),
        ("每家企业奖励20万元", ()),
    ],
)
def test_what_it_is_paid_per(text: str, per: tuple[str, ...]) -> None:
    assert only(text)[1].per == per


def test_respective_amounts_go_to_their_subjects() -> None:
    text = "生产总值、城镇居民人均收入分别达到90亿元、38000元。"
    assert [value.per for _, value in amounts(text)] == [(), ("person",)]


@pytest.mark.parametrize(
    ("text", "currency", "value"),
    [
        ("存了800美元", "USD", "800"),
        ("港币六百元", "HKD", "600"),
        ("2万日元", "JPY", "20000"),
        ("5000新台币", "TWD", "5000"),
        ("€30", "EUR", "30"),
        ("一百泰铢", "THB", "100"),
        ("三美元又五美分", "USD", "3.05"),
        ("9亿元人民币", "CNY", "900000000"),
    ],
)
def test_currencies(text: str, currency: str, value: str) -> None:
    _, amount = only(text)
    assert (amount.currency, amount.low) == (currency, Decimal(value))


def test_approximate_amounts_say_so() -> None:
    assert only("大约300元")[1].approximate
    assert only("300元左右")[1].approximate
    assert not only("共300元")[1].approximate
