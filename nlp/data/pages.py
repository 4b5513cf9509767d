"""Scraped page → question-and-answer records, and a report of what became of every line.

A page is a main article, then often a list of related questions, each with a summary or description, a category and a date. An
article that asks and answers several questions gives one record for each; a long one gives one for each of its sections.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from typing import Any

from nlp.data.lines import CATEGORY_AND_DATE, RELATED, Line, chrome_reason, one_line, text_lines
from nlp.data.webpages import read_html
from nlp.schema import NATIONAL, Entry, RegionValue
from nlp.text.normalize import normalize
from nlp.text.regions import find_regions, resolve

LONG_ARTICLE = 1_500  # characters from which an article is split at its headings
LEAST_TEXT = 40  # characters of what stands before the first heading to be a record of its own
LONGEST_TITLE = 60
_HAN = "[一二三四五六七八九十百]+"
_NUMBERING = re.compile(
    rf"(第?{_HAN}[、.．问]|第{_HAN}(章|节|部分)[:：、]?|[（(]({_HAN}|\d{{1,2}})[)）]、?|\d{{1,2}}[.、．)）](?!\d{{1,3}}(?!\d))"
    r"|0\d(?=\s)|[Qq问]\s*\d*\s*[:：.、])\s*"
)
_SECTION = re.compile(rf"(第{_HAN}(章|部分)|{_HAN}、)(?!.*[。；;]$).{{2,40}}")
_ANSWER = re.compile(r"^[答Aa]\s*[:：]\s*")
_SEAT = re.compile(r"(\S{2,9}?(省|市|自治区|特别行政区|自治州|州|盟|地区|区|县|旗))+")
_NATION = re.compile(r"中华人民共和国|国务院|国家\S{0,10}(局|委|部)|全国")
_SITE_TAIL = re.compile(r"\s*[-_|—]+\s*[^-_|—]*(网|网站|门户|平台)\s*$")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive lines of a page with one fate.

    Attributes:
        first: Number of the first line of the file, from 1.
        last: Number of the last line.
        start: Offset in the decoded file where they begin, in code points.
        end: Offset where they end.
        entry: Id of the record that they became, empty for chrome.
        reason: Why they were taken for chrome, empty for a record.
        lines: How many visible lines they are.
        text: How they begin.
    """

    first: int
    last: int
    start: int
    end: int
    entry: str
    reason: str
    lines: int
    text: str


@dataclass(frozen=True, slots=True)
class PageReport:
    """What became of every visible line of a page."""

    path: str
    title: str
    entries: int
    lines: int
    stretches: tuple[Stretch, ...]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        """One line: how many records, and how many lines of which kind of chrome."""
        chrome: Counter[str] = Counter()
        for stretch in self.stretches:
            chrome[stretch.reason] += stretch.lines
        kept = chrome.pop("", 0)
        what = ", ".join(f"{count} {reason}" for reason, count in chrome.most_common()) or "none"
        return f"{self.path}: {kept} of {self.lines} lines in {self.entries} records; chrome: {what}"


@dataclass(slots=True)
class _Record:
    """A record as it grows."""

    title: str
    heads: list[Line]
    body: list[Line]
    category: str = ""
    date: str = ""
    closed: bool = False


def read_text_page(text: str, name: str) -> tuple[list[Entry], PageReport]:
    """Reads a page that was scraped as plain text.

    Args:
        text: The decoded file; offsets of the records count in it.
        name: Name of the file; records are called `<name without suffix>-01`, ….
    """
    lines = [replace(line, reason=chrome_reason(line.text)) for line in text_lines(text)]
    heading = next((n for n, line in enumerate(lines) if line.reason and RELATED.fullmatch(line.text)), len(lines))
    article, related = lines[:heading], lines[heading:]
    first = next((n for n, line in enumerate(article) if not line.reason), len(article))
    title = article[first] if first < len(article) else None
    records = _split(title.text if title else "", [title] if title else [], article[first + 1 :]) + _pairs(related)
    return _finish(name, title.text if title else "", lines, records, ())


def read_web_page(text: str, name: str) -> tuple[list[Entry], PageReport]:
    """Reads an HTML page as it came; arguments and result as for `read_text_page`.

    Records without a place of their own state the rule of the place in the page's title, else of the site's.
    """
    page = read_html(text)
    title = page.meta.get("articletitle") or _SITE_TAIL.sub("", page.meta.get("title", "")) or name
    lines = [line if line.reason else replace(line, reason=chrome_reason(line.text)) for line in page.lines]
    records = _split(title, [], lines)
    for record in records:
        record.category = page.meta.get("columnname", "")
        record.date = page.meta.get("pubdate", "")[:10]
    regions = _regions(title) or _regions(page.meta.get("sitename", ""))
    return _finish(name, title, lines, records, regions)


def _split(title: str, heads: list[Line], lines: Sequence[Line]) -> list[_Record]:
    """An article → one record a question, one a section, or one in all."""
    body = [line for line in lines if not line.reason and line.text != title]
    questions = [n for n, line in enumerate(body) if _is_question(line.text)]
    sections = [n for n, line in enumerate(body) if _SECTION.fullmatch(line.text)]
    long = sum(len(line.text) for line in body) > LONG_ARTICLE
    if len(questions) > 1:
        cuts, prefix = questions, ""
    elif long and len(sections) > 1:
        level = _SECTION.fullmatch(body[sections[0]].text)
        chapters = [n for n in sections if bool(level and level[2]) == (body[n].text[0] == "第")]
        cuts, prefix = chapters, f"{title}："
    else:
        return [_whole(title, heads, body, lines)]
    records = [_whole(title, heads, body[: cuts[0]], lines)]
    for start, stop in zip(cuts, [*cuts[1:], len(body)], strict=True):
        records.append(_Record(prefix + _bare(body[start].text), [body[start]], body[start + 1 : stop]))
    if sum(len(line.text) for line in records[0].body) < LEAST_TEXT:
        del records[0]
    return records


def _whole(title: str, heads: list[Line], body: list[Line], lines: Sequence[Line]) -> _Record:
    """A whole article as one record; what stands before a lawyer's byline is the asker's and belongs to the question."""
    byline = next((line.start for line in lines if line.reason == "byline" and heads), 0)
    asked = [line for line in body if line.start < byline]
    if asked and len(asked) < len(body):
        return _Record("\n".join([title, *(line.text for line in asked)]), [*heads, *asked], body[len(asked) :])
    return _Record(title, heads, body)


def _pairs(lines: Iterable[Line]) -> list[_Record]:
    """A list of related questions: a title, its text, then perhaps category and date, then perhaps the title again."""
    records: list[_Record] = []
    for line in lines:
        record = records[-1] if records else None
        dated = CATEGORY_AND_DATE.fullmatch(line.text)
        if dated and record and record.body:
            record.category, record.date, record.closed = dated["category"], _iso(dated["date"]), True
        elif line.reason or (record and line.text == record.title):
            continue
        elif record is None or record.closed or (record.body and _is_title(line.text)):
            records.append(_Record(line.text, [line], []))
        else:
            record.body.append(line)
    return records


def _finish(
    name: str, title: str, lines: Sequence[Line], records: Sequence[_Record], regions: tuple[str, ...]
) -> tuple[list[Entry], PageReport]:
    """Numbers the records and says what became of every line."""
    stem = name.rpartition(".")[0] or name
    entries: list[Entry] = []
    fate: dict[int, tuple[str, str]] = {}
    for record in records:
        if not record.body:
            fate.update({line.start: ("", "title without text") for line in record.heads})
            continue
        identifier = f"{stem}-{len(entries) + 1:02d}"
        used = [*record.heads, *record.body]
        fate.update({line.start: (identifier, "") for line in used})
        answer = _ANSWER.sub("", "\n".join(line.text for line in record.body))
        start, end = used[0].start, used[-1].end
        kind = {"category": record.category, "date": record.date}
        entries.append(Entry(identifier, record.title, answer, regions=regions, source=name, start=start, end=end, **kind))
    known = {title, *(record.title for record in records)}
    outcomes = [
        (line, *fate.get(line.start, ("", line.reason or ("repeated title" if line.text in known else "lead-in"))))
        for line in lines
    ]
    return entries, PageReport(name, title, len(entries), len(lines), tuple(_stretches(outcomes)))


def _stretches(outcomes: Iterable[tuple[Line, str, str]]) -> Iterable[Stretch]:
    for (entry, reason), group in groupby(outcomes, key=lambda outcome: outcome[1:]):
        run = [line for line, _, _ in group]
        yield Stretch(run[0].first, run[-1].last, run[0].start, run[-1].end, entry, reason, len(run), run[0].text[:40])


def _is_question(text: str) -> bool:
    return len(text) <= LONGEST_TITLE and text.endswith(("？", "?")) and not _ANSWER.match(text) and len(_bare(text)) > 3


def _is_title(text: str) -> bool:
    return len(text) <= LONGEST_TITLE and not text.endswith(("。", "；", ";", "，", ",", "：", ":", "…"))


def _bare(text: str) -> str:
    """A heading without its number: `一、申请条件` → `申请条件`."""
    return one_line(_NUMBERING.sub("", text, count=1)) if _NUMBERING.match(text) else text


def _iso(day: str) -> str:
    year, month, date = re.findall(r"\d+", day)[:3]
    return f"{year}-{int(month):02d}-{int(date):02d}"


def _regions(text: str) -> tuple[str, ...]:
    """The places whose rule a title states: those that it names, or the seat of the body that it begins with."""
    if _NATION.match(text):
        return (NATIONAL,)
    values = [entity.value for entity in find_regions(normalize(text))]
    seat = _SEAT.match(text)
    if not values and seat:
        values = [resolve(text, 0, seat.end())]
    return tuple(dict.fromkeys(code for value in values if isinstance(value, RegionValue) for code in value.resolved))
