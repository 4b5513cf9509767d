from __future__ import annotations

from nlp.evaluation.slices import slice_reports
from nlp.schema import Analysis, Entity, EntityLabel, Example, LabelSchema, RegionValue, TopicLabel, TopicScore

LABELS = LabelSchema(
    (TopicLabel("water", "水"), TopicLabel("none", "无", "", True)),
    (EntityLabel("town", "地方", "", "region"), EntityLabel("thing", "事物")),
)
GOLD = [
    Example("1", "银川停水", "water", (), (Entity(0, 2, "town", None, RegionValue((), ("640100",))),), register="short"),
    Example(
        "2",
        "A市和宁夏" + "水" * 70,
        "water",
        (),
        (Entity(0, 2, "town"), Entity(3, 5, "town", None, RegionValue((), ("640000",)))),
    ),
    Example("3", "你好", None, (), (), register="chat"),
]
FOUND = [Analysis(g.text, (TopicScore("water" if n else "none", 0.9),), g.entities) for n, g in enumerate(GOLD)]


def test_slices_by_hand() -> None:
    parts = {(s.kind, s.name): s for s in slice_reports(GOLD, FOUND, LABELS)}
    assert {name for kind, name in parts if kind == "length"} == {"0-20", "61-200"}
    assert {name for kind, name in parts if kind == "register"} == {"short", "chat"}
    assert {name for kind, name in parts if kind == "entities"} == {"0", "1-2"}
    assert [name for kind, name in parts if kind == "region level"] == ["province", "city", "undecided", "no region"]
    assert parts["region level", "city"].report.topic_accuracy == 0
    assert parts["length", "61-200"].report.topic_accuracy == 1
    assert (parts["length", "0-20"].report.rows, parts["length", "0-20"].topic_rows, parts["length", "0-20"].entities) == (
        2,
        1,
        1,
    )
    assert parts["entities", "0"].to_dict()["topic_rows"] == 0


def test_no_rows_have_no_slices() -> None:
    assert slice_reports([], [], LABELS) == []
