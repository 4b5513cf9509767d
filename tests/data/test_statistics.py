from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("datasketch", reason="the extra `train` is not installed")
pytest.importorskip("sklearn", reason="the extra `train` is not installed")
pytest.importorskip("matplotlib", reason="the extra `train` is not installed")

from nlp.data.build import build
from nlp.data.card import markdown, plot, report
from nlp.data.statistics import Table, describe, distinctness, inconsistencies, length_band, length_bands, region_level, writing
from nlp.schema import Entity, Example, RegionCandidate, RegionValue


def test_tables_count_every_row_once(questions: Path) -> None:
    build(questions)
    found = describe(questions)
    tables = {table.name: table.to_dict() for table in found.tables}
    assert sum(tables["topic × split"]["medical"].values()) == 4
    assert tables["topic × register"] == {"medical": {"question": 4, "story": 0}, "labour": {"question": 0, "story": 2}}
    assert tables["region level × role"] == {"city": {"insured": 3, "work": 1}}
    assert tables["number writing × entity type"] == {"arabic": {"amount": 1}, "chinese": {"amount": 1}}
    assert tables["value × entity type"] == {"read": {"amount": 2}}
    assert found.units == 4
    assert "## Labels that disagree" in report(found, 5)
    assert set(found.to_dict()) == {"tables", "units", "doubts", "distinctness"}


@pytest.mark.parametrize(("length", "band"), [(0, "0-15"), (15, "0-15"), (16, "16-40"), (160, "81-160"), (161, "over 160")])
def test_length_bands(length: int, band: str) -> None:
    assert length_band(length) == band
    assert band in length_bands()


@pytest.mark.parametrize(
    ("surface", "name"),
    [
        ("XX个月", "masked"),
        ("５００元", "wide"),
        ("3w", "latin unit"),
        ("12,000元", "grouped"),
        ("1.2万元", "mixed"),
        ("2023年", "arabic"),
        ("壹万元", "formal"),
        ("八千多", "vague"),
        ("二〇二四年", "digit by digit"),
        ("两万五", "short"),
        ("一万二千", "chinese"),
        ("今年", "word"),
    ],
)
def test_writings(surface: str, name: str) -> None:
    assert writing(surface) == name


def test_region_levels() -> None:
    assert region_level(None) == "unknown"
    assert region_level(RegionValue()) == "masked"
    assert region_level(RegionValue((RegionCandidate("220000", "吉林省", 0.6),))) == "undecided"
    assert region_level(RegionValue(resolved=("110000", "120000"))) == "group"
    assert [region_level(RegionValue(resolved=(c,))) for c in ("110000", "210100", "210102")] == ["province", "city", "county"]


def tagged(identifier: str, text: str, *spans: tuple[str, str], topic: str = "t") -> Example:
    entities = tuple(Entity(text.index(s), text.index(s) + len(s), kind) for s, kind in spans)
    return Example(identifier, text, topic, entities=entities)


def test_surfaces_that_disagree_are_found_the_worst_first() -> None:
    rows = [
        tagged("a", "低保户能领低保金吗", ("低保户", "group")),
        tagged("b", "低保怎么申请", ("低保", "benefit")),
        tagged("c", "吃低保的人", ("低保", "group")),
        tagged("d", "交社保", ("社保", "insurance")),
        tagged("e", "社保怎么交"),
        tagged("f", "社保断了", ("社保", "insurance")),
        tagged("g", "交1500", ("1500", "amount")),
        tagged("h", "卡号15001500"),
    ]
    first, second = inconsistencies(rows)
    assert (first.surface, dict(first.labels), first.untagged, first.doubtful) == ("低保", {"benefit": 1, "group": 1}, 1, 2)
    assert (second.surface, dict(second.labels), second.untagged, second.ids) == ("社保", {"insurance": 2}, 1, ("e",))


def test_distinctness() -> None:
    texts = ["沈阳医保断了两个月还能补吗", "沈阳医保断了两个月还能补吗?", "加班费怎么算才对", "离婚以后孩子跟谁"]
    rows = [Example(str(n), text, "a" if n != 1 else "b") for n, text in enumerate(texts)]
    found = distinctness(rows)
    assert found.near_share == 0.5
    assert [(a.id, b.id) for _, a, b in found.conflicts] == [("0", "1")]
    assert set(found.nearest) == {"a"}
    assert 0 <= found.nearest["a"] < 0.3


def test_a_table_as_markdown_and_as_picture(tmp_path: Path) -> None:
    table = Table("x × y", ("a", "b"), ("c", "d"), {("a", "c"): 1, ("b", "d"): 2})
    assert markdown(table).splitlines()[2:] == ["| a | 1 | 0 | 1 |", "| b | 0 | 2 | 2 |", "| all | 1 | 2 | 3 |"]
    for columns in (("c", "d"), ("c",)):
        plot(Table("x × y", ("a", "b"), columns, table.counts), tmp_path / "a.png")
        assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
