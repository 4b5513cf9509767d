"""A data set folder and a migration → the same data set under its new labels, rows to review, and a report of what changed."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nlp.config import load_schema, read_toml
from nlp.data.corpus import read_examples, write_rows
from nlp.data.markup import SPAN, scan_marked
from nlp.data.migration import Decided, Migration, load_migration, read_decisions
from nlp.data.plan import SPLITS
from nlp.errors import DataError, InputError, RecipeError
from nlp.schema import Entity, Example, LabelSchema

REVIEW = "review.jsonl"


@dataclass(frozen=True, slots=True)
class Relabelled:
    """What a migration did: its changes, rows of each topic and spans of each type before and after, rows to review."""

    changes: tuple[str, ...]
    topics: tuple[Mapping[str, int], Mapping[str, int]]
    types: tuple[Mapping[str, int], Mapping[str, int]]
    review: int

    def report(self) -> str:
        """Markdown: the changes, and the counts that they changed."""
        lines = [*(f"- {change}" for change in self.changes), ""]
        for title, (before, after) in (("topic", self.topics), ("type", self.types)):
            lines += [f"| {title} | before | after |", "| --- | --- | --- |"]
            changed = (name for name in dict.fromkeys((*before, *after)) if before.get(name, 0) != after.get(name, 0))
            lines += [f"| {name} | {before.get(name, 0)} | {after.get(name, 0)} |" for name in changed] + [""]
        return "\n".join(lines)


def relabel(folder: Path, plan: Path, output: Path, review: Path | None = None) -> Relabelled:
    """Writes the data set under its new labels to a new folder.

    Args:
        folder: The data set: schema.toml, JSONL files, and where it is built from marked text dataset.toml and source/.
        plan: See `nlp.data.migration`.
        output: The new folder.
        review: A `review.jsonl` of an earlier run, with the choices of a person.

    Raises:
        InputError: `output` is there already and not empty.
        RecipeError, DataError: Plan, schema or a row is not valid.
    """
    if output.exists() and any(output.iterdir()):
        raise InputError(f"{output}: is there already and not empty; name a new folder")
    schema = load_schema(folder / "schema.toml")
    migration = load_migration(plan, schema)
    decided = read_decisions(review, migration) if review else {}
    output.mkdir(parents=True, exist_ok=True)
    olds: list[Example] = []
    news: list[Example] = []
    for split in (*SPLITS, "augmented"):
        if (folder / f"{split}.jsonl").exists():
            before = read_examples(folder / f"{split}.jsonl", schema)
            after = [migration.example(e, decided) for e in before]
            write_rows(output / f"{split}.jsonl", (e.to_dict() for e in after))
            olds += before
            news += after
    (output / "schema.toml").write_text(schema_toml(migration.after), encoding="utf-8")
    pairs = zip(olds, news, strict=True)
    to_review = [row for a, b in pairs if a.id not in decided and (row := migration.to_review(a, b))]
    if to_review:
        write_rows(output / REVIEW, to_review)
    if (folder / "dataset.toml").exists():
        _relabel_sources(folder, output, migration, decided)
    changes = tuple(map(str, (*migration.plan.topics, *migration.plan.types)))
    topics = Counter(e.topic for e in olds if e.topic), Counter(e.topic for e in news if e.topic)
    types = tuple(Counter(entity.type for e in rows for entity in e.entities) for rows in (olds, news))
    return Relabelled(changes, topics, (types[0], types[1]), len(to_review))


def schema_toml(schema: LabelSchema) -> str:
    """The schema as `load_schema` reads it."""
    lines = []
    for topic in schema.topics:
        lines += [f"[topics.{topic.id}]", f"name = {_quoted(topic.name)}"]
        lines += [f"description = {_quoted(topic.description)}"] if topic.description else []
        lines += ["out_of_scope = true"] if topic.out_of_scope else []
    for kind in schema.types:
        lines += ["", f"[types.{kind.id}]", f"name = {_quoted(kind.name)}"]
        lines += [f"description = {_quoted(kind.description)}"] if kind.description else []
        lines += [f"value = {_quoted(kind.value)}"] if kind.value else []
        lines += [f"roles = [{', '.join(map(_quoted, kind.roles))}]"] if kind.roles else []
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")  # JSON and TOML differ in that character alone


def _relabel_sources(folder: Path, output: Path, migration: Migration, decided: Mapping[str, Decided]) -> None:
    """Marked text and its short tags; comments and order stay."""
    tags: dict[str, str] = read_toml(folder / "dataset.toml").get("tags", {})
    new_tags = {tag: _target(target, migration) for tag, target in tags.items()}
    more = _tags_of_parts(migration, new_tags) if tags else {}
    text = (folder / "dataset.toml").read_text(encoding="utf-8")
    (output / "dataset.toml").write_text(_with_tags(text, {**new_tags, **more}) if tags else text, encoding="utf-8")
    (output / "source").mkdir()
    for path in sorted((folder / "source").iterdir()):
        if path.suffix == ".txt" and tags:
            lines = _relabel_lines(path, tags, {**new_tags, **more}, migration, decided)
            (output / "source" / path.name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        elif path.is_file():
            shutil.copy2(path, output / "source")


def _with_tags(text: str, tags: Mapping[str, str]) -> str:
    """The text of a `dataset.toml` with other targets in its table `[tags]`, and with those that it lacks at the end of the table.

    Raises:
        RecipeError: The tags do not stand in a table of their own.
    """
    table = re.search(r"(?ms)^[ \t]*\[tags\][^\n]*\n(.*?)(?=^[ \t]*\[|\Z)", text)
    if table is None:
        raise RecipeError("dataset.toml: expected the tags in a table of their own, under a line [tags]")
    lines, left = [], dict(tags)
    for line in table[1].splitlines():
        entry = re.match(r"""[ \t]*["']?([^"'=\s#]+)["']?[ \t]*=[ \t]*(?:"[^"]*"|'[^']*')""", line)
        new = left.pop(entry[1], None) if entry else None
        lines.append(line if entry is None or new is None else f"{entry[1]} = {_quoted(new)}{line[entry.end() :]}")
    while lines and not lines[-1].strip():
        lines.pop()
    written = [*lines, *(f"{tag} = {_quoted(target)}" for tag, target in left.items())]
    rest = text[table.end(1) :]
    return text[: table.start(1)] + "\n".join(written) + "\n" + ("\n" + rest if rest else "")


def _target(target: str, migration: Migration) -> str:
    kind, _, role = target.partition(":")
    new = migration.types.get(kind, (kind,))[0]
    label = migration.after.type(new)
    return f"{new}:{role}" if role and label and role in label.roles else new


def _tags_of_parts(migration: Migration, tags: Mapping[str, str]) -> dict[str, str]:
    """Short tags for the types that no tag stands for yet: the first letters of the id that are free."""
    found: dict[str, str] = {}
    for target in migration.after.tags():
        if target not in tags.values():
            letters = re.sub("[^a-z]", "", target) or "x"
            sizes = (letters[:size] for size in range(1, len(letters) + 1))
            free = (tag for tag in (*sizes, *(letters + "x" * n for n in range(1, 99))) if tag not in tags and tag not in found)
            found[next(free)] = target
    return found


def _relabel_lines(
    path: Path, old_tags: Mapping[str, str], tags: Mapping[str, str], migration: Migration, decided: Mapping[str, Decided]
) -> Iterator[str]:
    """The lines of a file of marked text under the new labels.

    Raises:
        DataError: A line breaks the format.
    """
    examples = {}
    for number, example in scan_marked(path, old_tags):
        if isinstance(example, DataError):
            raise example
        examples[number] = example
    header: str | None = None
    for number, line in enumerate(path.read_text(encoding="utf-8").removesuffix("\n").split("\n"), 1):
        if number in examples:
            yield _relabel_line(line.strip(), header, migration.example(examples[number], decided), tags)
        elif line.startswith("#topic "):
            old = line.removeprefix("#topic ").strip()
            header = migration.topics[old][0] if old != "none" else None
            yield f"#topic {header or 'none'}"
        else:
            yield line


def _relabel_line(line: str, header: str | None, example: Example, tags: Mapping[str, str]) -> str:
    plus = "+" if line.startswith("+") else ""
    body = re.sub(r"^@topic=\w+\s+", "", line.removeprefix("+").strip()).partition(" @@ ")[0].strip()
    entities = iter(example.entities)
    body = SPAN.sub(lambda match: f"{{{match.group(1)}|{_tag(match.group(2), next(entities), tags)}}}", body)
    own = f"@topic={example.topic or 'none'} " if example.topic != header else ""
    return plus + own + body + (f" @@ {','.join(example.also)}" if example.also else "")


def _tag(old: str, entity: Entity, tags: Mapping[str, str]) -> str:
    target = f"{entity.type}:{entity.role}" if entity.role else entity.type
    return old if tags.get(old) == target else _first(tags, target) or old


def _first(tags: Mapping[str, str], target: str) -> str | None:
    return next((tag for tag, stands_for in tags.items() if stands_for == target), None)
