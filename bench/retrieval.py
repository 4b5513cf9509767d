"""Ways to find the entry, side by side: words alone, vectors alone, both fused by rank, and the router with its ranker.

    python bench/retrieval.py ARCHIVE.jsonl QUERIES.jsonl [--model DIR] [--frozen ENCODER:query]

ARCHIVE holds entries, QUERIES rows of `query`, `gold` and `kind`. `--frozen` names an encoder as bench/encoders.py does; its vectors of the
questions alone, with no training on them, are one more way. For each kind of question with an answer: the share whose right entry comes
first, and among the first five. AUROC: how well the score of the first entry tells questions with an answer from those without.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import typer

from nlp.analyzer import Analyzer
from nlp.archive import build_index
from nlp.data.queries import read_queries
from nlp.data.sources import stream_source
from nlp.embedded import default_bundle
from nlp.evaluation.markdown import number, table
from nlp.evaluation.routing import RoutingReport
from nlp.retrieval.index import AnswerIndex
from nlp.router import SHOWN, Router
from nlp.schema import Analysis, Decision, Entry, Hit, Query
from nlp.text.segment import segment

RESULTS = Path(__file__).resolve().parent / "results" / "retrieval.json"
CHARACTERS = 300  # of an entry's question that a frozen encoder reads
Found = tuple[Sequence[Hit], float]  # best first, and the score of the first


def by_words(index: AnswerIndex, analysis: Analysis) -> Found:
    """BM25 over the words of question and answer."""
    hits = index.search(segment(analysis.text))
    return hits, max((hit.features["lexical"] for hit in hits), default=0.0)


def by_vector(index: AnswerIndex, analysis: Analysis) -> Found:
    """Cosine of the question asked and the entry's question."""
    hits = index.search((), analysis.vector)
    return hits, hits[0].features["closeness"]


def fused(index: AnswerIndex, analysis: Analysis) -> Found:
    """Reciprocal rank fusion of the two."""
    hits = index.search(segment(analysis.text), analysis.vector)
    return hits, hits[0].score


def frozen(name: str, entries: Sequence[Entry]) -> Callable[[AnswerIndex, Analysis], Found]:
    """Cosine of the vectors of an encoder that was not trained for this."""
    from encoders import load, vectors

    network, encoder, prefix = load(name)
    known = vectors(network, encoder, [prefix + entry.question[:CHARACTERS] for entry in entries]).numpy()

    def search(_: AnswerIndex, analysis: Analysis) -> Found:
        likeness = known @ vectors(network, encoder, [prefix + analysis.text])[0].numpy()
        best = np.argsort(-likeness)[:SHOWN]
        return [Hit(entries[n], float(likeness[n]), {}) for n in best], float(likeness[best[0]])

    return search


def report(queries: Sequence[Query], analyses: Sequence[Analysis], found: Sequence[Found]) -> dict[str, float | None]:
    """Recall by kind and AUROC of one way."""
    decisions = [
        Decision("answer", tuple(hits[:SHOWN]), score, "answered", "", analysis)
        for analysis, (hits, score) in zip(analyses, found, strict=True)
    ]
    return figures(RoutingReport(queries, decisions))


def figures(report: RoutingReport) -> dict[str, float | None]:
    answerable = {query.kind for query in report.queries if query.gold}
    recalls = {kind: report.kinds[kind] for kind in sorted(answerable)}
    return {
        **{f"{kind} @{n}": round(getattr(row, f"recall_at_{n}"), 4) for kind, row in recalls.items() for n in (1, 5)},
        "AUROC": None if report.auroc is None else round(report.auroc, 4),
    }


def main(
    archive: Annotated[Path, typer.Argument(help="entries")],
    queries: Annotated[Path, typer.Argument(help="rows of `query`, `gold` and `kind`")],
    model: Annotated[Path | None, typer.Option(help="a bundle (default: that of the package)")] = None,
    frozen_encoder: Annotated[str, typer.Option("--frozen", help="an encoder as bench/encoders.py takes it")] = "",
) -> None:
    """Prints a table and writes the figures to bench/results/retrieval.json."""
    analyzer = Analyzer.from_pretrained(model or default_bundle())
    entries = [entry for entry in stream_source(archive) if isinstance(entry, Entry)]
    asked = read_queries(queries)
    analyses = [analyzer(query.text) for query in asked]
    ways = {"words (BM25)": by_words, "vectors": by_vector, "fused by rank": fused}
    if frozen_encoder:
        ways = {f"vectors of {Path(frozen_encoder).name}": frozen(frozen_encoder, entries), **ways}
    with TemporaryDirectory() as folder:
        index = build_index(Path(folder) / "index", entries, analyzer)
        rows = {name: report(asked, analyses, [way(index, analysis) for analysis in analyses]) for name, way in ways.items()}
        router = Router(analyzer, index)
        rows["router"] = figures(RoutingReport(asked, [router(query.text) for query in asked]))
    RESULTS.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    columns = list(rows["router"])
    typer.echo(table(("", *columns), [(name, *(number(row[c]) for c in columns)) for name, row in rows.items()]))


if __name__ == "__main__":
    typer.run(main)
