"""Figures of an evaluation → PNG files. Labels are ids, which need no Chinese font."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nlp.evaluation.metrics import Count
from nlp.evaluation.risk import Point

RIGHT, WRONG, MARK = "#2a78b5", "#d1495b", "#e09f3e"
CURVES = ("eval_score", "eval_topic_accuracy", "eval_span_f1")


def draw_confusions(counts: Mapping[tuple[str, str], int], topics: Sequence[str], path: Path) -> None:
    """Draws how often each topic (row) was taken for which (column); shades are shares of the row.

    Args:
        counts: By (gold, predicted), the right ones included.
        topics: Order of rows and columns.
        path: The file to write.
    """
    size = 2.6 + 0.44 * len(topics)
    figure, axes = _sheet("Topics: gold (rows) and predicted (columns)", (size + 1.0, size))
    sums = {topic: sum(counts.get((topic, other), 0) for other in topics) for topic in topics}
    shares = [[counts.get((row, column), 0) / max(1, sums[row]) for column in topics] for row in topics]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for y, row in enumerate(topics):
        for x, column in enumerate(topics):
            if count := counts.get((row, column), 0):
                colour = "white" if shares[y][x] > 0.55 else "black" if x == y else WRONG
                axes.text(x, y, str(count), ha="center", va="center", size=9, color=colour)
    axes.set_xticks(range(len(topics)), list(topics), rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(topics)), [f"{topic} ({sums[topic]})" for topic in topics])
    _save(figure, path)


def draw_confidences(confidences: Sequence[float], right: Sequence[bool], path: Path) -> None:
    """Draws how many right and wrong topics have which probability, in bins of 0.05."""
    figure, axes = _sheet("Probability of the predicted topic")
    parts = [[c for c, r in zip(confidences, right, strict=True) if r is good] for good in (True, False)]
    names = [f"{name} ({len(part)})" for name, part in zip(("right", "wrong"), parts, strict=True)]
    axes.hist(parts, bins=[n / 20 for n in range(21)], stacked=True, color=[RIGHT, WRONG], label=names)
    axes.set_xlabel("probability")
    axes.set_ylabel("rows")
    axes.legend(loc="upper left")
    _save(figure, path)


def draw_reliability(bins: Sequence[tuple[float, float, int]], error: float, path: Path) -> None:
    """Draws the share of right topics over the mean probability of each bin (Naeini et al. 2015).

    Args:
        bins: (mean probability, share of right ones, rows) of each.
        error: Expected calibration error, for the title.
        path: The file to write.
    """
    figure, axes = _sheet(f"Reliability in bins of equal mass, ECE {error:.3f}", (5.2, 5))
    axes.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1, label="honest")
    axes.plot([b[0] for b in bins], [b[1] for b in bins], marker="o", color=RIGHT, label="model")
    axes.set(xlabel="mean probability", ylabel="share of right topics", xlim=(0, 1.02), ylim=(0, 1.02), aspect="equal")
    axes.legend(loc="upper left")
    _save(figure, path)


def draw_risk(
    curves: Mapping[str, Sequence[Point]],
    chosen: tuple[float, float] | None,
    limit: float | None,
    path: Path,
    title: str = "Risk and coverage of the predicted topic",
) -> None:
    """Draws the error among accepted rows over the share that is accepted.

    Args:
        curves: Points of each curve by its name.
        chosen: (coverage, error) of the thresholds in force, None for none.
        limit: The error allowed, None for none.
        path: The file to write.
        title: What stands above.
    """
    figure, axes = _sheet(title)
    for (name, points), colour in zip(curves.items(), (RIGHT, MARK, "grey", "black"), strict=False):
        axes.plot([p.coverage for p in points], [p.risk for p in points], color=colour, label=name, drawstyle="steps-post")
    if limit is not None:
        axes.axhline(limit, color=WRONG, linestyle="--", linewidth=1, label=f"error allowed {limit:.0%}")
    if chosen:
        label = f"accepted {chosen[0]:.0%}, wrong {chosen[1]:.1%}"
        axes.plot(*chosen, marker="o", color=WRONG, markersize=9, linestyle="", label=label)
    axes.set(xlabel="coverage: share of rows accepted", ylabel="risk: share of wrong ones among them", xlim=(0, 1.02))
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper left")
    _save(figure, path)


def draw_types(rows: Mapping[str, Sequence[tuple[str, Count]]], path: Path) -> None:
    """Draws the F1 of labels as bars, a colour a model.

    Args:
        rows: (label, counts) of each model by its name; all with the same labels in the same order.
        path: The file to write.
    """
    labels = [f"{label} ({count.gold})" for label, count in next(iter(rows.values()))]
    width = 0.8 / len(rows)
    figure, axes = _sheet("F1 by entity type", (7, 1.4 + 0.36 * len(labels) * (1 if len(rows) == 1 else 1.5)))
    for number, ((name, counts), colour) in enumerate(zip(rows.items(), (RIGHT, MARK), strict=False)):
        places = [y + width * (number - (len(rows) - 1) / 2) for y in range(len(labels))]
        bars = axes.barh(places, [count.f1 for _, count in counts], height=width, color=colour, label=name)
        axes.bar_label(bars, fmt="%.2f", padding=2, size=8)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xlim(0, 1.08)
    axes.set_xlabel("F1")
    axes.margins(y=0.02)
    axes.invert_yaxis()
    if len(rows) > 1:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2, frameon=False)
    _save(figure, path)


def draw_history(history: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draws the figures on dev after each epoch of a training run.

    Args:
        history: Entries with `epoch` and some of CURVES, such as the `history` of a manifest.
        path: The file to write.
    """
    figure, axes = _sheet("Training: figures on dev by epoch")
    _draw_growth(axes, history, "epoch", CURVES)
    _save(figure, path)


def draw_learning(points: Sequence[Mapping[str, float]], path: Path) -> None:
    """Draws the figures on test by the number of rows trained on, which stands on a logarithmic axis.

    Args:
        points: Entries with `rows` and the figures of CURVES without their prefix, as `nlp.training.learning` gives them.
        path: The file to write.
    """
    figure, axes = _sheet("Learning: figures on test by rows trained on")
    _draw_growth(axes, points, "rows", [name.removeprefix("eval_") for name in CURVES])
    axes.set_xscale("log", base=2)
    axes.set_xticks([point["rows"] for point in points], [str(point["rows"]) for point in points])
    _save(figure, path)


def _draw_growth(axes: Axes, entries: Sequence[Mapping[str, Any]], over: str, names: Sequence[str]) -> None:
    for name, colour in zip(names, (MARK, RIGHT, WRONG), strict=True):
        points = [(float(entry[over]), float(entry[name])) for entry in entries if name in entry]
        if points:
            axes.plot(*zip(*points, strict=True), marker="o", color=colour, label=name.removeprefix("eval_"))
            axes.annotate(f"{points[-1][1]:.3f}", points[-1], xytext=(5, 0), textcoords="offset points", size=8, va="center")
    axes.set_xlabel(over)
    axes.margins(x=0.08)
    axes.legend(loc="lower right")


def _sheet(title: str, size: tuple[float, float] = (7, 4)) -> tuple[Figure, Axes]:
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, size=11)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, dpi=100, metadata={"Software": None})  # no version number in the file
