from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp.evaluation.bootstrap import STATISTICS, differences, paired_bootstrap, ratio
from nlp.evaluation.metrics import evaluate
from nlp.schema import Analysis, DurationValue, Entity, Example, TopicScore

TOPICS = ("rent", "tax", "other")
PROBABILITIES = st.sampled_from((0.4, 0.5, 0.6, 0.75, 0.9))
SPANS = st.lists(
    st.builds(
        Entity,
        st.just(0),
        st.integers(1, 2),
        st.sampled_from(("place", "span")),
        st.sampled_from((None, "from", "to")),
        st.sampled_from((None, DurationValue("P1Y", "P1Y"), DurationValue("P2Y", "P2Y"))),
    ),
    max_size=1,
).map(tuple)


def _analysis(topic: str, probability: float, entities: tuple[Entity, ...]) -> Analysis:
    others = tuple(TopicScore(t, (1 - probability) / 2) for t in TOPICS if t != topic)
    return Analysis("一年", (TopicScore(topic, probability), *others), entities)


GOLD = st.builds(Example, st.just("1"), st.just("一年"), st.sampled_from((None, *TOPICS)), st.just(()), SPANS)
FOUND = st.builds(_analysis, st.sampled_from(TOPICS), PROBABILITIES, SPANS)
ROWS = st.lists(st.tuples(GOLD, FOUND, FOUND), min_size=1, max_size=25)


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_figures_are_those_of_the_report(rows: list[tuple[Example, Analysis, Analysis]]) -> None:
    gold, first = [g for g, _, _ in rows], [p for _, p, _ in rows]
    report = evaluate(gold, first, "other")
    for name, build in STATISTICS.items():
        statistic = build(list(zip(gold, first, strict=True)), "other")
        if name == "topic_macro_f1" or statistic is None:
            continue
        assert statistic(np.ones((1, len(gold))))[0] == pytest.approx(getattr(report, name)), name


@settings(max_examples=30, deadline=None)
@given(ROWS, st.integers(0, 9))
def test_a_drawn_sample_has_the_figures_of_its_rows(rows: list[tuple[Example, Analysis, Analysis]], seed: int) -> None:
    weights = np.random.default_rng(seed).multinomial(len(rows), np.full(len(rows), 1 / len(rows)))
    sample = [(rows[n][0], rows[n][1]) for n, times in enumerate(weights) for _ in range(times)]
    for name in ("topic_ece", "out_of_scope_auroc", "entity_f1"):
        whole = STATISTICS[name]([(g, p) for g, p, _ in rows], "other")
        alone = STATISTICS[name](sample, "other")
        if whole and alone:
            expected = alone(np.ones((1, len(sample))))[0]
            assert whole(weights[None].astype(float))[0] == pytest.approx(expected), name


def test_macro_f1_by_hand() -> None:
    gold = [Example(str(n), "税", t) for n, t in enumerate(("rent", "rent", "tax"))]
    found = [_analysis(t, 0.9, ()) for t in ("rent", "tax", "tax")]
    difference = next(d for d in differences(gold, found, found) if d.name == "topic_macro_f1")
    assert difference.first == pytest.approx(evaluate(gold, found).topic_macro_f1)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=20, max_size=80), st.integers(0, 5))
def test_the_interval_contains_the_mean_difference(rows: list[tuple[bool, bool]], seed: int) -> None:
    ones = np.ones((len(rows), 1))
    first, second = (ratio(np.array([[float(row[n])] for row in rows]), ones) for n in (0, 1))
    assert first is not None
    assert second is not None
    found = paired_bootstrap("accuracy", first, second, len(rows), samples=400, seed=seed)
    assert found.low - 1e-9 <= found.second - found.first <= found.high + 1e-9


def test_a_model_does_not_differ_from_itself_and_a_better_one_does() -> None:
    gold = [Example(str(n), "租房", TOPICS[n % 2]) for n in range(80)]
    good = [_analysis(g.topic or "", 0.9, ()) for g in gold]
    bad = [_analysis(g.topic if n % 3 else "other", 0.9, ()) for n, g in enumerate(gold)]  # type: ignore[arg-type]
    same = {d.name: d for d in differences(gold, good, good)}
    assert all((d.low, d.high) == (0, 0) and not d.significant for d in same.values())
    assert "entity_f1" not in same
    better = {d.name: d for d in differences(gold, bad, good)}
    assert better["topic_accuracy"].significant
    assert better["topic_accuracy"].low > 0.2
    with pytest.raises(ValueError, match="shorter"):
        differences(gold, good, good[:-1])
