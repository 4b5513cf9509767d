"""Places of questions and entries, and their relations."""

from __future__ import annotations

import pytest

from nlp.retrieval.places import Relation, find_codes, places_of, relation, surroundings, with_regions
from nlp.schema import NATIONAL, Entity, Entry, RegionCandidate, RegionValue


@pytest.mark.parametrize(
    ("asked", "stated", "expected"),
    [
        (["330106"], ["330100"], "contains"),
        (["330000"], ["330106"], "inside"),
        (["330100"], ["330100", "440100"], "same"),
        (["330100"], ["440100"], "disjoint"),
        (["330100"], [NATIONAL], "national"),
        ([], ["330100"], "unknown"),
        (["330100"], [], "unknown"),
        (["A市"], ["A市"], "same"),
        (["A市"], ["B市"], "disjoint"),
        (["A市"], ["330100"], "disjoint"),
        (["A3区"], ["A市"], "contains"),
        (["A市"], ["A3区"], "inside"),
        (["B3区"], ["A市"], "disjoint"),
    ],
)
def test_relation(asked: list[str], stated: list[str], expected: Relation) -> None:
    assert relation(asked, stated) == expected


def test_surroundings() -> None:
    assert surroundings("330106") == ("330100", "330000")
    assert surroundings("A市") == ()
    assert surroundings("K12县") == ("K市",)


def test_codes_come_most_often_named_first() -> None:
    assert find_codes("从杭州到广州，再回杭州") == ("330100", "440100")
    assert find_codes("A市的居民去B县") == ("A市", "B县")
    assert find_codes("B市民问，陕西省政府怎么规定") == ("B市", "610000")


def test_an_undecided_name_may_be_any_of_its_readings() -> None:
    value = RegionValue((RegionCandidate("110105", "朝阳区", 0.5), RegionCandidate("211300", "朝阳市", 0.4)))
    assert places_of(Entity(0, 2, "region", value=value), "朝阳") == ("110105", "211300")
    assert places_of(Entity(0, 4, "region", value=RegionValue()), "A市B区") == ("B区",)
    assert places_of(Entity(0, 3, "region", value=RegionValue()), "某某村") == ()


def test_an_entry_keeps_the_places_it_states() -> None:
    stated = Entry("x", "杭州怎么办", "广州的规定", regions=("310000",))
    assert with_regions(stated).regions == ("310000",)
    assert with_regions(Entry("x", "怎么办", "广州的规定，北京除外")).regions == ("440100",)
