"""The Chinese calendar against days that are known."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest

from nlp.text.almanac import FIRST_YEAR, HOLIDAYS, TERMS, holiday, lunar_to_solar, lunar_year, nth_weekday, solar_term


@pytest.mark.parametrize(
    ("year", "day"),
    [
        (1900, date(1900, 1, 31)),
        (1949, date(1949, 1, 29)),
        (2000, date(2000, 2, 5)),
        (2023, date(2023, 1, 22)),
        (2026, date(2026, 2, 17)),
    ],
)
def test_new_year(year: int, day: date) -> None:
    assert lunar_to_solar(year, 1, 1) == day
    assert lunar_year(day) == year
    assert lunar_year(day - timedelta(days=1)) == (year - 1 if year > FIRST_YEAR else None)


def test_leap_months() -> None:
    assert lunar_to_solar(2023, 2, 1, leap=True) == date(2023, 3, 22)
    assert lunar_to_solar(2024, 2, 1, leap=True) is None


def test_out_of_the_table() -> None:
    assert lunar_to_solar(1899, 1, 1) is None
    assert lunar_to_solar(2101, 1, 1) is None
    assert lunar_to_solar(2026, 1, 31) is None
    assert lunar_year(date(1800, 1, 1)) is None


def test_the_last_day_of_a_short_month_is_its_thirtieth() -> None:
    assert holiday(2024, "除夕") == date(2025, 1, 28)  # the twelfth month of 2024 has 29 days


@pytest.mark.parametrize(
    ("year", "name", "day"),
    [
        (2024, "冬至", date(2024, 12, 21)),
        (2026, "清明", date(2026, 4, 5)),
        (2025, "立春", date(2025, 2, 3)),
        (1999, "夏至", date(1999, 6, 22)),
    ],
)
def test_solar_terms(year: int, name: str, day: date) -> None:
    assert solar_term(year, name) == day


def test_terms_follow_each_other_by_half_a_month() -> None:
    for year in (1901, 1984, 2026, 2099):
        days = [solar_term(year, name) for name in TERMS]
        assert all(14 <= (b - a).days <= 17 for a, b in pairwise(days))


def test_every_holiday_has_a_day_in_every_year() -> None:
    assert all(holiday(year, name) is not None for year in range(1950, 2100, 7) for name in HOLIDAYS)


def test_weekdays_of_a_month() -> None:
    assert nth_weekday(2026, 5, 2, 6) == date(2026, 5, 10)
    assert nth_weekday(2026, 2, 5, 0) is None
