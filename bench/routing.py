"""Routing measured: entries a second into an index, milliseconds a question, over an archive as it is and over a much larger one.

    python bench/routing.py ARCHIVE.jsonl QUERIES.jsonl [--entries 100000] [--model DIR]

ARCHIVE holds entries (`id`, `question`, `answer`), QUERIES rows with `query`. The larger archive repeats the entries under new ids with
vectors moved a little, so that the lists of words and the clusters of vectors grow as they would. Questions are asked one after the other,
after twenty that do not count. Wants an otherwise idle machine.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from nlp.analyzer import Analyzer
from nlp.archive import CHUNK, build_index, make_batch
from nlp.data.queries import read_queries
from nlp.data.sources import stream_source
from nlp.embedded import default_bundle
from nlp.retrieval.index import AnswerIndex
from nlp.retrieval.rows import Batch
from nlp.router import Router
from nlp.schema import Entry

RESULTS = Path(__file__).resolve().parent / "results" / "routing.json"
WARM_UP = 20
SPREAD = 0.02  # of the noise on each number of a unit vector of a repeated entry


def milliseconds(router: Router, queries: list[str]) -> dict[str, float]:
    """Quantiles of the time of one question."""
    for query in queries[:WARM_UP]:
        router(query)
    taken = []
    for query in queries:
        started = time.perf_counter()
        router(query)
        taken.append((time.perf_counter() - started) * 1e3)
    return {"p50": round(float(np.median(taken)), 1), "p95": round(float(np.quantile(taken, 0.95)), 1)}


def repeated(batches: list[Batch], entries: int) -> Iterator[Batch]:
    """The batches again and again, until there are so many entries."""
    generator = np.random.default_rng(3)
    written = 0
    for turn in range(entries):
        for batch in batches:
            some = [replace(entry, id=f"{entry.id}-{turn}") for entry in batch.entries[: entries - written]]
            if not some:
                return
            moved = [_jittered(vectors[: len(some)], generator) for vectors in batch.columns().values()]
            yield Batch(some, *moved, tokens=batch.tokens and batch.tokens[: len(some)])
            written += len(some)


def _jittered(vectors: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.float32]:
    return vectors + generator.normal(0, SPREAD, vectors.shape).astype(np.float32)


def main(
    archive: Annotated[Path, typer.Argument(help="entries")],
    queries: Annotated[Path, typer.Argument(help="rows with `query`")],
    entries: Annotated[int, typer.Option(help="size of the larger archive")] = 100_000,
    model: Annotated[Path | None, typer.Option(help="a bundle (default: that of the package)")] = None,
) -> None:
    """Prints the figures and writes them to bench/results/routing.json."""
    analyzer = Analyzer.from_pretrained(model or default_bundle())
    known = [entry for entry in stream_source(archive) if isinstance(entry, Entry)]
    asked = [query.text for query in read_queries(queries)]
    if entries < len(known):
        raise typer.BadParameter(f"--entries {entries}: expected more than the {len(known)} of {archive}")
    figures: dict[str, object] = {"entries": len(known), "questions": len(asked)}
    with TemporaryDirectory() as folder:
        started = time.perf_counter()
        index = build_index(Path(folder) / "small", known, analyzer)
        figures["entries_per_second"] = round(len(known) / (time.perf_counter() - started), 1)
        figures["milliseconds"] = milliseconds(Router(analyzer, index), asked)
        batches = [make_batch(known[n : n + CHUNK], analyzer) for n in range(0, len(known), CHUNK)]
        large = AnswerIndex.create(Path(folder) / "large", repeated(batches, entries), analyzer.fingerprint)
        figures["larger"] = {"entries": len(large), "milliseconds": milliseconds(Router(analyzer, large), asked)}
    RESULTS.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    typer.echo(RESULTS.read_text(encoding="utf-8"))


if __name__ == "__main__":
    typer.run(main)
