from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nlp.evaluation.mistakes import EXCERPT, count_kinds, mark_spans, role_confusions, span_mistakes, topic_mistakes
from nlp.schema import Analysis, Entity, Example, TopicScore

TEXT = "宁波的图书馆三年没修"
GOLD = Example(
    "1", TEXT, "repairs", ("culture",), (Entity(0, 2, "place", "of"), Entity(3, 6, "building"), Entity(6, 8, "span"))
)


def _found(topic: str, probability: float, *entities: Entity) -> Analysis:
    return Analysis(TEXT, (TopicScore(topic, probability),), entities)


def test_topics_come_by_confidence() -> None:
    found = [_found("culture", 0.99), _found("tax", 0.6), _found("tax", 0.9), _found("repairs", 1.0)]
    wrong = topic_mistakes([GOLD] * 4, found)
    assert [m.predicted.probability for m in wrong] == [0.9, 0.6]
    assert wrong[0].to_dict()["predicted"] == "tax"


def test_spans_are_told_apart_by_kind() -> None:
    found = _found(
        "repairs", 0.9, Entity(0, 2, "place", "to"), Entity(3, 5, "building"), Entity(6, 8, "age"), Entity(9, 10, "age")
    )
    right = _found("repairs", 0.9, *GOLD.entities)
    mistakes = span_mistakes([GOLD, GOLD, GOLD], [right, found, _found("repairs", 0.9)])
    assert [len(m.missed) + len(m.extra) for m in mistakes] == [5, 3]
    counts = count_kinds(mistakes)
    assert counts["building"] == {"boundary": 1, "missed": 1}
    assert counts["span"] == {"type": 1, "missed": 1}
    assert counts["age"] == {"extra": 1}
    assert role_confusions([GOLD], [found]) == {("of", "to"): 1}


def test_spans_are_marked() -> None:
    assert mark_spans(TEXT, GOLD.entities) == "{宁波|place:of}的{图书馆|building}{三年|span}没修"
    long = "路" * 300 + TEXT + "灯" * 300
    marked = mark_spans(long, [Entity(300, 302, "place")])
    assert marked.startswith("…路")
    assert "{宁波|place}的" in marked
    assert marked.endswith("灯…")


@given(st.text(max_size=400), st.lists(st.tuples(st.integers(0, 400), st.integers(1, 20)), max_size=6))
def test_a_mark_never_changes_the_text(text: str, spans: list[tuple[int, int]]) -> None:
    entities = [Entity(a, min(len(text), a + size), "t") for a, size in spans if a < len(text)]
    marked = mark_spans(text, entities)
    if len(text) <= EXCERPT and not set(text) & set("{|}…"):
        assert marked.replace("{", "").replace("|t}", "") == text
    assert len(marked) <= EXCERPT + 2 + 4 * len(entities)
