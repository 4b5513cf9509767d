"""The log of a training run → a picture of its curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def draw_curves(history: Sequence[Mapping[str, Any]], names: Sequence[str], path: Path) -> None:
    """Draws numbers of a log over the steps, one curve a name, as PNG.

    Args:
        history: Entries of the library Trainer's log, each with `step` and some of the names.
        names: What to draw; names that no entry has are left out.
        path: The file to write; its folder is made.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    for name in names:
        points = [(int(entry["step"]), float(entry[name])) for entry in history if name in entry]
        if points:
            axes.plot(*zip(*points, strict=True), marker="o" if len(points) < 30 else "", label=name.removeprefix("eval_"))
    axes.set_xlabel("step")
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90, metadata={"Software": None})  # no version number in the file
