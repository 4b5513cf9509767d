"""Text as people type it → one form for grammars and models, with an exact map of offsets back.

Folds, code point by code point: wide and narrow forms (`１２％` → `12%`), Kangxi and CJK radicals (`⻄安` → `西安`), spaces,
compatibility ideographs, units set in one cell (`㎏` → `kg`); drops zero-width characters; simplifies traditional characters.
The case of Latin letters is kept. Circled and raised digits stay as they are, or `①500元` would read as 1500 yuan.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cache
from importlib import resources

# Blocks that hold compatibility characters; everything that NFKC folds elsewhere is of no use here.
_COMPATIBLE = (
    *(range(0x00A0, 0x0250), range(0x2000, 0x2190), range(0x2460, 0x2500), range(0x2E80, 0x3400), range(0xF900, 0xFB07)),
    *(range(0xFE00, 0xFFF0), range(0x1D400, 0x1D800), range(0x2F800, 0x2FA20)),
)
_KEPT_TAGS = frozenset({"<circle>", "<super>", "<sub>", "<fraction>"})
# CJK radicals that stand for a whole character and have no decomposition, by hand after Unicode's chart U+2E80.
_RADICALS = (
    "⺁厂⺄乙⺈刀⺊卜⺌小⺍小⺎兀⺐尢⺒巳⺓幺⺛旡⺜日⺝月⺠民⺧牛⺩王⺪疋⺫目⺬示⺮竹⺶羊⺻聿⺼月⺽臼⻁虎⻂衤⻄西⻅见⻆角⻉贝⻋车⻏邑⻑长⻓长⻔门⻗雨⻘青⻙韦⻚页⻛风"
    "⻜飞⻝食⻢马⻣骨⻤鬼⻥鱼⻦鸟⻧卤⻨麦⻩黄⻪黾⻬齐⻮齿⻯龙⻰龙⻱龟⻲龟"
)
_INVISIBLE = (
    *(0x00AD, 0x034F, 0x061C, 0x180E, 0xFEFF),
    *(*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), *range(0xFE00, 0xFE10), *range(0xFFF9, 0xFFFC)),
    *(*range(0xE0000, 0xE0080), *range(0xE0100, 0xE01F0)),
)


@dataclass(frozen=True, slots=True)
class NormalizedText:
    """A text in the form that grammars read, and the way back to what was typed.

    Attributes:
        text: The normalised text.
        original: The text as it came.
        starts: For each character of `text`, where its source begins in `original`; None where positions are the same.
        ends: For each character of `text`, where its source ends in `original`; None where positions are the same.
    """

    text: str
    original: str
    starts: tuple[int, ...] | None = None
    ends: tuple[int, ...] | None = None

    def to_original(self, start: int, end: int) -> tuple[int, int]:
        """Maps a half-open span of `text` to the smallest span of `original` that covers it.

        Raises:
            ValueError: The span does not lie inside `text`.
        """
        _check(start, end, self.text, "normalised")
        if self.starts is None or self.ends is None:
            return start, end
        if start == end:
            edge = self.starts[start] if start < len(self.starts) else len(self.original)
            return edge, edge
        return self.starts[start], self.ends[end - 1]

    def to_normalized(self, start: int, end: int) -> tuple[int, int]:
        """Maps a half-open span of `original` to the smallest span of `text` that covers it; dropped characters map to nothing.

        Raises:
            ValueError: The span does not lie inside `original`.
        """
        _check(start, end, self.original, "original")
        if self.starts is None or self.ends is None:
            return start, end
        first = bisect_right(self.ends, start)
        return first, max(first, bisect_left(self.starts, end))


def normalize(text: str) -> NormalizedText:
    """Folds a text; any `str` is accepted, lone surrogates and NUL included.

    Args:
        text: The text as it came.
    """
    if text.isascii():
        return NormalizedText(text, text)
    folds, uneven = _tables()
    folded = text.translate(folds)
    if uneven.isdisjoint(text):
        return NormalizedText(folded, text)
    starts: list[int] = []
    ends: list[int] = []
    for i, char in enumerate(text):
        width = len(char.translate(folds))
        starts.extend([i] * width)
        ends.extend([i + 1] * width)
    return NormalizedText(folded, text, tuple(starts), tuple(ends))


def _check(start: int, end: int, text: str, name: str) -> None:
    if not 0 <= start <= end <= len(text):
        raise ValueError(f"span [{start}, {end}) does not lie inside the {name} text of {len(text)} characters")


@cache
def _tables() -> tuple[dict[int, str], frozenset[str]]:
    """The fold of each code point, and the characters that become none or several."""
    simplified = _simplified()
    folds = {ord(a): b for a, b in simplified.items()}
    for block in _COMPATIBLE:
        for code in block:
            if (folded := _compatible(chr(code))) is not None:
                folds[code] = "".join(simplified.get(c, c) for c in folded)
    folds.update((ord(a), b) for a, b in zip(_RADICALS[::2], _RADICALS[1::2], strict=True))
    folds.update(dict.fromkeys(_INVISIBLE, ""))
    return folds, frozenset(chr(code) for code, folded in folds.items() if len(folded) != 1)


def _compatible(char: str) -> str | None:
    """The fold of one compatibility character: one character, or Latin letters only; None where it stays."""
    folded = unicodedata.normalize("NFKC", char)
    tag = unicodedata.decomposition(char).partition(" ")[0]
    if folded == char or tag in _KEPT_TAGS:
        return None
    return folded if len(folded) == 1 or (folded.isascii() and folded.isalpha()) else None


@cache
def _simplified() -> dict[str, str]:
    """Traditional character → simplified character."""
    table = resources.files(__package__).joinpath("data/simplified.tsv").read_text(encoding="utf-8")
    rows = (line for line in table.splitlines() if not line.startswith("#"))
    return {pair[0]: pair[1] for row in rows for pair in row.split(" ")}
