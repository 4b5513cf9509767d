"""Variants keep what they say: offsets, roles and values."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp.config import load_schema
from nlp.data.augment import augment
from nlp.data.markup import parse_marked, with_values
from nlp.data.noise import apply_edits, traditional, typing_edits, widened
from nlp.data.plan import AugmentPlan
from nlp.data.rewrite import numeral_edits, place_edits, spell, writings
from nlp.schema import Entity, Example, LabelSchema, RegionValue
from nlp.text import normalize, read_value
from nlp.text.gazetteer import level, parents
from nlp.text.numerals import read_numeral

TAGS = {
    **{"i": "insurance", "m": "amount", "t": "duration", "d": "date", "a": "age", "p": "percent", "b": "benefit"},
    **{"ri": "region:insured", "rc": "region:care", "rw": "region:work"},
}
MARKED = [
    "{北京|ri}{医保卡|i}在{河北|rc}能刷吗？押金交了{12000元|m}，等了{3个月|t}",
    "{江苏溧阳|ri}的{社保|i}转到{上海|rw}，{2023年3月|d}办的，{50岁|a}",
    "{长春|ri}人，在{长春市朝阳区|rc}住院，报{70%|p}，自己掏{两万二|m}",
    "我妈有{低保|b}，{今年|d}能领{五百多|m}吗，{京津冀|rc}都行",
]


@pytest.fixture(scope="module")
def schema(root: Path) -> LabelSchema:
    return load_schema(root / "datasets/policy_questions/schema.toml")


def example(marked: str, schema: LabelSchema) -> Example:
    text, entities = parse_marked(marked, TAGS)
    return with_values(Example(text[:4], text, "medical_insurance", (), entities, "hand", "g"), schema, date(2026, 6, 30))


@pytest.mark.parametrize("marked", MARKED)
def test_variants_keep_types_roles_and_values(schema: LabelSchema, marked: str) -> None:
    original = example(marked, schema)
    plan = AugmentPlan(copies=8, regions=0.5, numerals=0.8, traditional=0.3, wide=0.3, typing=0.3)
    variants = list(augment([original], plan, 1, schema, date(2026, 6, 30)))
    assert len(variants) >= 4
    assert len({v.text for v in variants}) == len(variants)
    for variant in variants:
        assert (variant.topic, variant.group, variant.source) == (original.topic, "g", f"augment:{original.id}")
        for old, new in zip(original.entities, variant.entities, strict=True):
            assert (old.type, old.role) == (new.type, new.role)
            assert 0 <= new.start < new.end <= len(variant.text)
            if isinstance(old.value, RegionValue) and isinstance(new.value, RegionValue):
                assert [level(c) for c in old.value.resolved] == [level(c) for c in new.value.resolved]
            else:
                assert old.value == new.value


def test_the_seed_decides(schema: LabelSchema) -> None:
    rows = [example(marked, schema) for marked in MARKED]
    plan = AugmentPlan(copies=1.5)
    assert list(augment(rows, plan, 3, schema)) == list(augment(rows, plan, 3, schema))
    # A row has the same variants whatever stands beside it.
    assert [v for v in augment(rows, plan, 3, schema) if v.source.endswith(rows[2].id)] == list(
        augment(rows[2:3], plan, 3, schema)
    )
    assert not list(augment(rows, AugmentPlan(), 3, schema))


@given(st.text(alphabet="医保的在，。？ab７x\ud800", min_size=1, max_size=30), st.data())
@settings(max_examples=60, deadline=None)
def test_edits_move_entities_exactly(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), min_size=2, max_size=6)))
    spans = list(zip(cuts[::2], cuts[1::2], strict=False))
    row = Example("1", text, entities=tuple(Entity(a, b, "insurance") for a, b in spans))
    edits = typing_edits(row, 0.7, frozenset(), Random(0))
    changed = apply_edits(row, edits)
    for old, new in zip(row.entities, changed.entities, strict=True):
        inner = [(s - old.start, e - old.start, w) for s, e, w in edits if old.start <= s and e <= old.end]
        surface = Example("2", text[old.start : old.end])
        assert changed.text[new.start : new.end] == apply_edits(surface, inner).text


@pytest.mark.parametrize("edits", [[(1, 1, "x")], [(0, 2, "x"), (1, 3, "y")], [(3, 9, "x")], [(1, 3, "x")]])
def test_edits_that_would_blur_offsets_are_refused(edits: list[tuple[int, int, str]]) -> None:
    with pytest.raises(ValueError, match="edit"):
        apply_edits(Example("1", "一二三四", entities=(Entity(2, 4, "t"),)), edits)


def test_traditional_and_wide_text_reads_the_same() -> None:
    text = "后面发了医疗补贴2000块，办了异地备案和养老认证"
    assert traditional(text) != text
    assert len(traditional(text)) == len(text)
    assert normalize(traditional(text)).text == normalize(widened(text)).text == normalize(text).text
    assert "醫療補貼" in traditional(text)
    assert "后面" in traditional(text)


def test_places_of_one_text_move_together(schema: LabelSchema) -> None:
    row = example("{长春|ri}人，在{长春市朝阳区|rc}住院，{长春市|rw}上班", schema)
    edits, swaps = place_edits(row.text, [e for e in row.entities if e.type == "region"], Random(5))
    assert set(swaps) == {"220100", "220104"}
    assert parents(swaps["220104"])[0] == swaps["220100"]
    words = [new for *_, new in edits]
    assert words[2].startswith(words[0])
    assert words[1].startswith(words[2])


def test_groups_and_masked_places_stay(schema: LabelSchema) -> None:
    row = example("{京津冀|ri}和{北京|rc}", schema)
    assert place_edits(row.text, row.entities, Random(1)) == ([], {})


@given(st.integers(1, 10**8 - 1))
@settings(max_examples=200, deadline=None)
def test_every_writing_of_a_number_reads_as_that_number(number: int) -> None:
    for written in (*writings(Decimal(number)), spell(number)):
        read = read_numeral(written)
        assert read is not None, written
        assert read.low == read.high == number, written


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (2, "两"),
        (12, "十二"),
        (20, "二十"),
        (2200, "两千二百"),
        (10500, "一万零五百"),
        (100012, "十万零一十二"),
        (20000, "两万"),
    ],
)
def test_spelling(number: int, words: str) -> None:
    assert spell(number) == words


@pytest.mark.parametrize(
    ("text", "kind"),
    [("交了15年", "duration"), ("报百分之六十五", "percent"), ("报七成", "percent"), ("2023年3月办的", "date")],
)
def test_numerals_of_all_kinds_are_rewritten_with_their_value(text: str, kind: str) -> None:
    start = next(i for i, c in enumerate(text) if c in "1百七2")
    entity = Entity(start, len(text.rstrip("办的")), kind)
    old = read_value(text, entity.start, entity.end, kind)  # type: ignore[arg-type]
    seen = set()
    for seed in range(20):
        edits = numeral_edits(text, entity, kind, 1.0, Random(seed))
        changed = apply_edits(Example("1", text, entities=(entity,)), edits)
        seen.add(changed.text)
        assert read_value(changed.text, changed.entities[0].start, changed.entities[0].end, kind) == old  # type: ignore[arg-type]
    assert seen - {text}
