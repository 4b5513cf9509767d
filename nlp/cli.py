"""The command `wenlu`: each command is a thin shell around a plain function.

Single use: a text argument or standard input, pretty on a terminal, else JSON (`--json` and `--pretty` choose). Files:
`--input rows.jsonl --output out.jsonl`; a row that cannot be used gives one line on standard error, the others are written all the
same, and the exit code is 2.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console

from nlp.audit_cli import show_audit, store_feedback
from nlp.data.corpus import read_rows
from nlp.data_cli import data_app
from nlp.errors import DataError, InputError, WenluError
from nlp.index_cli import index_app
from nlp.project_cli import project_app
from nlp.tag_cli import tag

if TYPE_CHECKING:
    from nlp.router import Router

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="问路: from a question to the right answer.",
)
app.add_typer(index_app, name="index")
app.add_typer(data_app, name="data")
app.add_typer(project_app)
app.command("audit")(show_audit)
app.command("feedback")(store_feedback)
app.command()(tag)

T = TypeVar("T")
Row = dict[str, Any]
Text = Annotated[str | None, typer.Argument(help="the text (default: standard input)")]
Input = Annotated[Path | None, typer.Option("--input", "-i", help="JSONL with a row a text")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="JSONL to write (default: standard output)")]
Model = Annotated[Path | None, typer.Option("--model", help="bundle folder (default: the embedded one)")]
Index = Annotated[str | None, typer.Option("--index", help="index folder or address (default: the embedded archive)")]
AsJson = Annotated[bool | None, typer.Option("--json/--pretty", help="default: pretty on a terminal, else JSON")]
Reference = Annotated[str | None, typer.Option(help="day for relative dates, YYYY-MM-DD (default: today; for rows: none)")]
MAX_CHUNK = 256
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # of the disk, of the user's share, of the largest file


def main() -> None:
    """Entry point of the console command; errors that the user can mend end in one line and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        app(standalone_mode=True)
    except WenluError as error:
        _complain(str(error))
        sys.exit(2)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        if error.errno not in FULL:
            raise
        _complain(f"{error.filename or 'output'}: cannot be written: {error.strerror}; what stands there is incomplete")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still held would fail again at the very end
        sys.exit(2)


def _complain(message: str) -> None:
    print(f"wenlu: {message}", file=sys.stderr)


@app.command()
def analyze(
    text: Text = None,
    input: Input = None,
    output: Output = None,
    model: Model = None,
    reference: Reference = None,
    as_json: AsJson = None,
) -> None:
    """Topic, entities, roles and values of a question."""
    from nlp.analyzer import Analyzer
    from nlp.embedded import default_bundle
    from nlp.view import show_analysis

    _check_use(text, input, output, as_json)
    analyzer = Analyzer.from_pretrained(model or default_bundle(), reference=_reference_day(reference, input))
    if input:
        _run_rows(input, output, _text_of, lambda texts: [a.to_dict() for a in analyzer.pipe(texts)])
        return
    analysis = analyzer(_read_text(text))
    _print(analysis.to_dict(), as_json, lambda: show_analysis(analysis, analyzer.labels))


@app.command()
def values(
    text: Text = None,
    input: Input = None,
    output: Output = None,
    reference: Reference = None,
    as_json: AsJson = None,
) -> None:
    """Numbers, amounts, percentages, ages, durations, dates and regions by grammar alone; a row may carry its `ref_date`."""
    from nlp.text import find
    from nlp.view import entity_table

    _check_use(text, input, output, as_json)
    day = _reference_day(reference, input)

    def text_and_day(row: Row) -> tuple[str, date | None]:
        text = _text_of(row)
        try:
            return text, _parse_day(row["ref_date"], "ref_date") if row.get("ref_date") else day
        except InputError as error:  # only relative dates need it: the row is worth reading without
            _complain(f"{input}: row {row.get('id', text)!r:.60}: {error}; read against {day or 'no day'}")
            return text, day

    if input:
        _run_rows(
            input, output, text_and_day, lambda rows: [{"values": [e.to_dict() for e in find(t, reference=d)]} for t, d in rows]
        )
        return
    question = _read_text(text)
    found = find(question, reference=day)
    _print({"values": [e.to_dict() for e in found]}, as_json, lambda: entity_table(question, found))


@app.command()
def answer(
    text: Text = None,
    input: Input = None,
    output: Output = None,
    index: Index = None,
    model: Model = None,
    audit: Annotated[Path | None, typer.Option(help="JSONL file that gets a record of each decision")] = None,
    as_json: AsJson = None,
) -> None:
    """The answer to a question, a list to choose from, or an honest hand-off."""
    from nlp.view import show_decision

    _check_use(text, input, output, as_json)
    router = _open_router(model, index, audit)
    if input:
        _run_rows(input, output, _text_of, lambda texts: [router(text).to_dict() for text in texts])
        return
    decision = router(_read_text(text))
    whole = {**decision.to_dict(), "analysis": decision.analysis.to_dict()}
    _print(whole, as_json, lambda: show_decision(decision, router.analyzer.labels))


@app.command()
def evaluate(
    model: Annotated[
        str | None, typer.Argument(help="bundle folder, or `baseline:DATASET` for the baseline trained on a data set")
    ] = None,
    data: Annotated[Path | None, typer.Argument(help="gold JSONL")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="folder for the report: Markdown, JSON, PNG")] = None,
    against: Annotated[str | None, typer.Option(help="a second model to compare with, row by row")] = None,
    reference: Annotated[str | None, typer.Option(help="day that relative dates of the gold rows count from")] = None,
    fit: Annotated[bool, typer.Option("--fit", help="fit thresholds on these rows and keep them in the bundle")] = False,
    max_error: Annotated[float, typer.Option(help="with --fit: share of wrong topics allowed among the accepted")] = 0.05,
    confidence: Annotated[float, typer.Option(help="with --fit: probability with which that holds")] = 0.9,
    in_scope_recall: Annotated[float, typer.Option(help="with --fit: share in scope that must pass the gate")] = 0.985,
    routing: Annotated[
        Path | None, typer.Option(help="measure routing instead, on JSONL with `query` and the ids of its entries as `gold`")
    ] = None,
    index: Index = None,
    as_json: AsJson = None,
) -> None:
    """Compares a model with gold rows: topics, entities, roles, values; fits the thresholds of its topics. Or measures its routing."""
    if routing is not None and (data or against or fit or reference):
        raise InputError("evaluate: --routing takes a model and an --index, and no gold file, --against, --fit or --reference")
    if routing is None and (model is None or data is None or index):
        raise InputError("evaluate: expected a model and a gold file, or --routing QUERIES, which alone takes an --index")
    try:
        if routing is not None:
            _evaluate_routing(_open_router(Path(model) if model else None, index), routing, output, as_json)
        elif model is not None and data is not None:
            target = (max_error, confidence, in_scope_recall) if fit else None
            day = _parse_day(reference, "--reference") if reference else None
            _evaluate_labels(model, data, output, against, day, target, as_json)
    except ModuleNotFoundError as error:
        raise InputError(f"evaluate needs {error.name}, which is not installed: pip install wenlu[train]") from None


def _evaluate_labels(
    model: str,
    data: Path,
    output: Path | None,
    against: str | None,
    day: date | None,
    target: tuple[float, float, float] | None,
    as_json: bool | None,
) -> None:
    from nlp.assessment import assess
    from nlp.evaluation.acceptance import Target
    from nlp.evaluation.report import write_report
    from nlp.view import show_report

    evaluation = assess(model, data, against, Target(*target) if target else None, day)
    _write_report(output, lambda folder: write_report(folder, evaluation))
    _print(evaluation.to_dict(), as_json, lambda: show_report(evaluation))


def _evaluate_routing(router: Router, source: Path, output: Path | None, as_json: bool | None) -> None:
    from nlp.data.queries import read_queries
    from nlp.evaluation.routing import RoutingReport, write_routing_report
    from nlp.view import show_routing

    queries = read_queries(source)
    wanted = {name for query in queries for name in query.gold}
    missing = sorted(wanted - {entry.id for entry in router.index.scan(wanted)})
    if missing:
        raise InputError(
            f"{source}: gold: {len(missing)} of {len(wanted)} entries are not in the index, such as {missing[0]!r}; "
            "expected ids of this index: name it with --index, or build it anew"
        )
    report = RoutingReport(queries, [router(query.text) for query in queries])
    _write_report(output, lambda folder: write_routing_report(folder, report))
    _print(report.to_dict(), as_json, lambda: show_routing(report))


def _write_report(folder: Path | None, write: Callable[[Path], None]) -> None:
    if folder:
        try:
            write(folder)
        except OSError as error:
            raise InputError(f"{folder}: the report cannot be written: {error.strerror}") from None


def _open_router(model: Path | None, index: str | None, audit: Path | None = None) -> Router:
    """The router of a model over an index; the embedded ones where none is named."""
    from nlp.analyzer import Analyzer
    from nlp.audit import AuditLog
    from nlp.embedded import default_bundle, default_index
    from nlp.retrieval.index import AnswerIndex
    from nlp.router import Router

    analyzer = Analyzer.from_pretrained(model or default_bundle())
    opened = AnswerIndex.open(index, analyzer.fingerprint) if index else default_index(analyzer)
    return Router(analyzer, opened, audit=AuditLog(audit) if audit else None)


def _check_use(text: str | None, input: Path | None, output: Path | None, as_json: bool | None) -> None:
    """Refuses options of the one use in the other, rather than pass over them."""
    if input is None:
        if output is not None:
            raise InputError(f"--output {output}: takes the rows of --input; send the result for one text there with >")
    elif text is not None:
        raise InputError(f"both a text and --input {input}: give one of them")
    elif as_json is False:
        raise InputError("--pretty shows one text; the rows of --input come out as JSON")


def _reference_day(reference: str | None, input: Path | None) -> date | None:
    """The day that relative dates count from: today for a text that is asked now, none for rows written at any time."""
    if reference is not None:
        return _parse_day(reference, "--reference")
    return None if input else date.today()


def _read_text(text: str | None) -> str:
    """The text argument, or standard input read whole as UTF-8."""
    if text is None:
        if sys.stdin.isatty():
            raise InputError("no text: give it as an argument, on standard input, or as a file with --input")
        try:
            text = sys.stdin.buffer.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InputError(
                f"standard input: not UTF-8 at byte {error.start}; convert it first, as with iconv -f GB18030"
            ) from None
    if not text.strip():
        raise InputError("the text is empty")
    return text.strip("\n")


def _text_of(row: Row) -> str:
    for name in ("text", "query", "question"):
        if name in row:
            if not isinstance(row[name], str):
                raise InputError(f"{name}: expected a string, got {row[name]!r:.60}")
            if not row[name].strip():
                raise InputError(f"{name}: empty, expected a text")
            return str(row[name])
    raise InputError("text: missing, expected one of text, query, question")


def _parse_day(day: Any, where: str) -> date:
    try:
        return datetime.fromisoformat(day).date()
    except (TypeError, ValueError):
        raise InputError(f"{where}: expected a day as YYYY-MM-DD, got {day!r}") from None


def _print(data: Row, as_json: bool | None, pretty: Callable[[], Any]) -> None:
    if as_json or (as_json is None and not sys.stdout.isatty()):
        print(json.dumps(data, ensure_ascii=False))
    else:
        Console().print(pretty())


def _run_rows(source: Path, target: Path | None, prepare: Callable[[Row], T], work: Callable[[list[T]], list[Row]]) -> None:
    """Sends the rows of a JSONL file through `work`, chunk by chunk, and writes `{"id", …}` for each row that `prepare` could use."""
    bad = 0
    with _writer(target) as write:
        for chunk in _chunks(read_rows(source)):
            good: list[tuple[Any, T]] = []
            for number, row in chunk:
                try:
                    if isinstance(row, DataError):
                        raise row
                    good.append((row.get("id", number), prepare(row)))
                except InputError as error:
                    bad += 1
                    _complain(str(error) if isinstance(error, DataError) else f"{source}:{number}: {error}")
            for (identifier, _), result in zip(good, work([item for _, item in good]), strict=True):
                write({"id": identifier, **result})
    if bad:
        _complain(f"{source}: {bad} rows could not be used, the others are written")
        raise typer.Exit(2)


def _chunks(rows: Iterable[Any]) -> Iterator[list[Any]]:
    chunk: list[Any] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == MAX_CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


@contextmanager
def _writer(target: Path | None) -> Iterator[Callable[[Row], None]]:
    if target is None:
        yield lambda row: print(json.dumps(row, ensure_ascii=False))
        return
    # What stands at the target, perhaps the rows that are read, stays until all is done; a pipe or a device is written to at once.
    part = target if target.exists() and not target.is_file() else target.with_name(target.name + ".part")
    with _writable(target):
        file = part.open("w", encoding="utf-8", errors="backslashreplace")

    def write(row: Row) -> None:
        with _writable(target):
            print(json.dumps(row, ensure_ascii=False), file=file)

    try:
        yield write
        with _writable(target):
            file.close()
            if part != target:
                part.replace(target)
    except WenluError:
        with suppress(OSError):  # it may have no room for what it still holds
            file.close()
        if part != target:
            part.unlink(missing_ok=True)
        raise


@contextmanager
def _writable(target: Path) -> Iterator[None]:
    """Tells what the system has against writing to the target, such as a full disk."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {error.strerror or error}") from None
