"""The commands `wenlu data …`: thin shells around `nlp.data`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from nlp.errors import InputError

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


@data_app.command("join")
def data_join(
    labels: Annotated[Path, typer.Argument(help="JSONL of labels without texts")],
    texts: Annotated[list[Path], typer.Argument(help="JSONL files whose rows have a `text`")],
    output: Annotated[Path, typer.Option("--output", "-o", help="JSONL file to write")],
    schema: Annotated[Path | None, typer.Option(help="schema.toml with the labels that there are")] = None,
    per_topic: Annotated[int, typer.Option(help="most rows of one topic; 0 takes all")] = 0,
    rest: Annotated[Path | None, typer.Option(help="JSONL file for the rows beyond that")] = None,
) -> None:
    """Puts labels and the texts that they are about together, as rows to train on."""
    from nlp.config import load_schema
    from nlp.data.corpus import write_rows
    from nlp.data.join import join_texts

    joined = join_texts(labels, texts, load_schema(schema) if schema else None, per_topic)
    for path, examples in ((output, joined.examples), (rest, joined.rest)):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_rows(path, (example.to_dict() for example in examples))
    print(json.dumps({"rows": len(joined.examples), "rest": len(joined.rest), "without text": len(joined.missing)}))


@data_app.command("from-feedback")
def data_from_feedback(
    feedback: Annotated[Path, typer.Argument(help="file that `wenlu feedback` wrote")],
    archive: Annotated[Path, typer.Option(help="the archive that the corrections are about: JSONL, CSV, Parquet or a folder")],
    output: Annotated[Path, typer.Option("--output", "-o", help="folder for examples.jsonl and pairs.jsonl")],
    schema: Annotated[Path | None, typer.Option(help="schema.toml with the topics that there are")] = None,
) -> None:
    """Makes training rows of corrections: questions with their topic, and pairs of a question and that of an entry."""
    from nlp.config import load_schema
    from nlp.data.corpus import write_rows
    from nlp.data.sources import stream_source
    from nlp.errors import DataError
    from nlp.feedback import read_corrections, training_rows
    from nlp.schema import Entry

    entries = {item.id: item for item in stream_source(archive) if isinstance(item, Entry)}
    read = list(read_corrections(feedback))
    corrections = [item for item in read if not isinstance(item, DataError)]
    rows = training_rows(corrections, entries, load_schema(schema).topic_ids() if schema else ())
    problems = [*(str(item) for item in read if isinstance(item, DataError)), *rows.problems]
    for problem in problems:
        print(f"wenlu: {problem}", file=sys.stderr)
    output.mkdir(parents=True, exist_ok=True)
    write_rows(output / "examples.jsonl", (example.to_dict() for example in rows.examples))
    write_rows(output / "pairs.jsonl", (pair.to_dict() for pair in rows.pairs))
    print(json.dumps({"corrections": len(corrections), "examples": len(rows.examples), "pairs": len(rows.pairs)}))
    if problems:
        raise typer.Exit(2)


@data_app.command("suspects")
def data_suspects(
    folder: Annotated[Path, typer.Argument(help="data set folder with schema.toml and train, dev and test.jsonl")],
    limit: Annotated[int, typer.Option(help="how many to list; 0 lists all")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="print a JSON object a line")] = False,
) -> None:
    """Lists rows whose topic is likely wrong, the most suspicious first, as `file:line: topic X, looks like Y (p)`."""
    try:
        from nlp.training.suspects import find_suspects
    except ImportError as error:
        raise InputError(f'{error.name} is not installed: pip install "wenlu[train]"') from None

    suspects = find_suspects(folder)
    for suspect in suspects[: limit or None]:
        print(json.dumps(suspect.to_dict(), ensure_ascii=False) if as_json else suspect)
    print(f"{folder}: {len(suspects)} suspects", file=sys.stderr)
