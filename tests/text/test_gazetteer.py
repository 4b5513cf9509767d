from __future__ import annotations

import pytest

from nlp.schema import NATIONAL
from nlp.text.gazetteer import children, former, gazetteer, level, name, parents, related


@pytest.mark.parametrize(
    ("a", "b", "relation"),
    [
        ("440000", "440106", "contains"),
        ("440106", "440100", "inside"),
        ("310000", "310000", "same"),
        ("310000", "320000", "disjoint"),
        ("440100", "440300", "disjoint"),
        ("420000", "429004", "contains"),
        (NATIONAL, "650000", "contains"),
        ("650000", NATIONAL, "inside"),
        ("810000", "440000", "disjoint"),
    ],
)
def test_relations(a: str, b: str, relation: str) -> None:
    assert related(a, b) == relation


def test_hierarchy() -> None:
    assert parents("440106") == ("440100", "440000")
    assert parents("429004") == ("420000",)
    assert parents("110105") == ("110000",)
    assert parents("440000") == parents(NATIONAL) == ()
    assert "440100" in children("440000")
    assert "440106" not in children("440000")
    assert "110105" in children("110000")
    assert len(children(NATIONAL)) == 34
    assert [level(c) for c in (NATIONAL, "440000", "441900", "440106")] == ["nation", "province", "city", "county"]
    assert name("440106") == "天河区"
    assert name("999999") == ""


def test_every_unit_is_reached_from_the_top() -> None:
    units = gazetteer().units
    for code in units:
        assert (code in children(parents(code)[0])) if parents(code) else (code in children(NATIONAL))
        assert all(related(above, code) == "contains" for above in parents(code))


def test_every_code_of_the_tables_is_a_unit() -> None:
    tables = gazetteer()
    used = {c for readings in (*tables.names.values(), *tables.abbreviations.values()) for r in readings for c in r.codes}
    assert used <= set(tables.units)
    assert all(readings for readings in tables.abbreviations.values())


def test_every_official_name_stands_for_its_unit() -> None:
    tables = gazetteer()
    for code, official in tables.units.items():
        assert any(r.codes == (code,) for r in tables.names[official]), official


@pytest.mark.parametrize(
    ("old", "codes", "year"),
    [("襄樊", ("420600",), 2010), ("宣武区", ("110102",), 2010), ("莱芜市", ("370116",), 2019), ("大庸市", ("430800",), 1994)],
)
def test_former_units(old: str, codes: tuple[str, ...], year: int) -> None:
    assert [(r.codes, r.year) for r in former(old)] == [(codes, year)]


def test_a_unit_in_use_is_not_former() -> None:
    assert former("襄阳市") == former("没有的地方") == ()
