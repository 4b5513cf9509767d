"""Judged questions over an index → the ranker's weights and the router's thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nlp.analyzer import Analyzer
from nlp.data.pairs import Pair
from nlp.errors import InputError
from nlp.retrieval.index import AnswerIndex
from nlp.retrieval.rank import Ranker
from nlp.router import Router, Thresholds
from nlp.schema import Analysis, Example, Hit
from nlp.training.rank import fit_certainty, fit_ranker, fit_threshold

SUGGEST_ERROR = 0.5  # of the lists shown, the share that may hold no answer: looking costs little
SUGGEST_FLOOR = 0.1  # questions that no entry answers are not among the pairs, so the fit alone would suggest for everything
IN_SCOPE_RECALL = 0.985  # of the questions in scope, the share that must pass the gate
# For the thresholds each of so many questions is also asked of the archive without its answer, so that a third of all have none there;
# for the certainty itself, which learns what no answer looks like, every one.
ORPHANED = 2


@dataclass(frozen=True, slots=True)
class Judged:
    """A question, the entry that answers it or (with `answers` false) that does not, and what the index found."""

    entry: str
    answers: bool
    analysis: Analysis
    hits: tuple[Hit, ...]


def judge(router: Router, analyzer: Analyzer, pairs: Sequence[Pair]) -> list[Judged]:
    """Routes the questions of pairs whose other side is an entry, and those entries' own questions, which people also ask as they stand.

    Raises:
        InputError: No pair names an entry.
    """
    known = [p for p in pairs if p.entry is not None and p.kind != "paraphrase"]
    chosen = {p.a: p for p in known} | {p.b: p for p in known if p.label == 1}
    if not chosen:
        raise InputError("no pair names an entry of the archive; build the archive first, then the pairs")
    analyses = analyzer.pipe(chosen)
    return [Judged(p.entry or "", p.label == 1, a, router.rank(a)) for p, a in zip(chosen.values(), analyses, strict=True)]


def fit_router(
    analyzer: Analyzer,
    index: AnswerIndex,
    for_ranker: Sequence[Pair],
    for_thresholds: Sequence[Pair],
    examples: Sequence[Example],
    max_error: float,
) -> dict[str, Any]:
    """Fits the ranker and the thresholds on judged pairs, and the out-of-scope gate on `examples`.

    Args:
        analyzer: The model whose vectors the index holds.
        index: The archive that the pairs are about.
        for_ranker: Judged pairs for the weights, none of which the vectors were trained on.
        for_thresholds: Others for the thresholds.
        examples: Gold rows with topics, none of them trained on.
        max_error: Share of wrong answers allowed among those given, on `for_thresholds`.

    Returns:
        `{"ranker": …, "thresholds": …, "figures": …}` for the bundle's router.json.

    Raises:
        InputError: No pair names an entry, or all are of one kind.
    """
    router = Router(analyzer, index)
    judged = judge(router, analyzer, for_ranker)
    rows = [pair for j in judged for pair in _labelled(j)]
    ranker = fit_ranker([features for features, _ in rows], [label for _, label in rows])
    lists = [pair for j in judged for pair in _lists(replace(j, hits=tuple(ranker.order(j.hits))))]
    ranker = replace(ranker, of_list=fit_certainty([ranker.list_features(h) for h, _ in lists], [right for _, right in lists]))
    judged = [replace(j, hits=tuple(ranker.order(j.hits))) for j in judge(router, analyzer, for_thresholds)]
    orphaned = [j for j in judged if j.answers][::ORPHANED]
    tops = [(ranker.certainty(hits), right) for j in judged for hits, right in _lists(j, orphaned=j in orphaned)]
    suggested = [(j.hits[0].score, any(h.entry.id == j.entry for h in j.hits[:5])) for j in judged if j.hits and j.answers]
    thresholds = Thresholds(
        answer=round(fit_threshold([s for s, _ in tops], [r for _, r in tops], max_error), 4),
        suggest=max(
            SUGGEST_FLOOR, round(fit_threshold([s for s, _ in suggested], [r for _, r in suggested], SUGGEST_ERROR), 4)
        ),
        out_of_scope=_gate(analyzer, examples),
    )
    figures = _figures(judged, ranker, tops, thresholds)
    return {"ranker": ranker.to_dict(), "thresholds": thresholds.to_dict(), "figures": {**figures, "max_error": max_error}}


def _lists(judged: Judged, orphaned: bool = True) -> Iterator[tuple[tuple[Hit, ...], bool]]:
    """Lists of entries and whether the first of them answers the question.

    With `orphaned` also the list without the entry that answers it: what an archive shows that does not hold the answer. No pair can tell
    of such questions, for a pair has an answer.
    """
    if judged.hits and _counts(judged):
        yield judged.hits, _right(judged)
    others = tuple(hit for hit in judged.hits if hit.entry.id != judged.entry)
    if judged.answers and orphaned and others:
        yield others, False


def _labelled(judged: Judged) -> list[tuple[Mapping[str, float], bool]]:
    """Features and label of each hit; where the right entry is unknown, only the one that is known to be wrong."""
    if judged.answers:
        return [(hit.features, hit.entry.id == judged.entry) for hit in judged.hits]
    return [(hit.features, False) for hit in judged.hits if hit.entry.id == judged.entry]


def _right(judged: Judged) -> bool:
    """Whether the first hit answers the question; that of a negative is the entry known not to."""
    return judged.answers and judged.hits[0].entry.id == judged.entry


def _counts(judged: Judged) -> bool:
    """Whether it is known if the first hit is right: another entry than the wrong one may well answer a negative."""
    return judged.answers or judged.hits[0].entry.id == judged.entry


def _gate(analyzer: Analyzer, examples: Sequence[Example]) -> float:
    """The probability of the out-of-scope topic below which IN_SCOPE_RECALL of the questions in scope stay."""
    outside = analyzer.labels.out_of_scope()
    inside = [e for e in examples if e.topic and e.topic != outside and outside not in e.also]
    if outside is None or not inside:
        return 1.0
    analyses = analyzer.pipe(e.text for e in inside)
    scores = sorted(next(t.probability for t in a.topics if t.topic == outside) for a in analyses)
    return round(min(1.0, max(0.5, scores[min(len(scores) - 1, int(IN_SCOPE_RECALL * len(scores)))])), 4)


def _figures(
    judged: Sequence[Judged], ranker: Ranker, tops: Sequence[tuple[float, bool]], thresholds: Thresholds
) -> dict[str, Any]:
    positive = [j for j in judged if j.answers and j.hits]
    right = [right for certainty, right in tops if certainty >= thresholds.answer]
    return {
        "questions": len(positive),
        "recall@1": round(sum(j.hits[0].entry.id == j.entry for j in positive) / max(1, len(positive)), 4),
        "recall@5": round(sum(any(h.entry.id == j.entry for h in j.hits[:5]) for j in positive) / max(1, len(positive)), 4),
        "answered": round(sum(ranker.certainty(j.hits) >= thresholds.answer for j in positive) / max(1, len(positive)), 4),
        "precision": round(sum(right) / max(1, len(right)), 4),
    }
