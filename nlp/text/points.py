"""Dates as they are written, with fields left open or counted from a reference day → ISO 8601."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

from nlp.text.almanac import FIRST_YEAR, HOLIDAYS, TERMS, holiday, lunar_to_solar, lunar_year, nth_weekday, solar_term


@dataclass(frozen=True, slots=True)
class Point:
    """A date as written. Fields that the text leaves open are None; `shift` counts from the reference day.

    Attributes:
        end: Position on the tape after it.
        year, month, day: Calendar fields; of the lunar calendar where `lunar`.
        unit, shift: A period counted from the reference: ("year", -1) is 去年.
        part: A piece of the year or month: 底, 初, 上旬, 上半年, 2季度, a holiday or a solar term.
        weekday: 0 (Monday) to 6; `nth` which one of the month, -1 the last.
    """

    end: int
    year: int | None = None
    month: int | None = None
    day: int | None = None
    unit: str = ""
    shift: int = 0
    part: str = ""
    weekday: int | None = None
    nth: int = 0
    lunar: bool = False
    leap: bool = False
    decade: bool = False
    feast: bool = False  # lunar only because the day is one of the feasts


_SEPARATOR = re.compile(r"[-/. ]")


def read_date_digits(digits: str) -> tuple[int | None, int, int | None] | None:
    """Reads a date in Arabic digits: `2024-03-31`, `31.3.2024`, `202403`, `09-01`.

    Where day and month could both stand first, as in `3/4/2024`, the day does.

    Args:
        digits: Digits, with `-`, `/`, `.` or space between the fields.

    Returns:
        Year, month and day, with None for what is not given; None for what is no date of the calendar.
    """
    parts = [int(p) for p in _SEPARATOR.split(digits)]
    year: int | None
    day: int | None
    if len(parts) == 1:
        year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:8]) if len(digits) == 8 else None
    elif len(parts) == 3:
        year, month, day = _order(parts[0], parts[1], parts[2], digits[2] == "-")
    else:
        year, month, day = (parts[0], parts[1], None) if parts[0] > 99 else (None, parts[0], parts[1])
    valid = 1 <= month <= 12 and (day is None or 1 <= day <= 31) and (year is None or 1000 <= year <= 2999)
    return (year, month, day) if valid else None


def _order(first: int, second: int, third: int, first_is_year: bool) -> tuple[int, int, int]:
    """Year, month and day of three numbers; `first_is_year` tells how to take 12-11-10."""
    if first > 99:
        return first, second, third
    if first_is_year and second <= 12 and third <= 31:
        return full_year(first), second, third
    return (full_year(third), second, first) if second <= 12 else (full_year(third), first, second)


def full_year(year: int) -> int:
    """The full year of two digits: 00 to 49 in this century, 50 to 99 in the last one."""
    return year if year > 99 else year + (2000 if year < 50 else 1900)


def resolve(point: Point, reference: date | None) -> str | None:
    """Gives a date as ISO 8601: a day, month or year, an interval, or `--03-31` for a day of no known year.

    Args:
        point: The date as written.
        reference: The day that relative dates count from.

    Returns:
        The date, or None where it needs a reference day that is not given, or is no day of the calendar (2月30日).
    """
    if point.decade:
        return f"{point.year}/{(point.year or 0) + 9}"
    if point.part == "世纪":
        return f"{point.year}/{(point.year or 0) + 99}"
    if point.unit == "day":
        return None if reference is None else (reference + timedelta(days=point.shift)).isoformat()
    if point.unit in ("week", "weekday"):
        return None if reference is None else _resolve_week(point, reference)
    if point.unit == "quarter":
        return None if reference is None else _resolve_quarter(point.shift, reference)
    year, month = point.year, point.month
    if year is not None and year < 1:
        return f"-{-year:04d}"
    if point.unit == "year":
        if reference is None:
            return None
        year = reference.year + point.shift
    elif point.unit == "month":
        if reference is None:
            return None
        count = reference.year * 12 + reference.month - 1 + point.shift
        year, month = divmod(count, 12)
        month += 1
    elif year is None and reference is not None:
        year = reference.year
        if (month is None and point.day is not None) or (point.part.startswith("月") and month is None):
            month = reference.month
    return _resolve_fields(point, year, month, reference)


def _resolve_quarter(shift: int, reference: date) -> str:
    year, quarter = divmod(reference.year * 4 + (reference.month - 1) // 3 + shift, 4)
    return f"{year:04d}-{3 * quarter + 1:02d}/{year:04d}-{3 * quarter + 3:02d}"


def _resolve_fields(point: Point, year: int | None, month: int | None, reference: date | None) -> str | None:
    if point.part:
        return _resolve_part(point.part, year, month)
    if point.weekday is not None:
        if year is None or month is None:
            return None
        day = _last_weekday(year, month, point.weekday) if point.nth < 0 else nth_weekday(year, month, point.nth, point.weekday)
        return None if day is None else day.isoformat()
    if point.lunar and month is not None and point.day is not None:
        if year is None:
            return None
        if year < FIRST_YEAR:
            return f"{year:04d}"  # the table of months does not reach so far back
        if point.year is None and not point.unit and reference is not None:
            year = lunar_year(reference) or year
        solar = lunar_to_solar(year, month, point.day, point.leap)
        return None if solar is None else solar.isoformat()
    if year is None:
        if month is None:
            return None if point.day is None else f"---{point.day:02d}"
        return f"--{month:02d}" if point.day is None else f"--{month:02d}-{point.day:02d}"
    if month is None:
        return f"{year:04d}"
    if point.day is None:
        return f"{year:04d}-{month:02d}"
    return f"{year:04d}-{month:02d}-{point.day:02d}" if point.day <= monthrange(year, month)[1] else None


def _resolve_week(point: Point, reference: date) -> str:
    monday = reference - timedelta(days=reference.weekday()) + timedelta(weeks=point.shift)
    if point.unit == "weekday":  # the next one after the reference day
        ahead = ((point.weekday or 0) - reference.weekday() - 1) % 7 + 1
        return (reference + timedelta(days=ahead)).isoformat()
    if point.part:
        return f"{(monday + timedelta(days=5)).isoformat()}/{(monday + timedelta(days=6)).isoformat()}"
    if point.weekday is not None:
        return (monday + timedelta(days=point.weekday)).isoformat()
    return f"{monday.isoformat()}/{(monday + timedelta(days=6)).isoformat()}"


def _last_weekday(year: int, month: int, weekday: int) -> date:
    last = date(year, month, monthrange(year, month)[1])
    return last - timedelta(days=(last.weekday() - weekday) % 7)


_SEASONS = {"春": 3, "夏": 6, "秋": 9, "冬": 12}  # first months, as weather services count them


def _resolve_part(part: str, year: int | None, month: int | None) -> str | None:
    if year is None or not 1 <= year <= 9999:
        return None
    if part in TERMS:
        return solar_term(year, part).isoformat()
    if part in HOLIDAYS:
        day = holiday(year, part)
        return None if day is None else day.isoformat()
    if part in _SEASONS:
        return f"{year:04d}-{_SEASONS[part]:02d}/{year + (part == '冬'):04d}-{(_SEASONS[part] + 1) % 12 + 1:02d}"
    if part[0] == "F":
        return f"{year:04d}-01/{year:04d}-{3 * int(part[1]):02d}"
    if part[0] == "Q":
        first = 3 * int(part[1]) - 2
        return f"{year:04d}-{first:02d}/{year:04d}-{first + 2:02d}"
    if part in ("上半年", "下半年"):
        return f"{year:04d}-01/{year:04d}-06" if part[0] == "上" else f"{year:04d}-07/{year:04d}-12"
    if part[0] == "年":
        return f"{year:04d}-{ {'底': 12, '末': 12, '初': 1, '中': 6}[part[1]]:02d}"
    if month is None:
        return None
    last = monthrange(year, month)[1]
    if part.endswith("旬"):
        first, until = {"上": (1, 10), "中": (11, 20), "下": (21, last)}[part[1]]
        return f"{year:04d}-{month:02d}-{first:02d}/{year:04d}-{month:02d}-{until:02d}"
    return f"{year:04d}-{month:02d}-{1 if part[1] == '初' else last:02d}"
