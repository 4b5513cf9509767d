"""A written numeral → its bounds: 两万五, 壹仟贰佰, 1.2万, 3w, 十几, 八千多, 五六百, 二零零四. Linear in its length.

Reading is interval arithmetic over tokens: a digit is an interval (`五六` is 5 to 6, `几` is 1 to 10), a unit multiplies what
stands before it, `多` raises the upper bound by one step of the last unit. What no Chinese reader would write (`十七十八`,
`一百一二三`, `10.1万零100`) has no reading.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

# How a numeral is written: with Arabic digits, in Chinese with units (二十五), digit by digit (二零零四), as a unit without a
# digit before it (千多, 万), or hidden by the writer (XX).
Form = Literal["arabic", "chinese", "digits", "bare", "masked"]

DIGITS = {
    **dict(zip("零一二三四五六七八九", range(10), strict=True)),
    **dict(zip("〇壹贰叁肆伍陆柒捌玖", range(10), strict=True)),
    **{"○": 0, "幺": 1, "弌": 1, "两": 2, "俩": 2, "弍": 2, "仨": 3, "弎": 3, "叄": 3, "参": 3, "洞": 0, "拐": 7},
}
SMALL_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
BIG_UNITS = {"万": 10**4, "亿": 10**8, "兆": 10**12}
TENS = {"廿": 20, "卅": 30, "卌": 40}
LATIN_UNITS = {"k": 10**3, "K": 10**3, "w": 10**4, "W": 10**4, "M": 10**6}
DIGIT_CHARS = "".join(DIGITS)
UNIT_CHARS = "".join((*SMALL_UNITS, *BIG_UNITS, *TENS))
_TOKEN = re.compile(r"\d+(?:,\d+)*(?:\.\d+)?|\.\d+|[\s\S]")
_MOST_TOKENS = 64  # a longer mix of digits and units is no numeral
_LONGEST = 4 * _MOST_TOKENS
_SIGNS = {"负": -1, "-": -1, "+": 1}


@dataclass(frozen=True, slots=True)
class Numeral:
    """One numeral. `low` = `high` for an exact one, both None for a masked one; `text` is its surface without spaces."""

    text: str
    low: Decimal | None
    high: Decimal | None
    form: Form
    approximate: bool = False

    @property
    def whole(self) -> int | None:
        """The value, where it is one whole number; None for ranges, fractions and masks."""
        low = self.low
        return (
            int(low)
            if low is not None and low == self.high and len(self.text) < 64 and low == low.to_integral_value()
            else None
        )

    @property
    def pair(self) -> tuple[int, int] | None:
        """Two neighbouring digits written as a guess, 两三 → (2, 3); 三五 is the one pair that skips a digit."""
        if self.form != "digits" or len(self.text) != 2:
            return None
        first, second = DIGITS[self.text[0]], DIGITS[self.text[1]]
        return (first, second) if _is_guess(first, second) else None


def read_numeral(text: str) -> Numeral | None:
    """Reads a whole string as one numeral.

    Args:
        text: Normalised text (simplified, half-width), without spaces.

    Returns:
        The numeral, or None where the string is not a well-formed one.
    """
    sign = _SIGNS.get(text[:1], 1)
    body = text[1:] if text[:1] in _SIGNS else text
    numeral = _read_positive(body, text)
    if numeral is None or sign > 0 or numeral.low is None or numeral.high is None:
        return numeral
    return Numeral(text, numeral.high.copy_negate(), numeral.low.copy_negate(), numeral.form, numeral.approximate)


def _read_positive(body: str, text: str) -> Numeral | None:
    if body[:1].isascii() and (value := _read_arabic(body)) is not None:
        return Numeral(text, value, value, "arabic")
    if body and all(c in DIGITS for c in body):
        value = Decimal("".join(str(DIGITS[c]) for c in body))
        return Numeral(text, value, value, "digits" if len(body) > 1 else "chinese")
    body = _DOT.sub("点", body)
    if (value := _read_spelled_decimal(body)) is not None:
        return Numeral(text, value, value, "digits")
    tokens = _TOKEN.findall(body) if len(body) <= _LONGEST else []
    return _Reader(tokens).read(text) if 0 < len(tokens) <= _MOST_TOKENS else None


_DOT = re.compile(r"(?<=[^\d.])\.(?=[^\d.])")  # 二十二.二
_ARABIC = re.compile(r"(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?")
_POWER = re.compile(r"(\d+(?:\.\d+)?)(?:[eE]([-+]?\d{1,3})|\^(-?\d{1,2}))")


def _read_arabic(body: str) -> Decimal | None:
    """`1,234.5`, `2e5`, `2^-1`: plain Arabic numerals, no unit."""
    if body and _ARABIC.fullmatch(body):
        return Decimal(body.replace(",", ""))
    if power := _POWER.fullmatch(body):
        base, exponent, raised = power.groups()
        if exponent is not None:
            return Decimal(format(Decimal(f"{base}e{exponent}"), "f"))
        return Decimal(base) ** int(raised) if len(base) < 20 and Decimal(base) else None
    return None


def _read_spelled_decimal(body: str) -> Decimal | None:
    """一七二零点一: digit by digit on both sides of the point."""
    whole, point, fraction = body.partition("点")
    if not point or len(whole) < 2 or not fraction or not all(c in DIGITS for c in whole + fraction):
        return None
    return Decimal("".join(str(DIGITS[c]) for c in whole) + "." + "".join(str(DIGITS[c]) for c in fraction))


def _is_guess(first: int, second: int) -> bool:
    return 0 < first < 9 and (second == first + 1 or (first, second) == (3, 5))


Interval = tuple[int, int]
_NOTHING: Interval = (0, 0)


def _add(a: Interval, b: Interval) -> Interval:
    return a[0] + b[0], a[1] + b[1]


def _times(a: Interval, factor: int) -> Interval:
    return a[0] * factor, a[1] * factor


class _Malformed(Exception):
    pass


class _Reader:
    """One pass over the tokens of a numeral with units.

    Integers are scaled by `one`, a power of ten that makes every decimal in the numeral whole. `section` counts below 万,
    `part` below 亿, `grand` the rest; `digit` waits for its unit.
    """

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        spelled = len(tokens) - tokens.index("点") if "点" in tokens else 0
        self.places = spelled + max((len(t.partition(".")[2]) for t in tokens if "." in t), default=0)
        self.one = 10**self.places
        self.grand = self.part = self.section = _NOTHING
        self.digit: Interval | None = None
        self.literal = ""  # the Arabic literal that `digit` came from
        self.ceiling = 10**4  # units of a section must fall
        self.unit = 1  # the last unit read, for 两万五 and for the step of 多
        self.zero = self.linked = self.fuzzy = self.bare = self.fraction = self.closed = False

    def read(self, text: str) -> Numeral | None:
        try:
            for position, token in enumerate(self.tokens):
                self._take(position, token)
            low, high = self._total()
        except _Malformed:
            return None
        arabic = any(t[0].isascii() and t[0].isdigit() for t in self.tokens)
        lone = self.bare and not any(t in DIGITS for t in self.tokens)
        form: Form = "bare" if lone else "arabic" if arabic else "chinese"
        return Numeral(text, self._unscale(low), self._unscale(high), form, self.fuzzy)

    def _unscale(self, value: int) -> Decimal:
        whole, rest = divmod(value, self.one)
        return Decimal(f"{whole}.{rest:0{self.places}d}".rstrip("0")) if rest else Decimal(whole)

    def _take(self, position: int, token: str) -> None:
        if token == "个":  # 两个亿
            return
        if token in ("多", "余", "来", "把"):
            self._blur()
        elif self.closed and token not in BIG_UNITS and token not in SMALL_UNITS:
            raise _Malformed
        elif token == "点":
            self._point(position)
        elif token in ("零", "〇", "○") and not self.fraction:
            self._nought(position)
        elif token in DIGITS or token in ("几", "数"):
            self._take_digit(token)
        elif token in TENS:
            self._take_small(TENS[token] // 10, 10)
        elif token in SMALL_UNITS:
            self._take_small(None, SMALL_UNITS[token])
        elif token in BIG_UNITS or token in LATIN_UNITS:
            self._take_big(BIG_UNITS.get(token) or LATIN_UNITS[token])
        elif token[0].isdigit() or token[0] == ".":
            self._take_literal(token)
        else:
            raise _Malformed

    def _take_digit(self, token: str) -> None:
        if self.fraction:
            return  # read by _point
        value = DIGITS.get(token)
        if value is None:
            if self.digit is not None:
                raise _Malformed
            self.digit, self.fuzzy = (self.one, 10 * self.one), True
        elif self.digit is None:
            self.digit = (value * self.one, value * self.one)
        elif self.digit[0] == self.digit[1] and not self.literal and _is_guess(self.digit[0] // self.one, value):
            self.digit, self.fuzzy = (self.digit[0], value * self.one), True
        else:
            raise _Malformed
        self.literal = ""

    def _take_literal(self, token: str) -> None:
        if self.digit is not None or self.fraction:
            raise _Malformed
        whole, _, places = token.replace(",", "").partition(".")
        value = int((whole or "0") + places) * 10 ** (self.places - len(places))
        self.digit, self.literal = (value, value), token

    def _nought(self, position: int) -> None:
        if self.digit is not None:
            if self.unit < 100 or self.literal:
                raise _Malformed
            self._close_short()
        following = self.tokens[position + 1] if position + 1 < len(self.tokens) else ""
        if position == 0 and following in ("", "点"):
            self.digit = _NOTHING
        self.zero = self.linked = True

    def _take_small(self, coefficient: int | None, unit: int) -> None:
        if coefficient is not None:
            self.digit = (coefficient * self.one, coefficient * self.one) if self.digit is None else _fail()
        if self.digit is None:
            first = self.section == self.part == self.grand == _NOTHING and not self.zero
            if first:
                self.bare = unit > 10
            elif unit > 10 or self.bare:
                raise _Malformed
            self.digit = (self.one, self.one)
        if (unit >= self.ceiling and not self.closed) or len(self.literal) > 3:
            raise _Malformed
        if self.section != _NOTHING and self.fraction:
            self.section, self.digit = _times(self.section, unit), None
        else:
            self.section, self.digit = _add(self.section, _times(self.digit, unit)), None
        self.ceiling = self.unit = unit
        self.zero, self.literal, self.closed = False, "", False

    def _take_big(self, unit: int) -> None:
        if self.digit is not None:
            if self.unit in (100, 1000) and not self.zero and not self.literal:
                self._close_short() if self.bare else _fail()  # 百二万
            else:
                self._count_digit()
        if self.section == self.part == self.grand == _NOTHING:
            self.section, self.bare = (self.one, self.one), True
        if unit < 10**8:
            self._raise_part(unit)
        else:
            self._raise_grand(unit)
        self.ceiling, self.unit = 10**4, unit
        self.digit, self.literal = None, ""
        self.zero = self.linked = self.closed = self.fraction = False

    def _raise_grand(self, unit: int) -> None:
        below = _add(self.part, self.section)
        if below == _NOTHING or self.grand == _NOTHING or self.linked:  # 万亿亿, 一十亿零一十一亿
            self.grand = _times(_add(self.grand, below), unit)
        elif unit < 10**12 <= self.grand[0] // self.one:  # 四十九兆九千亿
            self.grand = _add(self.grand, _times(below, unit))
        else:
            raise _Malformed
        self.part = self.section = _NOTHING

    def _raise_part(self, unit: int) -> None:
        if self.section == _NOTHING:
            if self.part == _NOTHING:
                raise _Malformed
            self.part = _times(self.part, unit)
        elif self.part == _NOTHING:
            self.part = _times(self.section, unit)
        elif self.part[0] % (10**8 * self.one) == 0:  # 十万万零一百一十万
            self.part = _add(self.part, _times(self.section, unit))
        else:
            raise _Malformed
        self.section = _NOTHING

    def _blur(self) -> None:
        if self.fuzzy or self.closed:
            raise _Malformed
        step = self.unit * self.one
        if self.digit is not None:
            if not self.literal and self.digit[0] and self.unit >= 100:
                step = step // 10
                self.section = _add(self.section, _times(self.digit, self.unit // 10))
            else:
                step = _last_place(self.digit[0], self.one)
                self.section = _add(self.section, self.digit)
            self.digit = None
        elif self.unit == 1:
            raise _Malformed
        level = "section" if self.section != _NOTHING else "part" if self.part != _NOTHING else "grand"
        setattr(self, level, _add(getattr(self, level), (0, step)))
        self.fuzzy = self.closed = True

    def _point(self, position: int) -> None:
        digits = ""
        for token in self.tokens[position + 1 :]:
            if token not in DIGITS:
                break
            digits += str(DIGITS[token])
        if not digits or position == 0 or self.fraction or "." in self.literal:
            raise _Malformed
        self.fraction = True
        if self.digit is not None:
            if self.unit >= 100 and not self.zero and not self.literal:
                self._close_short()
            else:
                self.section = _add(self.section, self.digit)
            self.digit = None
        tail = int(digits) * 10 ** (self.places - len(digits))
        self.section, self.zero = _add(self.section, (tail, tail)), False

    def _close_short(self) -> None:
        """两万五: a digit that ends a numeral counts the tenth part of the unit before it."""
        assert self.digit is not None
        self.section, self.digit = _add(self.section, _times(self.digit, self.unit // 10)), None

    def _count_digit(self) -> None:
        """Adds the digit at the place of ones; 几 is 1 to 9 there (十几) and 1 to 10 before a unit (几十)."""
        assert self.digit is not None
        low, high = self.digit
        vague = high == 10 * self.one and low == self.one and self.section != _NOTHING
        self.section = _add(self.section, (low, high - self.one if vague else high))

    def _total(self) -> Interval:
        decimal = any("." in t for t in self.tokens) and not self.fraction
        if self.digit is None:
            if self.zero:
                raise _Malformed
        elif decimal and self.unit > 1:
            raise _Malformed  # 10.1万零100
        elif self._is_short():
            self._close_short()
        elif self.literal and self.digit[0] >= self.unit * self.one and self.unit > 1:
            raise _Malformed
        else:
            self._count_digit()
        return _add(_add(self.grand, self.part), self.section)

    def _is_short(self) -> bool:
        """Whether the last digit counts the unit below the one before it: 两万五, 2万4, but not 一百零五, 3万500."""
        assert self.digit is not None
        return len(self.literal) < 2 and self.unit >= 100 and not self.zero and 0 < self.digit[0] < 10 * self.one


def _fail() -> Interval:
    raise _Malformed


def _last_place(value: int, one: int) -> int:
    """The value of the last place that is not zero: 3000 → 1000; the step of 3000多."""
    whole, step = value // one, one
    if value % one:
        return max(one // 10, 1)
    while whole and whole % 10 == 0:
        whole, step = whole // 10, step * 10
    return step
