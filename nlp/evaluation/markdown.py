"""Figures and rows of cells → tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The table; bars in cells are escaped."""
    lines = ([cell.replace("|", "\\|") for cell in line] for line in (head, ["---"] * len(head), *rows))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float | None) -> str:
    """A cell for a figure: counts whole, shares with four digits, what is not known empty."""
    return "" if value is None else str(value) if isinstance(value, int) else f"{value:.4f}"
