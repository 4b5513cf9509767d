"""The command `wenlu tag`: a thin shell around `nlp.batch`, with a progress bar and a summary on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from nlp.errors import InputError

if TYPE_CHECKING:
    from nlp.batch.job import Summary, Watch
    from nlp.batch.records import Options, Output

FILES: dict[str, Output] = {".jsonl": "jsonl", ".parquet": "parquet"}
MOST = 8  # topics, and entity types, in the summary


def tag(
    source: Annotated[str, typer.Argument(help="file, folder or URL: JSONL, CSV, TSV, Parquet, text, HTML, WARC; - for stdin")],
    output: Annotated[
        str, typer.Option("--output", "-o", help="folder or URL for the parts, one .jsonl or .parquet file, or - for stdout")
    ],
    model: Annotated[Path | None, typer.Option(help="bundle folder (default: the embedded one)")] = None,
    format: Annotated[str, typer.Option(help="jsonl, csv, tsv, parquet, text, html, warc (default: by the suffix)")] = "",
    text_column: Annotated[
        list[str] | None, typer.Option(help="field with the text; several are joined by line breaks")
    ] = None,
    id_column: Annotated[str, typer.Option(help="field with the id (default: id, 编号 …, else file:line)")] = "",
    keep: Annotated[list[str] | None, typer.Option(help="field to carry over; may be given several times")] = None,
    output_format: Annotated[str, typer.Option(help="format of the parts: jsonl or parquet")] = "jsonl",
    vectors: Annotated[bool, typer.Option("--vectors", help="write the sentence vectors too")] = False,
    annotate: Annotated[list[str] | None, typer.Option(help="also write doccano, label-studio or conll")] = None,
    reference: Annotated[str | None, typer.Option(help="day for relative dates, YYYY-MM-DD (default: they stay open)")] = None,
    chunk_rows: Annotated[int, typer.Option(help="records written at a time")] = 1024,
    max_characters: Annotated[int, typer.Option(help="longest text; longer ones are rejected")] = 100_000,
    max_rejects: Annotated[int | None, typer.Option(min=0, help="stop when more records are rejected (default: never)")] = None,
    engine: Annotated[str, typer.Option(help="local or ray")] = "local",
    workers: Annotated[int, typer.Option(min=0, help="processes or actors (default: one a core)")] = 0,
    address: Annotated[str | None, typer.Option(help="Ray cluster (default: one on this machine)")] = None,
) -> None:
    """Tags every record of an archive. The same command goes on where it was stopped; rejected records are listed, not fatal."""
    from nlp.batch.job import tag as run
    from nlp.batch.records import Options
    from nlp.batch.store import REJECTS
    from nlp.embedded import default_bundle

    if engine not in ("local", "ray"):
        raise InputError(f"--engine: {engine!r}, expected local or ray")
    if output == "-" and engine == "ray":
        raise InputError("--engine ray cannot write to standard output; name a folder that every node sees")
    suffix = Path(output).suffix.lower()
    options = Options(
        format=format,
        text_columns=tuple(text_column or ()),
        id_column=id_column,
        keep=tuple(keep or ()),
        output=FILES.get(suffix, cast("Output", output_format)) if not _is_folder(output) else cast("Output", output_format),
        vectors=vectors,
        annotate=tuple(sorted(set(annotate or ()))),
        chunk_rows=chunk_rows,
        max_characters=max_characters,
        reference=_day(reference),
    )
    console = Console(stderr=True)
    with _place(output, options) as place, _progress(console) as watch:
        summary = run(
            source,
            place,
            model or default_bundle(),
            options,
            engine=cast(Any, engine),
            workers=workers,
            address=address,
            max_rejects=max_rejects,
            watch=watch,
            sink=sys.stdout.buffer if output == "-" else None,
        )
        if summary.rejected and not summary.rows:
            where = "name a folder as --output to see why" if output == "-" else f"why stands in {place}/{REJECTS}"
            raise InputError(f"{source}: not one of {summary.rejected} records could be tagged; {where}")
    _report(console, output, summary)


def _is_folder(output: str) -> bool:
    return output == "-" or "://" in output or Path(output).suffix.lower() not in FILES or Path(output).is_dir()


@contextmanager
def _place(output: str, options: Options) -> Iterator[str]:
    """The folder to work in: the output itself, one beside the single file that is asked for, or a passing one for stdout."""
    from nlp.batch.joining import join

    if output == "-":
        with TemporaryDirectory(prefix="wenlu-") as passing:
            yield passing
    elif _is_folder(output):
        yield output
    else:
        if options.annotate:
            raise InputError("--annotate writes more files: give a folder as --output")
        target = Path(output)
        folder = target.with_name(f"{target.name}.parts")
        if target.exists() and not folder.exists():
            raise InputError(f"{target}: exists already; delete it or choose another name")
        yield str(folder)
        join(folder, target, options.output)


@contextmanager
def _progress(console: Console) -> Iterator[Watch]:
    """A bar over the bytes of the source, with rows, rate and time left; nothing where nobody is watching."""
    columns = (
        TextColumn("{task.fields[rows]:,} rows"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]:,.0f} rows/s"),
    )
    with Progress(
        *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=None, rows=0, rate=0.0)

        def watch(summary: Summary) -> None:
            bar.update(task, completed=summary.position, total=summary.size or None, rows=summary.rows, rate=summary.rate)

        yield watch


def _report(console: Console, output: str, summary: Summary) -> None:
    table = Table(show_header=False, box=None, pad_edge=False)
    again = f" ({summary.reused:,} of them by an earlier run)" if summary.reused else ""
    table.add_row("rows", f"{summary.rows:,}{again}")
    table.add_row("rejected", f"{summary.rejected:,}")
    for name, counts in (("topics", summary.topics), ("entities", summary.types), ("encodings", summary.encodings)):
        if counts:
            table.add_row(name, ", ".join(f"{key} {number:,}" for key, number in counts.most_common(MOST)))
    table.add_row("time", f"{summary.seconds:.1f} s, {summary.rate:,.0f} rows/s")
    if summary.restarted:
        console.print(f"started over: {summary.restarted}", highlight=False)
    console.print(f"{'standard output' if output == '-' else output}:", highlight=False)
    console.print(table, highlight=False)


def _day(day: str | None) -> date | None:
    try:
        return date.fromisoformat(day) if day else None
    except ValueError:
        raise InputError(f"--reference: expected a day as YYYY-MM-DD, got {day!r}") from None
