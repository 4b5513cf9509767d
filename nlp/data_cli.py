"""The commands `wenlu data …`: thin shells around `nlp.data`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

data_app = typer.Typer(no_args_is_help=True, help="Build, check and describe data sets.")
Folder = Annotated[Path, typer.Argument(help="data set folder with dataset.toml and source/")]
Against = Annotated[
    list[Path] | None, typer.Option(help="evaluation JSONL that no row may resemble; may be given several times")
]


@data_app.command("build")
def data_build(folder: Folder, against: Against = None) -> None:
    """Makes the JSONL files, manifest, card and plots of a data set from its sources."""
    from nlp.data.build import build

    built = build(folder, against or [])
    for first, second in built.duplicates:
        print(f"wenlu: duplicate dropped: {second!r:.80} (like {first!r:.80})", file=sys.stderr)
    for ours, theirs in built.leaks:
        print(f"wenlu: resembles an evaluation text, dropped: {ours!r:.80} (like {theirs!r:.80})", file=sys.stderr)
    print(json.dumps(built.counts))


@data_app.command("check")
def data_check(
    data: Annotated[Path, typer.Argument(help="data set folder, or a JSONL file of examples, entries or pairs")],
    against: Against = None,
    schema: Annotated[Path | None, typer.Option(help="schema.toml (default: in the folder, or beside the file)")] = None,
) -> None:
    """Prints each problem as `file:line: field: problem`: rows that are not valid, duplicates, texts shared by splits, leaks."""
    from nlp.data.check import check

    findings = check(data, against or [], schema)
    for problem in findings.problems:
        print(problem)
    for note in findings.notes:
        print(f"note: {note}")
    print(f"{data}: {findings.rows} rows, {len(findings.problems)} problems, {len(findings.notes)} notes", file=sys.stderr)
    if findings.problems:
        raise typer.Exit(2)


@data_app.command("stats")
def data_stats(
    folder: Folder,
    limit: Annotated[int, typer.Option(help="how many surfaces with doubtful labels to list")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON, with all of them")] = False,
) -> None:
    """Coverage, labels that disagree, and distinctness of a built data set, as Markdown."""
    from nlp.data.card import report
    from nlp.data.statistics import describe

    found = describe(folder)
    print(json.dumps(found.to_dict(), ensure_ascii=False) if as_json else report(found, limit), end="\n" if as_json else "")
