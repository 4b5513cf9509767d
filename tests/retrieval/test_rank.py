"""Features and the probability made of them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from nlp.errors import ArchiveError
from nlp.retrieval.rank import FEATURES, AskedPlaces, Ranker, asked_places
from nlp.schema import NATIONAL, AgeValue, Analysis, Entity, Entry, Hit, RegionValue, TopicScore

DAY = date(2026, 1, 1)
TEXT = "杭州医保在上海住院报销多少"
INSURED = Entity(0, 2, "region", "insured", RegionValue((), ("330100",)))
CARE = Entity(5, 7, "region", "care", RegionValue((), ("310000",)))
INSURANCE = Entity(2, 4, "insurance")


def analysis(*entities: Entity, text: str = TEXT) -> Analysis:
    return Analysis(text, (TopicScore("medical", 0.9), TopicScore("other", 0.1)), entities)


def hit(**fields: object) -> Hit:
    return Hit(Entry(**({"id": "x", "question": "医保报销", "answer": "按比例"} | fields)), 0.0, {"closeness": 3.0})  # type: ignore[arg-type]


def features(entry: Hit, question: Analysis) -> dict[str, float]:
    return dict(Ranker({}, 0.0).rank(question, asked_places(question), [entry], DAY)[0].features)


def test_the_insured_place_decides_the_rule() -> None:
    places = asked_places(analysis(CARE, INSURED))
    assert (places.rule, places.care) == (("330100",), ("310000",))


def test_without_roles_all_places_count_and_without_entities_the_gazetteer_finds_them() -> None:
    assert asked_places(analysis()).rule == ("330100", "310000")
    assert asked_places(analysis(text="医保怎么报销")).rule == ()


@pytest.mark.parametrize(
    ("regions", "expected"),
    [
        (("330100",), "rule_same"),
        (("330000",), "rule_contains"),
        (("330106",), "rule_inside"),
        (("440100",), "rule_disjoint"),
        ((NATIONAL,), "rule_national"),
        ((), "rule_unstated"),
    ],
)
def test_place_features(regions: tuple[str, ...], expected: str) -> None:
    found = features(hit(regions=regions), analysis(INSURED))
    assert [name for name in found if name.startswith("rule_")] == [expected]


def test_the_place_of_care_tells_entries_of_two_places_apart() -> None:
    question = analysis(INSURED, CARE)
    assert features(hit(regions=("330100", "310000")), question)["care_same"] == 1
    assert features(hit(regions=("330100", "440100")), question)["care_disjoint"] == 1
    assert not [name for name in features(hit(regions=("330100",)), question) if name.startswith("care_")]


def test_an_entry_about_a_place_nobody_asked_about() -> None:
    assert features(hit(regions=("330100",)), analysis(text="医保怎么报销"))["rule_unasked"] == 1


def test_topic_entities_values_and_age() -> None:
    age = Entity(0, 2, "age", value=AgeValue(None, None))
    found = features(hit(topic="medical", as_of="2021-05-01"), analysis(INSURANCE, age))
    assert (found["topic"], found["entities"], found["values"], found["age"]) == (0.9, 1.0, 0.0, 0.5)
    unknown = features(hit(topic=None), analysis())
    assert (unknown["topic"], unknown["entities"], unknown["age"]) == (0.5, 0.5, 0.0)
    assert features(hit(topic="市民热线"), analysis())["topic"] == 0.5, "a label of the archive, not of the model"


def test_every_feature_has_a_name() -> None:
    question = analysis(INSURED, CARE, INSURANCE)
    assert set(features(hit(regions=("330100", "310000")), question)) <= set(FEATURES)


def test_probability_is_logistic_and_ordered() -> None:
    ranker = Ranker({"closeness": 2.0}, -4.0)
    assert ranker.probability({"closeness": 2.0}) == pytest.approx(0.5)
    assert 0 < ranker.probability({"closeness": -1e9}) < ranker.probability({"closeness": 1e9}) <= 1
    near, far = Hit(Entry("near", "q", "a"), 0, {"closeness": 5}), Hit(Entry("far", "q", "a"), 0, {"closeness": 1})
    assert [h.entry.id for h in ranker.rank(analysis(), AskedPlaces(), [far, near], DAY)] == ["near", "far"]


def test_weights_are_saved_and_read(tmp_path: Path) -> None:
    Ranker.default().save(tmp_path / "ranker.json")
    assert Ranker.load(tmp_path / "ranker.json") == Ranker.default()


@pytest.mark.parametrize(
    "data",
    [{}, {"format": 1, "weights": {"magic": 1}, "bias": 0}, {"format": 1, "weights": {"topic": float("nan")}, "bias": 0}],
)
def test_bad_weights_are_refused(tmp_path: Path, data: dict[str, object]) -> None:
    (tmp_path / "ranker.json").write_text(json.dumps(data))
    with pytest.raises(ArchiveError):
        Ranker.load(tmp_path / "ranker.json")
