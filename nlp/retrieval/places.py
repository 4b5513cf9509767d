"""Places of an entry and of a question, and how the two relate.

A place is a six-digit code of GB/T 2260, `national`, or a mask such as `A市`, as archives of citizens' letters have them. The
same mask is the same place, `A3区` lies in `A市`, and all that is known of another mask is that it is another place.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Literal

from nlp.schema import NATIONAL, Entity, Entry, RegionValue
from nlp.text.normalize import normalize
from nlp.text.regions import find_regions, parents, related

Relation = Literal["same", "contains", "national", "inside", "disjoint", "unknown"]
# How much a relation speaks for an entry, best first: of several places the best one counts.
_BY_WORTH: tuple[Relation, ...] = ("same", "contains", "national", "inside", "disjoint", "unknown")
# An answer that states the rule of a place names it early; later places are examples, offices and hospitals.
_ANSWER_CHARACTERS = 200
_MASK = re.compile(r"(?<![A-Za-z])[A-Z]\d{0,2}[省市县区州]")
# Words that make the name of an organisation out of the place before them. That place is no region of the text, but it still
# tells whose rule is meant (陕西省政府, 鞍山市社保中心).
_ORGANISATION = re.compile(
    "公司|集团|法院|检察院|医院|中心|大学|学院|小学|中学|幼儿园|学校|酒店|宾馆|饭店|银行|[分支]行|部门|厅|局|派出所|委员会|政府|党委"
    "|厂|[医社]保所|税务所"
)


def places_of(entity: Entity, text: str) -> tuple[str, ...]:
    """Codes of a region of `text`: all that it may stand for where that is undecided; a mask where it has no code."""
    if not isinstance(entity.value, RegionValue):
        return ()
    codes = entity.value.resolved or tuple(candidate.code for candidate in entity.value.candidates)
    return codes or tuple(_MASK.findall(normalize(text[entity.start : entity.end]).text)[-1:])


@lru_cache(8_192)  # the texts of a few chunks: a build asks for those of an entry when it analyses and when it writes it
def find_codes(text: str) -> tuple[str, ...]:
    """Codes and masked names of all places in a text, also of those that begin an organisation, most often named first."""
    bare = _ORGANISATION.sub(lambda found: "。" * len(found.group()), normalize(text).text)
    counts = Counter(_MASK.findall(bare))
    for entity in find_regions(normalize(bare)):
        if isinstance(entity.value, RegionValue):
            counts.update(entity.value.resolved)
    return tuple(code for code, _ in counts.most_common())


def with_regions(entry: Entry) -> Entry:
    """Fills in the regions of an entry that states none: the places of its question, else the foremost place of its answer."""
    if entry.regions:
        return entry
    return replace(entry, regions=find_codes(entry.question) or find_codes(entry.answer[:_ANSWER_CHARACTERS])[:1])


def surroundings(code: str) -> tuple[str, ...]:
    """Codes of the places around one, nearest first: `330106` → (`330100`, `330000`), `A3区` → (`A市`,)."""
    if code.isdigit():
        return parents(code)
    return (f"{code[0]}市",) if _MASK.fullmatch(code) and code[1].isdigit() else ()


def relation(asked: Sequence[str], stated: Sequence[str]) -> Relation:
    """How the places whose rule an entry states relate to the place asked about.

    Args:
        asked: Codes of the question's place; several for a group such as 京津冀.
        stated: Codes of the entry's places.

    Returns:
        `contains` where the entry's place surrounds the one asked about (a rule of the province for its city), `inside` where
        it lies within, `unknown` where either side names none.
    """
    if NATIONAL in stated:
        return "national"
    found = {_relate(other, place) for place in asked for other in stated}
    return next((kind for kind in _BY_WORTH if kind in found), "unknown")


def _relate(stated: str, asked: str) -> Relation:
    if stated.isdigit() and asked.isdigit():
        return related(stated, asked)
    if stated in surroundings(asked):
        return "contains"
    return "same" if stated == asked else "inside" if asked in surroundings(stated) else "disjoint"
