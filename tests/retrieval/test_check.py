"""What a look through an archive finds."""

from __future__ import annotations

from datetime import date

import pytest

from nlp.retrieval.check import check_entries, months_before
from nlp.schema import NATIONAL, Entry

ENTRIES = [
    Entry("a", "公积金怎么提取？", "甲", "property", ("330100",), as_of="2026-01-01"),
    Entry("b", "公积金，怎么提取", "乙", "property", ("330100",), as_of="2021"),
    Entry("c", "公积金怎么提取？", "丙", "property", ("440100",), date="2025-12"),
    Entry("d", "年假有几天？", "丁", None, (NATIONAL,), as_of="去年"),
    Entry("e", "年休假", "戊", "labor"),
]


def test_check() -> None:
    found = check_entries(ENTRIES, date(2026, 6, 1))
    assert found.duplicates == (("a", "b"),)
    assert found.outdated == ("b",)
    assert found.undated == ("d", "e")
    assert found.unplaced == ("e",)
    assert found.untitled == ("d",)
    assert str(found) == "5 entries: 1 duplicates, 1 outdated, 2 without a date, 1 without a place, 1 without a topic"
    assert found.to_dict()["entries"] == 5


@pytest.mark.parametrize("as_of", ["", "0000-00-00", "2024-13-01", "20240101x", "2024-01-01x", "\ud800"])
def test_days_that_cannot_be_read(as_of: str) -> None:
    assert check_entries([Entry("x", "问", "答", as_of=as_of)], date(2026, 1, 1)).undated == ("x",)


@pytest.mark.parametrize(
    ("months", "day"),
    [
        (0, "2026-03-31"),
        (1, "2026-02-28"),
        (3, "2025-12-31"),
        (25, "2024-02-29"),
        (12_000, "1026-03-31"),
        (99_999, "0001-01-01"),
    ],
)
def test_months_before(months: int, day: str) -> None:
    assert months_before(date(2026, 3, 31), months) == date.fromisoformat(day)


def test_the_greatest_age_is_the_callers() -> None:
    assert check_entries(ENTRIES, date(2026, 6, 1), max_age=4).outdated == ("a", "b", "c")


def test_the_order_of_the_words_counts() -> None:
    there, back = "社保从北京转到上海怎么办？", "社保从上海转到北京怎么办？"
    assert check_entries([Entry("a", there, "甲"), Entry("b", back, "乙")], date(2026, 1, 1)).duplicates == ()


def test_a_day_with_its_time() -> None:
    found = check_entries([Entry("a", "问", "答", date="2010-03-01 10:20:30")], date(2026, 1, 1))
    assert (found.outdated, found.undated) == (("a",), ())
