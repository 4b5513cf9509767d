"""Variants of training texts: other places, the same labels on the same words."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.schema import Entity, Example
from nlp.training.variation import PlaceSwap


def example(marked: str, *more: Entity) -> Example:
    """`[北京|insured]医保卡` → an example with regions."""
    text, entities = "", []
    for part in marked.split("["):
        inside, bracket, after = part.partition("]")
        if not bracket:
            text += part
            continue
        name, _, role = inside.partition("|")
        entities.append(Entity(len(text), len(text) + len(name), "region", role or None))
        text += name + after
    return Example("1", text, entities=(*entities, *more))


POOL = [example("[上海]"), example("[天津]"), example("[重庆]"), example("[石家庄]"), example("[A市]"), example("[B市]")]


def test_a_variant_names_other_places_with_the_same_roles_and_keeps_all_else() -> None:
    swap = PlaceSwap(POOL, {"region"})
    given_ = example("[北京|insured]医保卡在[河北|care]住院，[北京|policy]给报吗，花了3万")
    at = given_.text.index("3万")
    given_ = Example("1", given_.text, "medical_insurance", ("subsidies",), (*given_.entities, Entity(at, at + 2, "amount")))
    other = swap(given_, random.Random(3))
    assert other is not None
    names = [other.text[e.start : e.end] for e in other.entities]
    assert names[0] == names[2] != names[1]
    assert {*names[:2]} < {"上海", "天津", "重庆"}
    assert other.text == f"{names[0]}医保卡在{names[1]}住院，{names[0]}给报吗，花了3万"
    assert [e.role for e in other.entities] == ["insured", "care", "policy", None]
    assert (other.topic, other.also, names[3]) == ("medical_insurance", ("subsidies",), "3万")


def test_masked_names_are_replaced_by_masked_ones_and_unknown_ones_stay() -> None:
    swap = PlaceSwap(POOL, {"region"})
    other = swap(example("[C市]的[下洼子]怎么走"), random.Random(1))
    assert other is not None
    assert other.text in ("A市的下洼子怎么走", "B市的下洼子怎么走")


@pytest.mark.parametrize("text", ["[北京]的医保去北京市社保局办", "怎么报销"])
def test_a_text_without_places_or_with_one_named_outside_a_region_has_no_variant(text: str) -> None:
    assert PlaceSwap(POOL, {"region"})(example(text), random.Random(1)) is None


@given(
    st.integers(0, 10_000),
    st.lists(st.sampled_from(["北京", "河北", "A市", "河北石家庄", "深圳", "𠮷"]), min_size=1, max_size=6),
)
def test_spans_of_a_variant_hold_whole_names(seed: int, names: list[str]) -> None:
    known = {"上海", "天津", "重庆", "石家庄", "A市", "B市", *names}
    other = PlaceSwap(POOL, {"region"})(example("，".join(f"[{name}]" for name in names)), random.Random(seed))
    if other is not None:
        found = other.text.split("，")
        assert [other.text[e.start : e.end] for e in other.entities] == found
        assert {*found} <= known
        assert len({*found}) == len({*names}), "the same name is replaced by the same, and two names never by one"


def test_two_places_that_would_get_one_name_make_no_variant() -> None:
    swap = PlaceSwap([example("[上海]"), example("[天津]")], {"region"})
    drawn = [swap(example("[北京]、[深圳]、[广州]"), random.Random(seed)) for seed in range(5)]
    assert all(other is None or len({*other.text.split("、")}) == 3 for other in drawn)
