"""A training text → the same text about other places.

Whether a place is where somebody is insured or treated, and where its name begins and ends, is told by the words around it. A network
that sees a text a dozen times learns the name by heart instead; with other names each time it has nothing to go by but those words. So
any name as long will do here, while `nlp.data.rewrite` keeps level and value.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable

from nlp.data.noise import apply_edits
from nlp.schema import Example
from nlp.text.regions import resolve


class PlaceSwap:
    """Puts places of other texts where a text has its own.

    A name is replaced by one as long, a masked name (A市) by a masked one, and the same name by the same wherever it stands. Names that no
    table knows (the village, abroad) stay.

    Args:
        examples: The texts whose places are drawn from, as often as they occur there.
        types: The entity types that are places.
    """

    def __init__(self, examples: Iterable[Example], types: Collection[str]) -> None:
        self._types = types
        self._names: dict[tuple[bool, int], list[str]] = {}
        for example in examples:
            for name in self._places(example):
                if _known(name):
                    self._names.setdefault(_kind(name), []).append(name)

    def __call__(self, example: Example, chance: random.Random) -> Example | None:
        """A variant of a text.

        None for one without places, for one with a place whose name stands elsewhere in it as well, and where two of its places would get
        one name.
        """
        places = self._places(example)
        if not places or any(example.text.count(name) != sum(name in other for other in places) for name in places):
            return None
        drawn = self._draw(tuple(dict.fromkeys(places)), chance)
        if len({*drawn.values()}) < len(drawn):
            return None
        return apply_edits(
            example, [(e.start, e.end, drawn[example.text[e.start : e.end]]) for e in example.entities if e.type in self._types]
        )

    def _places(self, example: Example) -> list[str]:
        return [example.text[e.start : e.end] for e in example.entities if e.type in self._types]

    def _draw(self, names: tuple[str, ...], chance: random.Random) -> dict[str, str]:
        drawn: dict[str, str] = {}
        for name in names:
            free = [other for other in self._names.get(_kind(name), ()) if other not in drawn.values()]
            drawn[name] = chance.choice(free) if free and _known(name) else name
        return drawn


def _kind(name: str) -> tuple[bool, int]:
    """Whether a name is masked, and how long it is."""
    return any("A" <= character <= "Z" for character in name), len(name)


def _known(name: str) -> bool:
    return resolve(name, 0, len(name)) is not None
