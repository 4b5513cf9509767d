"""The commands `wenlu audit` and `wenlu feedback`: what was decided, and what should have been."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from nlp.errors import DataError, InputError

AsJson = Annotated[bool | None, typer.Option("--json/--pretty", help="default: pretty on a terminal, else JSON")]


def show_audit(
    path: Annotated[Path, typer.Argument(help="file that `wenlu answer --audit` wrote")],
    since: Annotated[str, typer.Option(help="beginning of a time in UTC, such as 2026-11-22T08")] = "",
    until: Annotated[str, typer.Option(help="the same; it is included")] = "",
    action: Annotated[str | None, typer.Option(help="answer, suggest or handoff")] = None,
    reason: Annotated[str | None, typer.Option(help="such as no_answer")] = None,
    contains: Annotated[str, typer.Option(help="characters of the question")] = "",
    as_json: AsJson = None,
) -> None:
    """Records of decisions, oldest first: two lines each, or JSONL."""
    from nlp.audit import find_records

    machine = as_json or (as_json is None and not sys.stdout.isatty())
    console, bad = Console(), 0
    for record in find_records(path, since=since, until=until, action=action, reason=reason, contains=contains):
        if isinstance(record, DataError):
            bad += 1
            print(f"wenlu: {record}", file=sys.stderr)
        elif machine:
            print(json.dumps(record.to_dict(), ensure_ascii=False))
        else:
            decision = (record.action, record.reason, f"{record.probability:.2f}", record.answer or "")
            console.print(Text("  ".join((record.time[:19], record.id, *decision))), soft_wrap=True)
            console.print(Text(f"    {record.question}", style="dim"), soft_wrap=True)
    if bad:
        raise typer.Exit(2)


def store_feedback(
    question: Annotated[str | None, typer.Argument(help="as it was asked (default: that of the decision)")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="JSONL file that it is added to")] = None,
    topic: Annotated[str, typer.Option(help="the right topic")] = "",
    entry: Annotated[str, typer.Option(help="id of the entry that answers the question")] = "",
    wrong: Annotated[str, typer.Option(help="id of an entry that was given and does not answer it")] = "",
    comment: Annotated[str, typer.Option(help="anything else")] = "",
    decision: Annotated[str, typer.Option(help="id of the decision in the audit log")] = "",
    audit: Annotated[Path | None, typer.Option(help="the audit log, to look up the question")] = None,
) -> None:
    """Stores a correction, without personal data; `wenlu data from-feedback` makes training rows of it."""
    from nlp.embedded import home
    from nlp.feedback import Correction, FeedbackLog

    path = output or home() / "feedback.jsonl"
    asked = question or _asked(decision, audit)
    FeedbackLog(path).store(Correction(asked, topic, entry, wrong, comment, decision))
    print(f"{path}: stored", file=sys.stderr)


def _asked(decision: str, audit: Path | None) -> str:
    from nlp.audit import AuditRecord, find_records

    if not decision or audit is None:
        raise InputError("no question: give it as an argument, or name the decision with --decision and --audit")
    for record in find_records(audit):
        if isinstance(record, AuditRecord) and record.id == decision:
            return record.question
    raise InputError(f"{audit}: no decision {decision!r}")
