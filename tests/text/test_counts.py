"""Numbers, fractions and ordinals, and words that only hold a numeral."""

from __future__ import annotations

from decimal import Decimal

import pytest

from nlp.schema import NumberValue
from nlp.text import find


def read(text: str, kind: str = "number") -> list[tuple[str, Decimal | None, Decimal | None]]:
    found = []
    for entity in find(text):
        if entity.type == kind:
            assert isinstance(entity.value, NumberValue)
            found.append((text[entity.start : entity.end], entity.value.low, entity.value.high))
    return found


@pytest.mark.parametrize(
    ("text", "span", "value"),
    [
        ("共有三百七十户", "三百七十", "370"),
        ("招了48人", "48", "48"),
        ("两名证人", "两", "2"),
        ("五 百 二 十", "五 百 二 十", "520"),
        ("四分之三", "四分之三", "0.75"),
        ("二又五分之一", "二又五分之一", "2.2"),
        ("3/4", "3/4", "0.75"),
        ("1 1/4", "1 1/4", "1.25"),
        ("一半", "一半", "0.5"),
        ("半个", "半", "0.5"),
        ("三打", "三打", "36"),
        ("-12.5", "-12.5", "-12.5"),
        ("答案是七", "七", "7"),
    ],
)
def test_reads_a_number(text: str, span: str, value: str) -> None:
    assert read(text) == [(span, Decimal(value), Decimal(value))]


def test_numbers_share_a_unit() -> None:
    assert read("3-5万人") == [("3-5万", Decimal(30000), Decimal(50000))]
    assert read("二三十个") == [("二三十", Decimal(20), Decimal(30))]


@pytest.mark.parametrize(
    "text",
    [
        "一样",
        "十分感谢",
        "万一不行",
        "千万别去",
        "百姓",
        "唯一",
        "统一办理",
        "一二线城市",
        "进一步",
        "A3区",
        "K12县",
        "8:30",
        "90后",
    ],
)
def test_leaves_words_alone(text: str) -> None:
    assert read(text) == []


def test_markers_of_a_list_count_nothing() -> None:
    assert read("1、身份证；2、户口本") == []


@pytest.mark.parametrize(
    ("text", "span", "value"), [("第三条", "第三", 3), ("第二百零四", "第二百零四", 204), ("第12次", "第12", 12)]
)
def test_reads_an_ordinal(text: str, span: str, value: int) -> None:
    assert read(text, "ordinal") == [(span, Decimal(value), Decimal(value))]
