"""Two readers of the same text, network and grammar, brought to one list of entities.

The grammar of `nlp.text` knows exactly where an amount, a date or a place ends; the network knows what a number is about, which role a
place has, and all the types that no grammar describes. Rules, in this order:

1. A span of the network with a type that has no grammar stands, and no mention of the grammar may cut into it: 江西 in 江西省税务部门 is no
   region. So does a span of a type with a grammar where no mention touches it, if the network is sure enough (他说[8000]够不够), and if
   the grammar does not see the name of a public body or of a hospital begin there (到[A市]口腔医院).
2. Where both found something of the same type, the boundaries are the grammar's, and type, role and probability the network's.
3. Where they touch but differ in type, the mention stands with the type that the network gave (退休前[50] is an age, not a number).
4. A mention that the network missed stands if the network finds its type likely enough there.

How sure is enough is fitted for each type on the dev split (`fit_trust`) and kept in the manifest.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlp.model.alignment import OUTSIDE, Encoding
from nlp.schema import Entity, LabelSchema
from nlp.text.places import begins_institution

NEVER = 1.01  # a threshold that no probability reaches
DOUBT = 0.5  # what only the network found, and thinks unlikely itself, never stands: other texts hold traps that the dev split lacks
LIKELY = 0.3  # what only the grammar found, and the network finds this likely, always stands: the dev split has traps that others lack


@dataclass(frozen=True, slots=True)
class Trust:
    """Least probabilities at which a span of one type stands that only the network (`network`) or only the grammar (`grammar`) found."""

    network: float = 0.5
    grammar: float = 0.0

    def to_dict(self) -> dict[str, float]:
        return {"network": self.network, "grammar": self.grammar}


def trust_from_dict(data: Mapping[str, Any]) -> dict[str, Trust]:
    """Reads what `to_dict()` wrote, for each type."""
    return {kind: Trust(float(row["network"]), float(row["grammar"])) for kind, row in data.items()}


class Evidence:
    """What the network thinks of any span of one text.

    Args:
        probabilities: Of the tags of each token, shape (tokens, tags).
        encoding: The tokens.
        names: The tags.
    """

    def __init__(self, probabilities: NDArray[np.float32], encoding: Encoding, names: Sequence[str]) -> None:
        self.probabilities, self.encoding = probabilities, encoding
        self.tags: dict[str, list[int]] = {}
        for number, name in enumerate(names):
            if name != OUTSIDE:
                self.tags.setdefault(name[2:], []).append(number)

    def of(self, start: int, end: int, kind: str) -> tuple[float, str | None]:
        """Mean probability in [0, 1] that the characters `start:end` are of type `kind`, and the likeliest role, if the type has roles."""
        first = int(np.searchsorted(self.encoding.ends, start, side="right"))
        last = int(np.searchsorted(self.encoding.starts, end, side="left"))
        mean = self.probabilities[first : max(last, first + 1)].mean(axis=0)
        by_role = {t: float(mean[n].sum()) for t, n in self.tags.items() if t.partition(":")[0] == kind}
        best = max(by_role, key=by_role.__getitem__)
        return min(1.0, sum(by_role.values())), best.partition(":")[2] or None


def reconcile(
    text: str,
    spans: Sequence[Entity],
    mentions: Sequence[Entity],
    evidence: Evidence,
    labels: LabelSchema,
    trust: Mapping[str, Trust],
) -> list[Entity]:
    """Joins the spans of the network with the mentions of the grammar by the rules of the module.

    Args:
        text: What both read.
        spans: Of the network, in text order, without overlap.
        mentions: Of `nlp.text.find`, likewise; their types are kinds of values.
        evidence: The network's view of any span.
        labels: Which types have a grammar, and which.
        trust: By type; types that are missing have the defaults.

    Returns:
        Entities in text order, without overlap; those from a mention carry its value.
    """
    kinds = {label.id: label.value for label in labels.types}
    kept = [
        span
        for span in spans
        if kinds[span.type] is None
        or (
            not _touching(span, mentions)
            and (span.probability or 0.0) >= trust.get(span.type, Trust()).network
            and not (kinds[span.type] == "region" and begins_institution(text, span.start, span.end))
        )
    ]
    for mention in mentions:
        entity = _settle(mention, spans, kinds, evidence, trust)
        if entity is not None and not _touching(entity, kept):
            insort(kept, entity, key=_start)
    return kept


def _start(entity: Entity) -> int:
    return entity.start


def _end(entity: Entity) -> int:
    return entity.end


def _touching(entity: Entity, others: Sequence[Entity]) -> Sequence[Entity]:
    """Those of others, which stand in text order without overlap, that have a character in common with the entity."""
    return others[bisect_right(others, entity.start, key=_end) : bisect_left(others, entity.end, key=_start)]


def _settle(
    mention: Entity,
    spans: Sequence[Entity],
    kinds: Mapping[str, Any],
    evidence: Evidence,
    trust: Mapping[str, Trust],
) -> Entity | None:
    """The entity that a mention of the grammar becomes, or None."""
    rivals = [span for span in _touching(mention, spans) if kinds[span.type] is not None]
    if rivals:
        span = max(rivals, key=lambda s: min(s.end, mention.end) - max(s.start, mention.start))
        value = mention.value if kinds[span.type] == mention.type else None
        return replace(span, start=mention.start, end=mention.end, value=value)
    options = [kind for kind, grammar in kinds.items() if grammar == mention.type]
    if not options:
        return None
    scored = {kind: evidence.of(mention.start, mention.end, kind) for kind in options}
    kind = max(scored, key=lambda k: scored[k][0])
    probability, role = scored[kind]
    if probability < trust.get(kind, Trust()).grammar:
        return None
    return Entity(mention.start, mention.end, kind, role, mention.value, probability)


def fit_trust(cases: Sequence[tuple[str, str, float, bool]]) -> dict[str, Trust]:
    """Thresholds from spans that only one reader found.

    Args:
        cases: (type, `network` or `grammar`, probability, whether it is gold).

    Returns:
        For each type the thresholds above which more than half of the spans are right, counted over all above; spans below would lower the
        F1 of a type whose F1 is high.
    """
    fitted = {}
    for kind in sorted({case[0] for case in cases}):
        sides = {}
        for side in ("network", "grammar"):
            scored = sorted(((p, right) for k, s, p, right in cases if (k, s) == (kind, side)), reverse=True)
            # The network has read the text: between thresholds that gain the same it is believed, and the grammar is not.
            threshold = _threshold(scored, lowest=side == "network")
            sides[side] = max(threshold, DOUBT) if side == "network" else min(threshold, LIKELY)
        fitted[kind] = Trust(**sides)
    return fitted


def _threshold(scored: Sequence[tuple[float, bool]], lowest: bool) -> float:
    """Where the gain of right spans over wrong ones is largest, the lowest or the highest of such places; everything stands if there is
    nothing to learn from."""
    if not scored:
        return 0.0
    gains = np.cumsum([1 if right else -1 for _, right in scored])
    best = len(gains) - 1 - int(gains[::-1].argmax()) if lowest else int(gains.argmax())
    if gains[best] <= 0:
        return NEVER
    return 0.0 if best == len(scored) - 1 else round((scored[best][0] + scored[best + 1][0]) / 2, 4)
