"""Gold rows and the predictions of one or two models → a folder with `report.md`, `report.json` and pictures."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nlp.evaluation.acceptance import Acceptance, Fit, Target, acceptance, curve, with_topic
from nlp.evaluation.bootstrap import LEVEL, SAMPLES, Difference
from nlp.evaluation.markdown import number, table
from nlp.evaluation.metrics import Count, Report, calibration_bins, right_topic
from nlp.evaluation.mistakes import (
    KINDS,
    Mistake,
    count_kinds,
    mark_spans,
    role_confusions,
    span_mistakes,
    topic_mistakes,
)
from nlp.evaluation.slices import Slice, slice_reports
from nlp.evaluation.thresholds import TopicThresholds
from nlp.schema import Analysis, Example, LabelSchema

WORST = 25  # rows of each list of errors in the Markdown file; the JSON file has all
PLOTS = ("confusions", "confidences", "reliability", "risk", "types", "history", "learning")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model by its name, what it predicted, and its figures."""

    name: str
    predicted: Sequence[Analysis]
    report: Report


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that a report shows.

    Attributes:
        data: Name of the gold rows.
        gold: The rows.
        labels: Their labels.
        model: The model that the report is about.
        rival: A second one, None for none.
        differences: Rival less model, figure by figure.
        thresholds: Those in force, None for none.
        target: What they were fitted to keep.
        fit: Present when they were fitted on these rows.
        history: Figures of the training run by epoch, empty where unknown.
        learning: Figures of trainings on parts of the rows, with the number of their `rows`, empty where unknown.
    """

    data: str
    gold: Sequence[Example]
    labels: LabelSchema
    model: Candidate
    rival: Candidate | None = None
    differences: Sequence[Difference] = ()
    thresholds: TopicThresholds | None = None
    target: Target | None = None
    fit: Fit | None = None
    history: Sequence[Mapping[str, Any]] = ()
    learning: Sequence[Mapping[str, float]] = ()

    @property
    def acceptance(self) -> Acceptance | None:
        """What the thresholds in force do on these rows."""
        if self.thresholds is None:
            return None
        return acceptance(self.gold, self.model.predicted, self.thresholds, (self.target or Target()).confidence)

    def to_dict(self) -> dict[str, Any]:
        """Figures for a machine; without the rows, which `write_report` adds."""
        row = self.model.report.to_dict()
        if self.thresholds:
            row["thresholds"] = self.fit.to_dict() if self.fit else self.thresholds.to_dict()
        if used := self.acceptance:
            row["acceptance"] = used.to_dict()
        if self.rival:
            row["against"] = {"name": self.rival.name, **self.rival.report.to_dict()}
            row["differences"] = [d.to_dict() for d in self.differences]
        return row


@dataclass(frozen=True, slots=True)
class _Details:
    """What takes a pass over the rows, made once for both files."""

    slices: Sequence[Slice]
    topics: Sequence[Mistake]
    spans: Sequence[Mistake]
    roles: Counter[tuple[str, str]]


def write_report(folder: Path, evaluation: Evaluation) -> None:
    """Writes the files; those of an older report in the same folder are replaced.

    Args:
        folder: Made where missing; other files in it stay.
        evaluation: What to show.

    Raises:
        OSError: The folder cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in PLOTS:
        (folder / f"{name}.png").unlink(missing_ok=True)
    gold, predicted = evaluation.gold, evaluation.model.predicted
    details = _Details(
        slice_reports(gold, predicted, evaluation.labels),
        topic_mistakes(gold, predicted),
        span_mistakes(gold, predicted),
        role_confusions(gold, predicted),
    )
    _draw(folder, evaluation)
    drawn = [name for name in PLOTS if (folder / f"{name}.png").exists()]
    _write(folder / "report.md", "\n\n".join(_markdown(evaluation, details, drawn)) + "\n")
    _write(folder / "report.json", json.dumps(_json(evaluation, details), ensure_ascii=False, indent=1) + "\n")


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="backslashreplace")  # a text may hold lone surrogates


def _json(evaluation: Evaluation, details: _Details) -> dict[str, Any]:
    gate = evaluation.thresholds.gate if evaluation.thresholds else None
    points = curve(evaluation.gold, evaluation.model.predicted, gate)
    confusions = [[gold, found, n] for (gold, found), n in evaluation.model.report.confusions.items()]
    return {
        "model": evaluation.model.name,
        "data": evaluation.data,
        **evaluation.to_dict(),
        "confusions": confusions,
        "role_confusions": [[gold, found, n] for (gold, found), n in details.roles.most_common()],
        "span_mistakes_by_type": {kind: dict(counts) for kind, counts in sorted(count_kinds(details.spans).items())},
        "slices": [part.to_dict() for part in details.slices],
        "calibration_bins": [list(b) for b in _bins(evaluation)],
        "risk_coverage": [[round(p.threshold, 4), round(p.coverage, 4), round(p.risk, 4)] for p in points],
        "topic_mistakes": [m.to_dict() for m in details.topics],
        "span_mistakes": [m.to_dict() for m in details.spans],
        "history": list(evaluation.history),
        "learning": list(evaluation.learning),
    }


def _bins(evaluation: Evaluation) -> list[tuple[float, float, int]]:
    pairs = with_topic(evaluation.gold, evaluation.model.predicted)
    return calibration_bins([p.probability for _, p in pairs], [right_topic(g, p) for g, p in pairs])


def _draw(folder: Path, evaluation: Evaluation) -> None:
    from nlp.evaluation import plots

    report, predicted = evaluation.model.report, evaluation.model.predicted
    if (pairs := with_topic(evaluation.gold, predicted)) and report.topic_ece is not None:
        confidences, right = [p.probability for _, p in pairs], [right_topic(g, p) for g, p in pairs]
        counts = Counter((g.topic or "", p.topic) for g, p in pairs)
        plots.draw_confusions(
            counts, [t for t in evaluation.labels.topic_ids() if t in report.topics], folder / "confusions.png"
        )
        plots.draw_confidences(confidences, right, folder / "confidences.png")
        plots.draw_reliability(_bins(evaluation), report.topic_ece, folder / "reliability.png")
        _draw_risk(folder / "risk.png", evaluation)
    models = {m.name: m.report for m in (evaluation.model, evaluation.rival) if m}
    if kinds := [t for t in evaluation.labels.type_ids() if any(t in r.types for r in models.values())]:
        bars = {name: [(kind, r.types.get(kind, Count())) for kind in kinds] for name, r in models.items()}
        plots.draw_types(bars, folder / "types.png")
    if any(name in entry for entry in evaluation.history for name in plots.CURVES):
        plots.draw_history(evaluation.history, folder / "history.png")
    if evaluation.learning:
        plots.draw_learning(evaluation.learning, folder / "learning.png")


def _draw_risk(path: Path, evaluation: Evaluation) -> None:
    from nlp.evaluation.plots import draw_risk

    curves = {"all rows": curve(evaluation.gold, evaluation.model.predicted)}
    if evaluation.thresholds and evaluation.thresholds.gate:
        curves["in scope by the gate"] = curve(evaluation.gold, evaluation.model.predicted, evaluation.thresholds.gate)
    if evaluation.rival:
        curves[evaluation.rival.name] = curve(evaluation.gold, evaluation.rival.predicted)
    used = evaluation.acceptance
    chosen = (used.coverage, used.error) if used and used.accepted else None
    draw_risk(curves, chosen, evaluation.target.max_error if evaluation.target else None, path)


def _markdown(evaluation: Evaluation, details: _Details, drawn: Sequence[str]) -> Iterable[str]:
    report = evaluation.model.report
    yield f"# {evaluation.model.name} on {evaluation.data}"
    yield _figures(evaluation)
    if evaluation.rival:
        yield f"Intervals: {LEVEL:.0%}, paired bootstrap over rows, {SAMPLES} samples; bold where they exclude 0."
    if evaluation.thresholds:
        yield from _acceptance(evaluation)
    if report.topics:
        yield from ("## Topics", _counts_table("topic", report.topics), *_pictures(drawn, "confusions"))
        yield from ("### Confidence", *_pictures(drawn, "confidences", "reliability", "risk"))
    if report.types:
        yield from ("## Entities", _types_table(report, count_kinds(details.spans)), *_pictures(drawn, "types"))
    if details.roles:
        rows = [(gold, found, str(n)) for (gold, found), n in details.roles.most_common(15)]
        yield from ("### Wrong roles", table(("gold", "found", "n"), rows))
    yield from ("## Slices", _slices_table(details.slices))
    if "history" in drawn or "learning" in drawn:
        yield from ("## Training", *_pictures(drawn, "history", "learning"))
    if details.topics:
        yield f"## Wrong topics\n\nThe most confident first, {min(WORST, len(details.topics))} of {len(details.topics)}."
        yield "\n".join(_topic_line(mistake) for mistake in details.topics[:WORST])
    if details.spans:
        yield f"## Wrong spans\n\nThe rows with most of them first, {min(WORST, len(details.spans))} of {len(details.spans)}."
        yield "\n".join(_span_line(mistake) for mistake in details.spans[:WORST])


def _figures(evaluation: Evaluation) -> str:
    figures = [(n, v) for n, v in evaluation.model.report.to_dict().items() if not isinstance(v, dict)]
    if not evaluation.rival:
        return table(("figure", "value"), [(name, number(value)) for name, value in figures])
    others, intervals = evaluation.rival.report.to_dict(), {d.name: d for d in evaluation.differences}
    rows = []
    for name, value in figures:
        other = others[name]
        difference = intervals.get(name)
        between = f"{difference.low:+.4f} … {difference.high:+.4f}" if difference else ""
        change = f"{difference.second - difference.first:+.4f}" if difference else ""
        bold = "**" if difference and difference.significant else ""
        rows.append((name, number(value), number(other), f"{bold}{change}{bold}", between))
    return table(("figure", evaluation.model.name, evaluation.rival.name, "second − first", "interval"), rows)


def _acceptance(evaluation: Evaluation) -> Iterable[str]:
    limits, used, target = evaluation.thresholds, evaluation.acceptance, evaluation.target
    if limits is None or used is None:
        return
    yield "## Acceptance"
    where = "fitted on these rows" if evaluation.fit else "as kept with the model"
    least = "none keeps the error low enough" if limits.probability is None else f"{limits.probability:.4f}"
    rows = [("least probability of the topic", least), ("accepted", f"{used.accepted} of {used.rows}, {used.coverage:.1%}")]
    rows += [("wrong among them", f"{used.errors}, {used.error:.2%}")]
    if target:
        rows.append((f"upper bound of that, confidence {target.confidence:.0%}", f"{used.bound:.2%}"))
        rows.append(("error allowed", f"{target.max_error:.2%}"))
    if gate := limits.gate:
        rows.append(("out of scope", f"{gate.log_odds} · log-odds of `{gate.topic}` + {gate.energy} · energy > {gate.limit}"))
    if evaluation.fit and (fit := evaluation.fit.gate):
        rows += [(f"AUROC of {name}", f"{number:.4f}") for name, number in fit.auroc.items()]
        rows += [("pass in scope", f"{fit.in_scope_recall:.1%}"), ("stopped out of scope", f"{fit.out_of_scope_recall:.1%}")]
    yield f"Thresholds {where}."
    yield table(("", ""), rows)


def _counts_table(title: str, counts: Mapping[str, Count]) -> str:
    rows = [(n, *(f"{f:.4f}" for f in (c.precision, c.recall, c.f1)), str(c.gold)) for n, c in sorted(counts.items())]
    return table((title, "precision", "recall", "F1", "n"), rows)


def _types_table(report: Report, kinds: Mapping[str, Mapping[str, int]]) -> str:
    rows = []
    for name, count in sorted(report.types.items()):
        wrong = [str(kinds.get(name, {}).get(kind, 0)) for kind in KINDS]
        rows.append((name, *(f"{f:.4f}" for f in (count.precision, count.recall, count.f1)), str(count.gold), *wrong))
    return table(("type", "precision", "recall", "F1", "n", "wrong boundary", "wrong type", "missed", "extra"), rows)


def _slices_table(slices: Sequence[Slice]) -> str:
    rows = []
    for part in slices:
        report = part.report
        topics = [number(f) for f in (report.topic_accuracy, report.topic_accuracy_lenient)]
        spans = number(report.entity_f1) if part.entities else ""
        rows.append((part.kind, part.name, str(report.rows), str(part.topic_rows), *topics, str(part.entities), spans))
    return table(("slice", "", "rows", "with topic", "topic accuracy", "lenient", "entities", "entity F1"), rows)


def _topic_line(mistake: Mistake) -> str:
    gold = " / ".join(f"`{topic}`" for topic in (mistake.gold.topic or "", *mistake.gold.also))
    text = _plain(mark_spans(mistake.gold.text, mistake.predicted.entities))
    return (
        f"- {gold} taken for `{mistake.predicted.topic}` at {mistake.predicted.probability:.2f} ({mistake.gold.id})  \n  {text}"
    )


def _span_line(mistake: Mistake) -> str:
    lines = [f"- {mistake.gold.id}"]
    for name, entities in (("missed", mistake.missed), ("extra", mistake.extra)):
        if entities:
            lines.append(f"  {name}: {_plain(mark_spans(mistake.gold.text, entities))}")
    return "  \n".join(lines)


def _plain(text: str) -> str:
    """A text as one line of Markdown that shows its characters as they are."""
    return re.sub(r"([\\`*_<>\[\]#~$&])", r"\\\1", re.sub(r"\s+", " ", text))


def _pictures(drawn: Sequence[str], *names: str) -> list[str]:
    return [f"![{name}]({name}.png)" for name in names if name in drawn]
