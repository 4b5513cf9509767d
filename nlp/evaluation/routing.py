"""Questions with the entries that answer them, and what the router decided → figures, and a folder with a report of them."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

from nlp.evaluation.markdown import number, table
from nlp.evaluation.metrics import auroc
from nlp.evaluation.risk import Point, risk_coverage
from nlp.schema import Decision, Query

HEADLINES = ("questions", "coverage", "precision", "has_answer_auroc")


@dataclass(frozen=True, slots=True)
class KindFigures:
    """Shares of the questions of one kind; `mrr` is the mean of 1 / rank of the first right entry (Voorhees 1999).

    Ranks go as far as a decision shows entries, which is five.
    """

    questions: int
    recall_at_1: float
    recall_at_5: float
    mrr: float
    answered: float
    answered_right: float
    handed_off: float


@dataclass(frozen=True)
class RoutingReport:
    """Figures of routing.

    Args:
        queries: The questions.
        decisions: What was decided, in the same order.
    """

    queries: Sequence[Query]
    decisions: Sequence[Decision]

    @cached_property
    def kinds(self) -> dict[str, KindFigures]:
        """Kind of question → its figures."""
        groups: dict[str, list[tuple[Query, Decision]]] = defaultdict(list)
        for query, decision in zip(self.queries, self.decisions, strict=True):
            groups[query.kind].append((query, decision))
        return {kind: _figures(pairs) for kind, pairs in sorted(groups.items())}

    @cached_property
    def right(self) -> list[bool]:
        """Of each question, whether the first entry answers it."""
        return [_rank(query, decision) == 1 for query, decision in zip(self.queries, self.decisions, strict=True)]

    @property
    def coverage(self) -> float:
        """Share of the questions with an answer that were answered."""
        answerable = [d.action == "answer" for q, d in zip(self.queries, self.decisions, strict=True) if q.gold]
        return sum(answerable) / max(1, len(answerable))

    @property
    def precision(self) -> float | None:
        """Share of right ones among the answers given; None where none was."""
        given = [right for right, decision in zip(self.right, self.decisions, strict=True) if decision.action == "answer"]
        return sum(given) / len(given) if given else None

    @property
    def auroc(self) -> float | None:
        """How well the probability of the first entry tells questions with an answer from those without; None without both."""
        scored = [(bool(q.gold), d.probability) for q, d in zip(self.queries, self.decisions, strict=True)]
        return auroc([p for known, p in scored if known], [p for known, p in scored if not known])

    @property
    def outcomes(self) -> dict[str, dict[str, int]]:
        """Kind of question → reason of the decision → how many."""
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for query, decision in zip(self.queries, self.decisions, strict=True):
            counts[query.kind][decision.reason] += 1
        return {kind: dict(counts[kind].most_common()) for kind in sorted(counts)}

    @property
    def reasons(self) -> list[str]:
        """All reasons of decisions, in the order of the alphabet."""
        return sorted({decision.reason for decision in self.decisions})

    @property
    def risk(self) -> list[Point]:
        """Error among the first entries over the share of all questions that they are given to, by probability."""
        return risk_coverage([decision.probability for decision in self.decisions], self.right)

    def to_dict(self) -> dict[str, Any]:
        """All of it for a machine."""
        return {
            "questions": len(self.queries),
            "coverage": round(self.coverage, 4),
            "precision": None if self.precision is None else round(self.precision, 4),
            "has_answer_auroc": None if self.auroc is None else round(self.auroc, 4),
            "kinds": {kind: {k: round(v, 4) for k, v in asdict(figures).items()} for kind, figures in self.kinds.items()},
            "outcomes": self.outcomes,
        }


def _rank(query: Query, decision: Decision) -> int:
    """Where the first right entry stands, from 1; 0 where none was found."""
    return next((n for n, hit in enumerate(decision.answers, 1) if hit.entry.id in query.gold), 0)


def _figures(pairs: Sequence[tuple[Query, Decision]]) -> KindFigures:
    ranks, actions = [_rank(q, d) for q, d in pairs], [d.action for _, d in pairs]
    return KindFigures(
        len(pairs),
        fmean(rank == 1 for rank in ranks),
        fmean(rank > 0 for rank in ranks),
        fmean(1 / rank if rank else 0.0 for rank in ranks),
        fmean(action == "answer" for action in actions),
        fmean(action == "answer" and rank == 1 for action, rank in zip(actions, ranks, strict=True)),
        fmean(action == "handoff" for action in actions),
    )


def write_routing_report(folder: Path, report: RoutingReport) -> None:
    """Writes `routing.md`, `routing.json` and `routing.png`, the risk over the coverage.

    Raises:
        OSError: The folder cannot be made or written.
    """
    from nlp.evaluation.plots import draw_risk

    folder.mkdir(parents=True, exist_ok=True)
    given = sum(decision.action == "answer" for decision in report.decisions) / len(report.decisions)
    chosen = None if report.precision is None else (given, 1 - report.precision)
    draw_risk({"by probability": report.risk}, chosen, None, folder / "routing.png", "Risk and coverage of the first entry")
    whole = json.dumps(_json(report), ensure_ascii=False, indent=1)
    for name, text in (("routing.json", whole), ("routing.md", "\n\n".join(_markdown(report)))):
        (folder / name).write_text(text + "\n", encoding="utf-8", errors="backslashreplace")  # a query may hold lone surrogates


def _json(report: RoutingReport) -> dict[str, Any]:
    points = [[round(p.threshold, 4), round(p.coverage, 4), round(p.risk, 4)] for p in report.risk]
    rows = [
        {"query": q.text, "kind": q.kind, "gold": sorted(q.gold), "right": right, **d.to_dict()}
        for q, d, right in zip(report.queries, report.decisions, report.right, strict=True)
    ]
    for row in rows:
        row["answers"] = [[hit["id"], round(hit["score"], 4)] for hit in row["answers"]]
    return {**report.to_dict(), "risk_coverage": points, "decisions": rows}


def _markdown(report: RoutingReport) -> Iterable[str]:
    whole = report.to_dict()
    yield "# Routing"
    yield table(("figure", ""), [(name, number(whole[name])) for name in HEADLINES])
    yield (
        "`coverage`: share of the questions with an answer that were answered; `precision`: share of right ones among all answers "
        "given; `has_answer_auroc`: how well the probability of the first entry tells whether there is an answer."
    )
    columns = list(next(iter(whole["kinds"].values())))
    yield "## Kinds of questions"
    yield table(("kind", *columns), [(kind, *(number(row[c]) for c in columns)) for kind, row in whole["kinds"].items()])
    yield "## What was decided, and why"
    yield table(
        ("kind", *report.reasons), [(k, *(str(n.get(r, "")) for r in report.reasons)) for k, n in report.outcomes.items()]
    )
    yield "## Risk and coverage"
    yield "![risk and coverage](routing.png)"
