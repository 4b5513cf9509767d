"""HTML page → its visible lines with their place in the file, and what its head says.

The parser of the standard library is used because it gives the position of every piece of text: extraction libraries return an
article without saying where it stood and what was left out, and both are asked for here.

The article is the innermost element that holds most of the page's sentences; menus, footers and link lists hold few.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import accumulate

from nlp.data.lines import Line, chrome_reason, one_line

MAX_DEPTH = 256  # elements inside each other; deeper ones are taken for part of the one around them
SHARE_OF_ARTICLE = 0.75  # of the page's sentences that the article's element must hold
# fmt: off
_BREAKS = frozenset((
    "address", "article", "aside", "blockquote", "body", "br", "caption", "center", "dd", "details", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hr", "html",
    "iframe", "li", "main",
    "nav", "ol", "option", "p", "pre", "section", "select", "summary", "table", "tbody", "tfoot", "thead", "title", "tr", "ul",
))
_VOID = frozenset((
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
))
# fmt: on
_UNSEEN = frozenset(("script", "style", "noscript", "template", "svg", "head", "textarea", "object"))
# Elements whose text is no article, and what the report calls them.
_CHROME_TAGS = {
    "nav": "menu",
    "header": "page header",
    "footer": "page footer",
    "aside": "side column",
    "form": "form",
    "button": "button",
    "select": "form",
    "iframe": "frame",
}
# Parts of a running text, never the whole of an article.
_PARTS = frozenset(("a", "b", "em", "font", "h1", "h2", "h3", "h4", "i", "label", "li", "p", "span", "strong", "u"))
_REPEATED = frozenset(("p", "li", "dt", "dd", "tr", "td", "th", "option"))  # an open one ends where the next begins
_SENTENCE = re.compile(r".{8,}[，。；！？]|.*[，。；！？].{8,}")
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WebPage:
    """A page as its reader sees it.

    Attributes:
        meta: Names of `meta` elements in lower case → content, and `title`. Chinese government sites have `articletitle`,
            `pubdate`, `columnname`, `contentsource`, `sitename` (State Council office, 国办发〔2017〕47号).
        lines: All visible lines in order; those that are no part of the article carry a reason.
    """

    meta: dict[str, str]
    lines: tuple[Line, ...]


def read_html(text: str) -> WebPage:
    """Reads a page, however broken its markup.

    Args:
        text: The decoded file.
    """
    parser = _Parser(text)
    parser.feed(text)
    parser.close()
    parser.flush()
    article = _article(parser.blocks, parser.parts)
    outside = "outside the article" if article >= 0 else "page without an article"
    lines = []
    for block in parser.blocks:
        reason = block.reason or ("" if article in block.path else outside)
        lines.append(Line(block.text, block.start, block.end, parser.number(block.start), parser.number(block.end), reason))
    return WebPage(parser.meta, tuple(lines))


@dataclass(slots=True)
class _Block:
    """A line of text as it grows: its pieces, its span in the file, the elements it lies in."""

    path: tuple[int, ...]
    reason: str
    start: int = -1
    end: int = -1
    pieces: list[str] = field(default_factory=list)
    linked: int = 0

    @property
    def text(self) -> str:
        return one_line("".join(self.pieces))


class _Parser(HTMLParser):
    """Collects blocks; keeps a stack of open elements as (tag, serial number, reason for its text being no article)."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=False)
        self.meta: dict[str, str] = {}
        self.blocks: list[_Block] = []
        self.parts: set[int] = set()  # serial numbers of elements that cannot be the article
        self._starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
        self._open: list[tuple[str, int, str]] = []
        self._serial = 0
        self._block: _Block | None = None
        self._title: list[str] = []

    def number(self, offset: int) -> int:
        """The line, from 1, on which an offset of the file lies."""
        return bisect_right(self._starts, offset)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "meta":
            name = (given.get("name") or given.get("property") or "").lower()
            if name and given.get("content"):
                self.meta.setdefault(name, one_line(given["content"]))
        if tag in _BREAKS:
            self.flush()
        elif tag in ("td", "th"):
            self._append("\t", None)
        if tag in _VOID or len(self._open) >= MAX_DEPTH:
            return
        if tag in _REPEATED and self._open and self._open[-1][0] == tag:
            self._open.pop()
        inherited = self._open[-1][2] if self._open else ""
        hidden = "hidden" if _HIDDEN.search(given.get("style", "")) else ""
        self._serial += 1
        if tag in _PARTS:
            self.parts.add(self._serial)
        self._open.append((tag, self._serial, inherited or _CHROME_TAGS.get(tag, "") or hidden))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _BREAKS:
            self.flush()
        position = next((n for n in range(len(self._open) - 1, -1, -1) if self._open[n][0] == tag), None)
        if position is not None:
            del self._open[position:]

    def handle_data(self, data: str) -> None:
        self._append(data, len(data))

    def handle_entityref(self, name: str) -> None:
        self._append(html.unescape(f"&{name};"), len(name) + 2)

    def handle_charref(self, name: str) -> None:
        self._append(html.unescape(f"&#{name};"), len(name) + 3)

    def flush(self) -> None:
        """Ends the line at hand."""
        if self._block is not None and self._block.text:
            self.blocks.append(self._block)
        self._block = None

    def _append(self, text: str, length: int | None) -> None:
        """Adds a piece; `length` is what it takes in the file, None for a separator that does not stand there."""
        tags = {tag for tag, _, _ in self._open}
        if "title" in tags and "svg" not in tags:
            self.meta["title"] = one_line(self.meta.get("title", "") + text)
            return
        if tags & _UNSEEN:
            return
        if self._block is None:
            reason = self._open[-1][2] if self._open else ""
            self._block = _Block(tuple(serial for _, serial, _ in self._open), reason)
        if length is not None and text.strip():
            line, column = self.getpos()
            offset = self._starts[line - 1] + column
            if self._block.start < 0:
                self._block.start = offset + len(text) - len(text.lstrip())
            self._block.end = offset + (len(text.rstrip()) if length == len(text) else length)
            self._block.linked += len(text.strip()) if "a" in tags else 0
        self._block.pieces.append(text)


def _article(blocks: list[_Block], parts: set[int]) -> int:
    """Serial number of the innermost element that holds most sentences; -1 for a page without any."""
    held: Counter[int] = Counter()
    depth: dict[int, int] = {}
    for block, weight in _weights(blocks):
        for level, serial in enumerate(block.path):
            held[serial] += weight
            depth[serial] = level
    total = sum(weight for _, weight in _weights(blocks))
    least = SHARE_OF_ARTICLE * total
    enough = [serial for serial, weight in held.items() if total and weight >= least and serial not in parts]
    return max(enough, key=lambda serial: depth[serial], default=-1)


def _weights(blocks: list[_Block]) -> Iterator[tuple[_Block, int]]:
    for block in blocks:
        text = block.text
        if not block.reason and _SENTENCE.match(text) and not chrome_reason(text):
            yield block, max(0, len(text) - block.linked)
