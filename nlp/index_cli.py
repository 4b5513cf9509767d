"""The commands `wenlu index …`: build an archive's index, add, update and remove entries, check it, fit the router."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from nlp.errors import InputError
from nlp.schema import Entry

index_app = typer.Typer(no_args_is_help=True, help="Build and look after the index of an archive.")
Model = Annotated[Path | None, typer.Option("--model", help="bundle folder (default: the embedded one)")]


Source = Annotated[Path, typer.Argument(help="JSONL, CSV, Parquet, a scraped page, or a folder of them")]
Index = Annotated[str, typer.Argument(help="folder of the index, or address such as s3://bucket/index")]
Report = Annotated[Path | None, typer.Option(help="JSON file that says what became of every line of the pages")]
AsJson = Annotated[bool | None, typer.Option("--json/--pretty", help="default: pretty on a terminal, else JSON")]
Chunk = Annotated[int, typer.Option(help="entries that are in memory, and are written, together", min=1)]
CHUNK = 1_024
SHOWN = 20  # findings of a kind that the pretty form names


@index_app.command("build")
def index_build(
    source: Source,
    output: Annotated[str, typer.Option("--output", "-o", help="folder of the index, or address such as s3://bucket/index")],
    report: Report = None,
    model: Model = None,
    chunk: Chunk = CHUNK,
) -> None:
    """Reads an archive and makes its index; one that stood there is replaced once the new one is complete."""
    from nlp.analyzer import Analyzer
    from nlp.archive import build_index
    from nlp.embedded import default_bundle

    with _Reader(source, report) as reader:
        index = build_index(output, reader, Analyzer.from_pretrained(model or default_bundle()), chunk=chunk)
        _say(f"{output}: {len(index)} entries, {reader.rejected} rejected")
    if reader.rejected:
        raise typer.Exit(2)


@index_app.command("add")
def index_add(
    index: Index, source: Source, report: Report = None, model: Model = None, chunk: Chunk = CHUNK, as_json: AsJson = None
) -> None:
    """Adds entries; those that are there already are passed over, those with the id of another one are refused."""
    _extend(index, source, report, model, chunk, as_json, update=False)


@index_app.command("update")
def index_update(
    index: Index, source: Source, report: Report = None, model: Model = None, chunk: Chunk = CHUNK, as_json: AsJson = None
) -> None:
    """Adds entries, and replaces those whose content has changed."""
    _extend(index, source, report, model, chunk, as_json, update=True)


@index_app.command("remove")
def index_remove(
    index: Index,
    ids: Annotated[list[str] | None, typer.Argument(help="ids of entries")] = None,
    file: Annotated[Path | None, typer.Option("--ids", help="text file with an id a line")] = None,
) -> None:
    """Removes entries by id."""
    from nlp.retrieval.index import AnswerIndex

    wanted = [*(ids or ()), *(_lines(file) if file else ())]
    if not wanted:
        raise InputError("no ids: give them as arguments, or as a file with --ids")
    opened = AnswerIndex.open(index)
    unknown = set(wanted) - {entry.id for entry in opened.entries(wanted)}
    removed = opened.remove(wanted)
    for name in sorted(unknown):
        _complain(f"{index}: no entry {name!r}")
    _say(f"{index}: {len(opened) - len(removed)} entries removed, {len(removed)} left")
    if unknown:
        raise typer.Exit(2)


@index_app.command("check")
def index_check(
    index: Index,
    max_age: Annotated[int, typer.Option(help="months after its as-of date from which an entry is outdated", min=0)] = 24,
    today: Annotated[str | None, typer.Option(help="day from which ages count, YYYY-MM-DD (default: today)")] = None,
    as_json: AsJson = None,
) -> None:
    """Duplicates, entries that held long ago, and those without date, place or topic; exit code 2 where the first two are found."""
    from nlp.retrieval.check import check_entries
    from nlp.retrieval.index import AnswerIndex

    opened = AnswerIndex.open(index)
    found = check_entries(opened.scan(), _day(today) if today else date.today(), max_age)
    if _wants_json(as_json):
        print(json.dumps({"version": opened.version, **found.to_dict()}, ensure_ascii=False))
    else:
        print(f"{index}: {found}")
        for kind, ids in (("duplicate", tuple(map(" = ".join, found.duplicates))), ("outdated", found.outdated)):
            for name in ids[:SHOWN]:
                print(f"{kind}: {name}")
            if len(ids) > SHOWN:
                print(f"{kind}: and {len(ids) - SHOWN} more, which --json lists")
    if found.duplicates or found.outdated:
        raise typer.Exit(2)


@index_app.command("fit")
def index_fit(
    index: Annotated[str, typer.Argument(help="index of the archive that the pairs are about")],
    pairs: Annotated[
        Path, typer.Argument(help="data set of pairs with dev.jsonl, for the ranker, and test.jsonl, for the thresholds")
    ],
    questions: Annotated[
        Path,
        typer.Option(
            help="gold questions that the model was not trained on: for the out-of-scope gate, and of topics without entries"
        ),
    ],
    model: Model = None,
    max_error: Annotated[float, typer.Option(help="share of wrong answers allowed among those given")] = 0.05,
) -> None:
    """Fits ranker and thresholds; they are kept with the index and with the model, for the indexes that it will make.

    train.jsonl is left out: the model's vectors were trained on it, and put its questions nearer to their answers than those of others.
    """
    from nlp.analyzer import Analyzer
    from nlp.data.corpus import read_examples
    from nlp.data.pairs import read_pairs
    from nlp.embedded import default_bundle
    from nlp.fitting import fit_router
    from nlp.model.store import attach_router
    from nlp.retrieval.index import AnswerIndex

    folder = model or default_bundle()
    analyzer = Analyzer.from_pretrained(folder)
    opened = AnswerIndex.open(index, analyzer.fingerprint)
    for_ranker, for_thresholds = (read_pairs(pairs / f"{split}.jsonl") for split in ("dev", "test"))
    fitted = fit_router(analyzer, opened, for_ranker, for_thresholds, read_examples(questions, analyzer.labels), max_error)
    opened.keep(thresholds=fitted["thresholds"], ranker=fitted["ranker"])
    attach_router(folder, fitted)
    print(json.dumps({"thresholds": fitted["thresholds"], "figures": fitted["figures"]}))


class _Reader:
    """The entries of a source, one after the other; what cannot be used is told on standard error and counted. As a context it writes
    the report on the pages at its end, whatever that is."""

    def __init__(self, source: Path, report: Path | None) -> None:
        self.source, self.report, self.rejected = source, report, 0
        self.pages: list[dict[str, Any]] = []

    def __enter__(self) -> _Reader:
        self._write()  # before any work is done for it
        return self

    def __exit__(self, *_: object) -> None:
        self._write()

    def __iter__(self) -> Iterator[Entry]:
        from nlp.data.pages import PageReport
        from nlp.data.sources import stream_source

        for item in stream_source(self.source):
            if isinstance(item, Entry):
                yield item
            elif isinstance(item, PageReport):
                _say(str(item), dim=True)
                self.pages.append(item.to_dict())
            else:
                self.rejected += 1
                _complain(str(item))

    def _write(self) -> None:
        if self.report:
            try:
                self.report.write_text(json.dumps(self.pages, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
            except OSError as error:
                raise InputError(f"{self.report}: the report cannot be written: {error.strerror}") from None


def _extend(
    index: str, source: Path, report: Path | None, model: Path | None, chunk: int, as_json: bool | None, *, update: bool
) -> None:
    from nlp.analyzer import Analyzer
    from nlp.archive import add_entries
    from nlp.embedded import default_bundle
    from nlp.retrieval.index import AnswerIndex

    analyzer = Analyzer.from_pretrained(model or default_bundle())
    opened = AnswerIndex.open(index, analyzer.fingerprint)
    with _Reader(source, report) as reader:
        changed, changes = add_entries(opened, reader, analyzer, update=update, chunk=chunk)
    for name in changes.conflicts:
        _complain(f"{source}: {name!r} is in the archive with other content; `wenlu index update` replaces it")
    for new, old in changes.duplicates:
        _complain(f"{source}: note: {new!r} asks what {old!r} asks, of the same places")
    if _wants_json(as_json):
        print(json.dumps({"version": changed.version, "entries": len(changed), **changes.to_dict()}, ensure_ascii=False))
    else:
        print(f"{index}: {changes}, {reader.rejected} rejected; {len(changed)} entries")
    if changes.conflicts or reader.rejected:
        raise typer.Exit(2)


def _lines(file: Path) -> list[str]:
    try:
        return [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot be read: {error}") from None


def _day(day: str) -> date:
    try:
        return date.fromisoformat(day)
    except ValueError:
        raise InputError(f"--today: expected a day as YYYY-MM-DD, got {day!r}") from None


def _wants_json(as_json: bool | None) -> bool:
    return as_json or (as_json is None and not sys.stdout.isatty())


def _say(message: str, *, dim: bool = False) -> None:
    Console(stderr=True).print(message, style="dim" if dim else None, highlight=False, markup=False, soft_wrap=True)


def _complain(message: str) -> None:
    print(f"wenlu: {message}", file=sys.stderr)
