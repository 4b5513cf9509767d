"""Judged questions over an index → the ranker's weights and the router's thresholds."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nlp.analyzer import Analyzer
from nlp.data.pairs import Pair
from nlp.errors import InputError
from nlp.evaluation.metrics import in_scope, topic_probability
from nlp.retrieval.index import AnswerIndex
from nlp.retrieval.rank import Ranker
from nlp.router import SHOWN, Router, Thresholds
from nlp.schema import Analysis, Example, Hit
from nlp.training.rank import fit_certainty, fit_ranker, fit_threshold

# A list of a smaller archive is one of which some entries are missing: the certainty, which compares the first with those behind it, is to
# hold for a desk of forty entries as for one of thousands.
SHARES = (1.0, 1 / 4, 1 / 16)
SUGGEST_ERROR = 0.35  # of the lists shown, the share that may hold no answer: looking costs little
IN_SCOPE_RECALL = 0.985  # of the questions in scope, the share that must pass the gate


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

    The certainty also learns from those examples whose topic no entry has: they have no answer in the archive.

    Args:
        analyzer: The model whose vectors the index holds.
        index: The archive that the pairs are about.
        for_ranker: Judged pairs for the weights, none of which the vectors were trained on.
        for_thresholds: Others for the thresholds.
        examples: Gold rows with topics, none of them trained on.
        max_error: Share of wrong answers allowed among those given, on `for_thresholds`.

    Returns:
        `{"ranker": …, "thresholds": …, "scales": …, "figures": …}` for the bundle's router.json.

    Raises:
        InputError: No pair names an entry, or all are of one kind.
    """
    router = Router(analyzer, index, Ranker.default(), Thresholds())  # whatever an earlier version left in the index
    judged = judge(router, analyzer, for_ranker)
    rows = [pair for j in judged for pair in _labelled(j)]
    ranker = fit_ranker([features for features, _ in rows], [label for _, label in rows])
    lists = [thin for share in SHARES for thin in _lists(judged, ranker, every=1, share=share)]
    lists += _strange_lists(Router(analyzer, index, ranker, Thresholds()), analyzer, examples)
    ranker = replace(ranker, of_list=fit_certainty([ranker.list_features(x.hits) for x in lists], [x.right(1) for x in lists]))
    lists = _lists(judge(router, analyzer, for_thresholds), ranker, every=2)
    certain, first = [ranker.certainty(x.hits) for x in lists], [x.hits[0].score for x in lists]
    thresholds = Thresholds(
        answer=fit_threshold(certain, [x.right(1) for x in lists], max_error),
        suggest=fit_threshold(first, [x.right(SHOWN) for x in lists], SUGGEST_ERROR),
        out_of_scope=_gate(analyzer, examples),
    )
    figures = _figures(lists, certain, thresholds.answer)
    kept = {"ranker": ranker.to_dict(), "thresholds": thresholds.to_dict(), "scales": dict(index.info.scales)}
    return {**kept, "figures": {**figures, "max_error": max_error}}


@dataclass(frozen=True, slots=True)
class _List:
    """Ranked hits for a question that `entry` answers; `orphaned` where that entry is not among them, or none does (`entry` empty)."""

    hits: tuple[Hit, ...]
    entry: str
    orphaned: bool

    def right(self, depth: int) -> bool:
        """Whether one of the first hits answers the question."""
        return any(hit.entry.id == self.entry for hit in self.hits[:depth])


def _lists(judged: Sequence[Judged], ranker: Ranker, every: int, share: float = 1.0) -> list[_List]:
    """The lists of the questions that have an answer, and of one in `every` of them also the list without it; of the other entries such a
    share is there.

    The latter is what an archive shows that does not hold the answer. No pair can tell of such questions, for a pair has an answer. The
    certainty, which is to learn what no answer looks like, sees all of them; for the thresholds every second makes a third of all lists.
    """
    draw = random.Random(0)
    answered = [j for j in judged if j.answers]
    found = [[hit for hit in j.hits if hit.entry.id == j.entry or draw.random() < share] for j in answered]
    lists = [_List(tuple(ranker.order(hits)), j.entry, False) for hits, j in zip(found, answered, strict=True)]
    without = [
        replace(whole, hits=tuple(hit for hit in whole.hits if hit.entry.id != whole.entry), orphaned=True)
        for whole in lists[::every]
    ]
    return [x for x in (*lists, *without) if x.hits]


def _strange_lists(router: Router, analyzer: Analyzer, examples: Sequence[Example]) -> list[_List]:
    """The lists of the examples of topics that no entry is of: whatever comes first there is no answer.

    No lists where an entry has no topic, or one that the model does not know: it may be of any.
    """
    outside, held = analyzer.labels.out_of_scope(), {entry.topic for entry in router.index.scan()}
    if not held <= set(analyzer.labels.topic_ids()):
        return []
    strange = [e.text for e in examples if e.topic not in (None, outside) and held.isdisjoint((e.topic, *e.also))]
    found = (router.rank(analysis) for analysis in analyzer.pipe(strange))
    return [_List(hits, "", orphaned=True) for hits in found if hits]


def _labelled(judged: Judged) -> list[tuple[Mapping[str, float], bool]]:
    """Features and label of each hit; where the right entry is unknown, only the one that is known to be wrong."""
    if judged.answers:
        return [(hit.features, hit.entry.id == judged.entry) for hit in judged.hits]
    return [(hit.features, False) for hit in judged.hits if hit.entry.id == judged.entry]


def _gate(analyzer: Analyzer, examples: Sequence[Example]) -> float:
    """The probability of the out-of-scope topic below which IN_SCOPE_RECALL of the questions in scope stay."""
    outside = analyzer.labels.out_of_scope()
    if outside is None:
        return 1.0
    inside = [e for e in examples if e.topic and in_scope(e, outside)]
    if not inside:
        return 1.0
    scores = sorted(topic_probability(a, outside) for a in analyzer.pipe(e.text for e in inside))
    return round(min(1.0, max(0.5, scores[min(len(scores) - 1, int(IN_SCOPE_RECALL * len(scores)))])), 4)


def _figures(lists: Sequence[_List], certainties: Sequence[float], threshold: float) -> dict[str, Any]:
    whole = [(x, certainty) for x, certainty in zip(lists, certainties, strict=True) if not x.orphaned]
    given = [x.right(1) for x, certainty in zip(lists, certainties, strict=True) if certainty >= threshold]
    return {
        "questions": len(whole),
        "recall@1": round(sum(x.right(1) for x, _ in whole) / max(1, len(whole)), 4),
        "recall@5": round(sum(x.right(5) for x, _ in whole) / max(1, len(whole)), 4),
        "answered": round(sum(certainty >= threshold for _, certainty in whole) / max(1, len(whole)), 4),
        "precision": round(sum(given) / max(1, len(given)), 4),
    }
