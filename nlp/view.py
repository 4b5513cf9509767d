"""Analyses, values and decisions → what a person sees on a terminal (rich)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Column, Table
from rich.text import Text

from nlp.evaluation.markdown import number
from nlp.retrieval.messages import full_name
from nlp.schema import (
    AgeValue,
    Analysis,
    Decision,
    Entity,
    Hit,
    LabelSchema,
    NumberValue,
    PercentValue,
    RegionValue,
    Value,
)
from nlp.text.gazetteer import name as region_name

if TYPE_CHECKING:
    from nlp.evaluation.report import Evaluation
    from nlp.evaluation.routing import RoutingReport

COLOURS = (
    "cyan",
    "green",
    "yellow",
    "magenta",
    "blue",
    "red",
    "bright_cyan",
    "bright_green",
    "bright_yellow",
    "bright_magenta",
)
ACTIONS = {"answer": ("回答", "green"), "suggest": ("请选择", "yellow"), "handoff": ("转人工", "red")}
SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
PERIODS = {
    "person": "人",
    "household": "户",
    "month": "月",
    "year": "年",
    "day": "日",
    "hour": "时",
    "term": "学期",
    "time": "次",
    "once": "一次性",
}


def show_analysis(analysis: Analysis, labels: LabelSchema) -> RenderableType:
    """Topic with probability, the text with its entities in colour, and a table of their values."""
    topics = Text.assemble(("主题  ", "dim"))
    for place, score in enumerate(analysis.topics[:3]):
        name = f"{labels.topic_name(score.topic)} {score.probability:.0%}"
        topics.append(name if not place else f"   {name}", style="bold" if not place else "dim")
    parts: list[RenderableType] = [topics, Text.assemble(("问题  ", "dim"), mark(analysis.text, analysis.entities))]
    if analysis.entities:
        parts.append(entity_table(analysis.text, analysis.entities, labels))
    return Group(*parts)


def mark(text: str, entities: Sequence[Entity]) -> Text:
    """The text with each entity in the colour of its type."""
    marked = Text(text)
    for entity in entities:
        marked.stylize(f"bold {colour(entity.type)}", entity.start, entity.end)
    return marked


def colour(kind: str) -> str:
    """A colour that depends on the name of the type alone."""
    return COLOURS[sum(map(ord, kind)) % len(COLOURS)]


def entity_table(text: str, entities: Sequence[Entity], labels: LabelSchema | None = None) -> Table:
    """One line an entity: span, type, role, value."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("  片段", "类型", "角色", "值"):
        table.add_column(title)
    for entity in entities:
        label = labels.type(entity.type) if labels else None
        surface = Text("  " + text[entity.start : entity.end], style=f"bold {colour(entity.type)}")
        table.add_row(surface, label.name if label else entity.type, entity.role or "", value_text(entity.value))
    return table


def value_text(value: Value | None) -> str:
    """A value in a few characters: `河北省 130000`, `≥ 50 元/人/月`, `70%`, `P15Y`."""
    if value is None:
        return ""
    if isinstance(value, RegionValue):
        return _region_text(value)
    if isinstance(value, PercentValue):
        low, high = (None if n is None else f"{n * 100:f}".rstrip("0").rstrip(".") + "%" for n in (value.low, value.high))
        return _bounds(low, high, value.comparator) + (" (变化)" if value.change else "")
    data = value.to_dict()
    if isinstance(data, str):
        return data
    text = _bounds(data["low"], data["high"], data["comparator"])
    if isinstance(value, AgeValue):
        return f"{text} 岁"
    if "currency" in data:
        unit = "元" if data["currency"] == "CNY" else data["currency"]
        text = "/".join([f"{text} {unit}", *(PERIODS.get(p, p) for p in data["per"])])
    if getattr(value, "approximate", False) and not isinstance(value, NumberValue):
        text += " 左右"
    return text


def _bounds(low: str | None, high: str | None, comparator: str) -> str:
    if low is not None and low == high:
        return low
    if comparator in SIGNS and (low is None or high is None):
        return f"{SIGNS[comparator]} {low if low is not None else high}"
    return f"{low or '?'} – {high or '?'}"


def _region_text(value: RegionValue) -> str:
    if value.resolved:
        return "、".join(f"{region_name(code)} {code}" for code in value.resolved)
    if not value.candidates:
        return "未写明的地方"
    return "可能是 " + " / ".join(f"{c.name} {c.code}" for c in value.candidates[:3])


def show_decision(decision: Decision, labels: LabelSchema) -> RenderableType:
    """The analysis, what was decided and why, and the answers."""
    label, style = ACTIONS[decision.action]
    why = Text.assemble(("决定  ", "dim"), (f"{label} {decision.probability:.0%}", f"bold {style}"))
    why.append(f"  {decision.reason}", style="dim")
    parts: list[RenderableType] = [show_analysis(decision.analysis, labels), why]
    parts.append(Text(f"      {decision.message}"))
    whole = decision.action == "answer"
    parts += [show_hit(hit, full=whole) for hit in decision.answers[: 1 if whole else 5]]
    return Group(*parts)


def show_report(evaluation: Evaluation) -> RenderableType:
    """The figures of an evaluation, beside those of a second model; what the thresholds do; F1 by topic and by entity type."""
    report, rival = evaluation.model.report, evaluation.rival
    figures = Table(
        "", evaluation.model.name, *((rival.name, "difference", "95%") if rival else ()), box=None, header_style="dim"
    )
    others = rival.report.to_dict() if rival else {}
    intervals = {d.name: d for d in evaluation.differences}
    for name, value in report.to_dict().items():
        if not isinstance(value, dict):
            cells = [number(value), *([number(others[name])] if rival else [])]
            if found := intervals.get(name):
                style = "bold" if found.significant else "dim"
                cells += [f"[{style}]{found.second - found.first:+.4f}[/]", f"{found.low:+.4f} … {found.high:+.4f}"]
            figures.add_row(name, *cells)
    labels = Table("label", "precision", "recall", "F1", "n", box=None, header_style="dim")
    for name, count in [*sorted(report.topics.items()), *sorted(report.types.items())]:
        labels.add_row(name, *(f"{number:.4f}" for number in (count.precision, count.recall, count.f1)), str(count.gold))
    return Group(figures, *_acceptance(evaluation), labels)


def show_routing(report: RoutingReport) -> RenderableType:
    """The figures of routing: of all questions, by kind of question, and why each kind ended as it did."""
    from nlp.evaluation.routing import HEADLINES

    whole = report.to_dict()
    figures = Table("", "", box=None, show_header=False)
    for name in HEADLINES:
        figures.add_row(name, number(whole[name]))
    names = (name.replace("_", " ") for name in next(iter(whole["kinds"].values())))
    kinds = Table(Column("kind", no_wrap=True), *names, box=None, header_style="dim")
    for kind, row in whole["kinds"].items():
        kinds.add_row(kind, *(number(value) for value in row.values()))
    reasons = (reason.replace("_", " ") for reason in report.reasons)
    outcomes = Table(Column("kind", no_wrap=True), *reasons, box=None, header_style="dim")
    for kind, counts in report.outcomes.items():
        outcomes.add_row(kind, *(str(counts.get(reason, "")) for reason in report.reasons))
    return Group(figures, Text(), kinds, Text(), outcomes)


def _acceptance(evaluation: Evaluation) -> list[RenderableType]:
    """One line on what the thresholds in force do, when there are any."""
    limits, used = evaluation.thresholds, evaluation.acceptance
    if limits is None or used is None:
        return []
    if limits.probability is None:
        return [Text("no threshold keeps the error low enough: nothing is accepted", style="red")]
    line = f"from probability {limits.probability:.4f}: {used.accepted} of {used.rows} accepted, {used.errors} wrong"
    return [Text(f"{line} ({used.error:.2%}, at most {used.bound:.2%} with the stated confidence)", style="green")]


def show_hit(hit: Hit, full: bool) -> RenderableType:
    """An entry: whole with its source, or as one line of a list."""
    if not full:
        return Text(f"      · {hit.entry.question}  ", style="") + Text(f"{hit.score:.0%}", style="dim")
    entry = hit.entry
    regions = "、".join(map(full_name, entry.regions))
    facts = [("依据", entry.law), ("适用", regions), ("截至", entry.as_of), ("来源", entry.source)]
    source = "   ".join(f"{name} {value}" for name, value in facts if value)
    why = "   ".join(f"{name} {value:.2f}" for name, value in hit.features.items() if abs(value) >= 0.005)
    parts = [Text(entry.answer), Text(source, style="dim"), Text(f"理由 {why}", style="dim")]
    return Panel(Group(*parts), title=Text(entry.question, style="bold"), title_align="left", border_style="green")
