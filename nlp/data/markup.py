"""Marked text → Example: the format in which the data sets of this project are written by hand.

    #topic cross_region_medical
    #register fragment
    {北京|ri}{医保卡|i}在{河北|rc}能用吗
    +{上海|ri}{医保卡|i}在{苏州|rc}能用吗 @@ medical_insurance

One example a line. `#topic`, `#register` and `#source` hold until changed; `#topic none` is for answer sentences. A leading `+`
puts the example into the group of the line before (a variant that must not cross splits). What a tag stands for is said in
`dataset.toml`. `@@ a,b` lists other acceptable topics, `@topic=x ` at the start of a line changes the topic for that line alone,
`\\n` is a line break. `//` starts a comment line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from nlp.data.corpus import text_id
from nlp.errors import DataError
from nlp.schema import Entity, Example, LabelSchema
from nlp.text import add_values

SPAN = re.compile(r"\{([^{}|]+)\|([a-z]+)\}")
HEADERS = ("topic", "register", "source")


def parse_marked(marked: str, tags: Mapping[str, str]) -> tuple[str, tuple[Entity, ...]]:
    """Takes the marks out of one line: `{河北|rc}` → the plain text and its entities.

    Args:
        marked: The line.
        tags: What each short tag stands for: `{"i": "insurance", "rc": "region:care"}`.

    Raises:
        ValueError: An unknown tag, or a brace that belongs to no span.
    """
    parts: list[str] = []
    entities: list[Entity] = []
    length = last = 0
    for match in SPAN.finditer(marked):
        surface, tag = match.groups()
        if tag not in tags:
            raise ValueError(f"unknown tag {tag!r} in {match.group()!r}, expected one of {', '.join(tags)}")
        before = marked[last : match.start()]
        start = length + len(before)
        kind, _, role = tags[tag].partition(":")
        entities.append(Entity(start, start + len(surface), kind, role or None))
        parts += (before, surface)
        length, last = start + len(surface), match.end()
    text = "".join(parts) + marked[last:]
    stray = re.search(r"[{}]", text)
    if stray:
        raise ValueError(f"stray {stray.group()!r} at …{text[max(0, stray.start() - 8) : stray.start() + 8]}…")
    return text, tuple(entities)


def read_marked(path: Path, tags: Mapping[str, str]) -> Iterator[tuple[int, Example]]:
    """Reads a file of marked text; `tags` as in `parse_marked`.

    Yields:
        (line number from 1, Example), with `id` from the text's hash and `group` from the first line of the group.

    Raises:
        DataError: The first line that breaks the format, as `file:line: field: problem`.
    """
    for number, example in scan_marked(path, tags):
        if isinstance(example, DataError):
            raise example
        yield number, example


def scan_marked(path: Path, tags: Mapping[str, str]) -> Iterator[tuple[int, Example | DataError]]:
    """Like `read_marked`, but a broken line comes as its error so that the caller decides whether to go on."""
    header = {"topic": "", "register": "", "source": path.stem}
    group = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").removesuffix("\n").split("\n"), 1):
        line = line.strip()
        if not line or line.startswith("//"):
            continue
        if line.startswith("#"):
            key, _, value = line[1:].partition(" ")
            if key in HEADERS:
                header[key] = value.strip()
            else:
                yield number, DataError(path, number, "header", f"unknown {key!r}, expected one of {', '.join(HEADERS)}")
            continue
        variant, line = line.startswith("+"), line.removeprefix("+").strip()
        topic = header["topic"]
        override = re.match(r"@topic=(\w+)\s+", line)
        if override:
            topic, line = override.group(1), line[override.end() :]
        body, _, also = line.partition(" @@ ")
        try:
            text, entities = parse_marked(body.strip().replace("\\n", "\n"), tags)
        except ValueError as error:
            yield number, DataError(path, number, "text", str(error))
            continue
        identifier = text_id(text)
        group = group if variant and group else identifier
        others = tuple(a.strip() for a in also.split(",") if a.strip())
        topic_or_none = None if topic == "none" else topic
        yield number, Example(identifier, text, topic_or_none, others, entities, header["source"], group, header["register"])


def with_values(example: Example, schema: LabelSchema, reference: date | None) -> Example:
    """Adds the canonical value of each span whose type has a grammar; `reference` is the day that relative dates count from."""
    return replace(example, entities=add_values(example.text, example.entities, schema, reference))
