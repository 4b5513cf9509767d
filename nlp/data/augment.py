"""Training rows → variants of them: other places, other writings of numbers, slips of the writer; seeded, and never of another meaning.

A variant counts only where the grammars read from it what they read from the original (or the place put in); a row may thus
have fewer variants than planned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from random import Random

from nlp.data.corpus import text_id
from nlp.data.markup import with_values
from nlp.data.noise import apply_edits, traditional, typing_edits, widened
from nlp.data.plan import AugmentPlan
from nlp.data.rewrite import numeral_edits, place_edits
from nlp.schema import Entity, Example, LabelSchema, RegionValue, Value

TRIES = 3  # for one variant


def augment(
    examples: Iterable[Example], plan: AugmentPlan, seed: int, schema: LabelSchema, reference: date | None = None
) -> Iterator[Example]:
    """Makes variants of examples that have their values.

    Args:
        examples: Rows of the training split.
        plan: How many and how changed.
        seed: With the id of a row, it decides everything about the variants of that row.
        schema: Labels of the rows.
        reference: The day that relative dates count from.

    Yields:
        Variants in the group of their originals, with `augment:` and the id of the original as source.
    """
    for example in examples:
        chance = Random(f"{seed} {example.id}")
        seen = {example.text}
        for _ in range(int(plan.copies) + (chance.random() < plan.copies % 1)):
            variants = (_variant(example, plan, schema, reference, chance) for _ in range(TRIES))
            variant = next((v for v in variants if v is not None and v.text not in seen), None)
            if variant is not None:
                seen.add(variant.text)
                yield variant


def _variant(
    example: Example, plan: AugmentPlan, schema: LabelSchema, reference: date | None, chance: Random
) -> Example | None:
    """One variant; None where nothing changed or a value did."""
    kinds = [label.value if (label := schema.type(e.type)) else None for e in example.entities]
    regions = [e for e, kind in zip(example.entities, kinds, strict=True) if kind == "region"]
    edits, swaps = place_edits(example.text, regions, chance) if chance.random() < plan.regions else ([], {})
    for entity, kind in zip(example.entities, kinds, strict=True):
        if kind and kind != "region":
            edits += numeral_edits(example.text, entity, kind, plan.numerals, chance)
    changed = apply_edits(example, edits)
    closed = {i for e, kind in zip(changed.entities, kinds, strict=True) if kind for i in range(e.start, e.end)}
    changed = apply_edits(changed, typing_edits(changed, plan.typing, closed, chance))
    text = traditional(changed.text) if chance.random() < plan.traditional else changed.text
    text = widened(text) if chance.random() < plan.wide else text
    identifier = text_id(text)
    variant = with_values(replace(changed, id=identifier, text=text, source=f"augment:{example.id}"), schema, reference)
    kept = all(_same(old, new, swaps) for old, new in zip(example.entities, variant.entities, strict=True))
    return variant if kept and text != example.text else None


def _same(old: Entity, new: Entity, swaps: dict[str, str]) -> bool:
    return _essence(old.value, swaps) == _essence(new.value, {})


def _essence(value: Value | None, swaps: dict[str, str]) -> Value | tuple[str, ...] | None:
    """What must stay of a value: of a place the codes, since its other readings depend on the places around."""
    if isinstance(value, RegionValue):
        return tuple(swaps.get(code, code) for code in value.resolved)
    return value
