"""What is known of a data set → Markdown and pictures: its card (`README.md`, `plots/*.png`) and the report of `wenlu data stats`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from nlp.data.duplicates import NEAR
from nlp.data.plan import DatasetPlan
from nlp.data.statistics import Description, Distinctness, Inconsistency, Table, topic_of
from nlp.schema import Example

SHOWN = 80  # characters of a text on the card


def write_card(folder: Path, plan: DatasetPlan, sections: Sequence[str], tables: Sequence[Table]) -> None:
    """Writes `README.md` of a data set, and a plot of each table.

    Args:
        folder: The data set folder.
        plan: Its plan.
        sections: Markdown to stand before the tables.
        tables: What to count; each becomes a table and a plot.
    """
    parts = [f"# {plan.title}", plan.description, f"Licence: {plan.licence}. {plan.origin}"]
    parts += [f"Made by `wenlu data build {folder.as_posix()}`; do not edit the JSONL files by hand.", *sections]
    plots = folder / "plots"
    plots.mkdir(exist_ok=True)
    for old in plots.glob("*.png"):
        old.unlink()
    for table in tables:
        picture = plots / f"{_slug(table.name)}.png"
        plot(table, picture)
        parts += [f"## {table.name}", markdown(table), f"![{table.name}](plots/{picture.name})"]
    (folder / "README.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def markdown(table: Table) -> str:
    """A table of counts with the sums of its rows and columns."""
    lines = [["", *table.columns, "all"]]
    for row in table.rows:
        counts = [table.counts.get((row, c), 0) for c in table.columns]
        lines.append([row, *map(str, counts), str(sum(counts))])
    sums = [sum(table.counts.get((r, c), 0) for r in table.rows) for c in table.columns]
    lines.append(["all", *map(str, sums), str(sum(sums))])
    rows = [f"| {' | '.join(cells)} |" for cells in lines]
    return "\n".join([rows[0], "|---" * len(lines[0]) + "|", *rows[1:]])


def plot(table: Table, path: Path) -> None:
    """Draws a table as a heat map with its counts; a column alone as bars. Shades follow the square root, so that small cells show."""
    from matplotlib.figure import Figure

    rows, columns = len(table.rows), len(table.columns)
    figure = Figure(figsize=(3 + 0.75 * max(columns, 4), 1.6 + 0.3 * rows), layout="constrained")
    axes = figure.add_subplot()
    if columns > 1:
        counts = [[table.counts.get((r, c), 0) for c in table.columns] for r in table.rows]
        roots = [[count**0.5 for count in line] for line in counts]
        axes.imshow(roots, aspect="auto", cmap="Blues")
        top = max(map(max, roots))
        for y, line in enumerate(counts):
            for x, count in enumerate(line):
                colour = "white" if roots[y][x] > 0.6 * top else "black"
                axes.text(x, y, str(count), ha="center", va="center", size=8, color=colour)
        axes.set_xticks(range(columns), list(table.columns), rotation=35, ha="right")
    else:
        axes.barh(range(rows), [table.counts.get((r, table.columns[0]), 0) for r in table.rows])
        axes.margins(y=0.01)
        axes.invert_yaxis()
    axes.set_yticks(range(rows), list(table.rows))
    axes.set_title(table.name)
    figure.savefig(path, dpi=80, metadata={"Software": None})  # no version number in the file


def _slug(name: str) -> str:
    return "-".join(re.findall(r"[a-z]+", name.lower()))


def distinct_section(found: Distinctness) -> str:
    """How distinct the texts are, as Markdown: near duplicates, mean nearest neighbour by topic, the most similar pairs."""
    means = ", ".join(f"{topic} {mean:.2f}" for topic, mean in found.nearest.items())
    lines = [
        "## Distinctness",
        "",
        f"{found.near_share:.2%} of the rows are near duplicates of another row (Jaccard index of character trigrams of {NEAR} or more).",
        f"Mean cosine of the nearest neighbour within a topic (TF-IDF of characters): {means}.",
        "",
        "The most similar pairs within a topic:",
        "",
    ]
    return "\n".join([*lines, *_lines(found.closest)])


def report(found: Description, most: int) -> str:
    """Everything known of a data set as Markdown: tables, doubtful labels (at most `most`), distinctness."""
    parts = [f"## {table.name}\n\n{markdown(table)}" for table in found.tables]
    if found.distinctness:
        parts.append(f"{found.units} different administrative units are named.")
        parts.append(_doubts_section(found.doubts, most))
        parts.append(distinct_section(found.distinctness))
        parts.append("\n".join(["## Near duplicates of different topics", "", *_lines(found.distinctness.conflicts)]))
    return "\n\n".join(parts) + "\n"


def _doubts_section(doubts: Sequence[Inconsistency], most: int) -> str:
    lines = ["## Labels that disagree", "", f"{len(doubts)} surfaces, {sum(d.doubtful for d in doubts)} doubtful places.", ""]
    lines += ["| surface | tagged | untagged | rows of the rarer sort |", "|---|---|---|---|"]
    for doubt in doubts[:most]:
        labels = ", ".join(f"{kind} {count}" for kind, count in doubt.labels.items())
        lines.append(f"| {_short(doubt.surface)} | {labels} | {doubt.untagged} | {' '.join(doubt.ids)} |")
    return "\n".join(lines)


def _lines(pairs: Iterable[tuple[float, Example, Example]]) -> list[str]:
    return [f"- {s:.2f} {topic_of(a)}: {_short(a.text)} / {topic_of(b)}: {_short(b.text)}" for s, a, b in pairs]


def _short(text: str) -> str:
    line = text.replace("\n", " ").replace("|", "\\|")
    return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"
