"""A normalised text with each numeral folded into one character: what the value grammars match on.

`工资 8千多, 缴费满15年` becomes `工资N,缴费满N年` (N is the private character `NUMERAL`), so a grammar is a short regular
expression over units and words, free of backtracking over digits. Spaces that only separate Chinese characters, or numerals
from units, are dropped. Dates in digits (`2024-03-31`), clock times, ratios, phone and identity numbers and codes with letters are
folded too, so that no grammar takes a part of them for a number.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from itertools import pairwise

from nlp.schema import Value, ValueKind
from nlp.text.numerals import DIGIT_CHARS, UNIT_CHARS, Numeral, read_numeral
from nlp.text.points import read_date_digits

NUMERAL = "\ue000"
DATE = "\ue001"
CODE = "\ue002"
_PRIVATE = str.maketrans(dict.fromkeys((NUMERAL, DATE, CODE), "\ufffd"))

# Characters of Chinese numerals; 参, 洞 and 拐 are digits only beside others.
_CHINESE = "".join(c for c in DIGIT_CHARS + UNIT_CHARS if c not in "参洞拐")
_DIGIT = "".join(c for c in DIGIT_CHARS if c not in "参洞拐")
_ARABIC = r"\d+(?:,\d+)*(?:\.\d+)*"
_SIGN = (
    rf"(?:(?<![0-9A-Za-z{_CHINESE}%元块角年月日天岁号时周个期级)\-])[-−](?=[\d.])"
    rf"|(?<![抱胜背担自肩欠])负(?=[\d.{_CHINESE}]))?"
)
_START = rf"(?!百分[位点])[{_CHINESE}几]|参(?=[拾佰仟万亿])|数(?=[十百千万亿])|(?<=[达时经过了近有续需])数(?=[天年月日周])"
_MORE = (
    rf"{_ARABIC}|(?!百分[位点])[{_CHINESE}几]|参(?=[拾佰仟万亿元圆角])|(?<=[拾佰仟万亿零])参|点(?=[{_DIGIT}])|(?<=[{_DIGIT}])\.(?=[{_DIGIT}])|个(?=亿)|[洞拐](?=[{_DIGIT}])"
    r"|多(?!少|数|样|元化|功能)|余(?![额款下地生姚杭])|来(?=[个岁天年月万亿块元人名位斤分亩户家])|(?<=[百千万])把(?=[块元个人])"
)
_POWER = r"(?:[eE][-+]?\d{1,3}(?![A-Za-z\d])|\^-?\d{1,2})?"
_RUN = rf"{_SIGN}(?:(?:{_ARABIC}|(?<![\d.一-鿿])\.\d+){_POWER}|{_START})(?:{_MORE})*(?:[kKwWM](?![A-Za-z0-9]))?"
_DATES = "|".join(
    (
        r"\d{4}(?:-\d{1,2}-|/\d{1,2}/|\.\d{1,2}\.)\d{1,2}",
        r"\d{4} \d{2} \d{2}",
        r"\d{1,2}(?:-\d{1,2}-|/\d{1,2}/|\.\d{1,2}\.)(?:\d{4}|\d{2})",
        r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:[0-3]\d)?(?![\d,.万亿元圆块角%个人名户美欧英港韩澳]|日[元币圆])",  # 20240331, 202403
        r"\d{4}[-/](?:0?[1-9]|1[0-2])(?![\d年])",
        r"\d{4}\.\d{1,2}(?=[月至到起])",
        r"\d{1,2}\.\d{1,2}(?=[日号])",
        r"\d{1,2}/(?:[12]\d|3[01]|0?1)(?!\d)",
        r"0\d-\d{2}|\d{2}-0\d",
    )
)
_CODES = "|".join(
    (
        r"\d+(?::\d+)+",  # 20:30, 1:3
        r"(?<!\d)0\d{2,3}-\d{7,8}(?!\d)|(?<![\d.])1[3-9]\d{9}(?![\d.万亿元])",  # telephones
        r"(?<!\d)\d{17}[\dXx](?![\d元])",  # identity cards
        r"(?<![A-Za-z0-9])(?!RMB|CNY|USD|HKD|EUR|JPY|GBP|[Xx]+万)[A-Za-z][A-Za-z_]*-?\d[A-Za-z0-9]*(?:\.\d+)?",  # A3, K7
    )
)
_MASKED_UNIT = "[多余几]?(?:[个元块角年月日天岁周%]|美元|小时|分钟)"
_MASKED = (
    rf"(?<![A-Za-z0-9])(?:[Xx]{{1,8}}|\*{{2,8}}|×{{2,8}})(?:[十百千万亿][Xx]{{0,4}}|(?={_MASKED_UNIT}))[多余几]?(?![A-Za-z0-9])"
)
_LEXEME = re.compile(
    rf"(?P<date>(?<![\d./-])(?:{_DATES})(?![\d/]|[-.]\d))|(?P<code>{_CODES})|(?P<masked>{_MASKED})|(?P<run>{_RUN})", re.ASCII
)
_RUN_ONLY = re.compile(_RUN, re.ASCII)
_GAP = re.compile(r"(?<![0-9A-Za-z.,])[ \t]+|[ \t]+(?![0-9A-Za-z.,])|(?<=\d)[ \t]+(?=\d[ \t]*折)")
_PLAIN = re.compile(r"[0-9.,]+")
_PART = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d+(?:\.\d+)?", re.ASCII)
_WHOLE = re.compile(r"\d+", re.ASCII)
# 1一3: the character 一 typed for a dash; 2019一月, 统一2000: two numerals.
_MIXED = re.compile(r"(\d+|[^\d]+(?=\d))(一(?=\d+$)|)(.+)", re.ASCII | re.DOTALL)
_LONGEST_MIX = 64  # a longer run that is no numeral is a code
_MEASURES = "个天日月年周亩人次斤桶套件位户吨平米小学份箱辆张间"


@dataclass(frozen=True, slots=True)
class Mention:
    """A value found on a tape: half-open positions of the tape, kind and value."""

    start: int
    end: int
    kind: ValueKind
    value: Value | None


@dataclass(frozen=True, slots=True)
class Tape:
    """The folded text and its way back.

    Attributes:
        text: The folded text.
        starts: For each character of `text`, where it begins in the normalised text.
        ends: For each character of `text`, where it ends in the normalised text.
        numerals: What stands behind each `NUMERAL`, by position in `text`, in text order.
        dates: The digits behind each `DATE`, by position in `text`.
    """

    text: str
    starts: list[int]
    ends: list[int]
    numerals: dict[int, Numeral] = field(default_factory=dict)
    dates: dict[int, str] = field(default_factory=dict)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Maps a non-empty half-open span of the tape to the normalised text."""
        return self.starts[start], self.ends[end - 1]

    def locate(self, start: int, end: int) -> tuple[int, int]:
        """Maps a half-open span of the normalised text to the characters of the tape that it touches."""
        return bisect_right(self.ends, start), bisect_left(self.starts, end)


def fold(text: str) -> Tape:
    """Folds a normalised text.

    Args:
        text: `NormalizedText.text`.
    """
    squeezed, origin = _squeeze(text.translate(_PRIVATE))
    breaks = frozenset() if origin is None else frozenset(i + 1 for i, (a, b) in enumerate(pairwise(origin)) if b != a + 1)
    tape = Tape("", [], [])
    chunks: list[str] = []
    last = 0
    for start, end, char, numeral in _lexemes(squeezed, breaks):
        chunks += (squeezed[last:start], char)
        tape.starts.extend(range(last, start + 1))
        tape.ends.extend(range(last + 1, start + 1))
        tape.ends.append(end)
        if numeral is not None:
            tape.numerals[len(tape.starts) - 1] = numeral
        elif char == DATE:
            tape.dates[len(tape.starts) - 1] = squeezed[start:end]
        last = end
    chunks.append(squeezed[last:])
    tape.starts.extend(range(last, len(squeezed)))
    tape.ends.extend(range(last + 1, len(squeezed) + 1))
    if origin is None:
        return Tape("".join(chunks), tape.starts, tape.ends, tape.numerals, tape.dates)
    starts, ends = [origin[i] for i in tape.starts], [origin[i - 1] + 1 for i in tape.ends]
    return Tape("".join(chunks), starts, ends, tape.numerals, tape.dates)


def _squeeze(text: str) -> tuple[str, list[int] | None]:
    """Drops spaces that part no two Latin words or Arabic numerals; gives the source of each character, None for no change."""
    if " " not in text and "\t" not in text:
        return text, None
    chunks: list[str] = []
    origin: list[int] = []
    last = 0
    for gap in _GAP.finditer(text):
        chunks.append(text[last : gap.start()])
        origin.extend(range(last, gap.start()))
        last = gap.end()
    chunks.append(text[last:])
    origin.extend(range(last, len(text)))
    return "".join(chunks), origin


_Lexeme = tuple[int, int, str, Numeral | None]


def _lexemes(text: str, breaks: frozenset[int]) -> list[_Lexeme]:
    """What is folded: start, end, the character it becomes, the numeral if it is one."""
    found: list[_Lexeme] = []
    position = 0
    while match := _LEXEME.search(text, position):
        start, position, kind = match.start(), match.end(), match.lastgroup
        if kind == "date" and read_date_digits(match.group()) is None:
            run = _RUN_ONLY.match(text, start)
            position, kind = (run.end(), "run") if run else (position, "")
        if kind == "date":
            found.append((start, position, DATE, None))
        elif kind == "code":
            found.append((start, position, CODE, None))
        elif kind == "masked":
            found.append((start, position, NUMERAL, Numeral(match.group(), None, None, "masked")))
        elif kind == "run":
            position = _trim(text, start, position)
            found.extend(_pieces(text, start, position, breaks))
    return found


def _trim(text: str, start: int, end: int) -> int:
    """Gives back what belongs to the next word: 二百一|亩 (a measure), 五百|两 (a weight)."""
    if end - start < 2:
        return end
    last, before, after = text[end - 1], text[end - 2], text[end : end + 1]
    measured = after != "" and after in _MEASURES
    if last == "一" and before in "百千万亿" and measured:
        return end - 1
    if last == "两" and before not in "一零负":
        return end - 2 if before == "点" else end if measured and before not in UNIT_CHARS else end - 1
    return end


def _pieces(text: str, start: int, end: int, breaks: frozenset[int]) -> list[_Lexeme]:
    """The numerals of a run: mostly one; several where Arabic numerals touch, a Chinese one follows or a space parts two."""
    run = text[start:end]
    inner = [b for b in range(start + 1, end) if b in breaks] if breaks else []
    if inner and text[end : end + 1] in tuple("年月日号岁"):
        return [*_pieces(text, start, inner[-1], breaks), *_pieces(text, inner[-1], end, frozenset())]
    if (numeral := read_numeral(run.replace("−", "-"))) is not None:
        return [(start, end, NUMERAL, numeral)]
    if _PLAIN.fullmatch(run):
        parts = (_WHOLE if run.count(".") > 1 else _PART).finditer(text, start, end)
        return [(m.start(), m.end(), NUMERAL, n) for m in parts if (n := read_numeral(m.group())) is not None]
    if inner:
        return [piece for a, b in pairwise((start, *inner, end)) for piece in _pieces(text, a, b, frozenset())]
    if len(run) < _LONGEST_MIX and (mixed := _MIXED.fullmatch(run)):
        cut, dash = start + mixed.end(1), len(mixed.group(2))
        return [*_pieces(text, start, cut, breaks), *_pieces(text, cut + dash, end, breaks)]
    return [(start, end, CODE, None)]
