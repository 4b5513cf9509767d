"""Features of a question and an entry → probability that the entry answers the question.

The features are few and have names; the weights are numbers in a JSON file (or in the metadata of an index), so that anybody
can read why an entry stands where it stands. `nlp.training.rank` fits them, `Ranker.default()` holds those of the package.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from nlp.errors import ArchiveError
from nlp.retrieval.certainty import FEATURES as LIST_FEATURES
from nlp.retrieval.certainty import Certainty, list_features
from nlp.retrieval.logistic import Logistic
from nlp.retrieval.places import Relation, find_codes, places_of, relation
from nlp.retrieval.rows import TOKEN_CLOSENESS
from nlp.schema import Analysis, Entity, Entry, Hit, RegionValue

FORMAT = 1
FEATURES = (
    "closeness",  # standard deviations by which the two questions are closer than two questions of the archive taken at random
    "answer_closeness",  # the same for the vector of the answer
    TOKEN_CLOSENESS,  # the same for the interaction of the tokens
    "lexical",  # BM25 of question and entry, divided by 100
    "coverage",  # share of the question's information found in the entry, 0 to 1
    "question_coverage",  # … in the entry's question
    "entry_coverage",  # share of the entry's question found in the question asked
    "topic",  # probability of the entry's topic, 0.5 for an entry without or with one that the model does not know
    "rule_same", "rule_contains", "rule_national", "rule_inside", "rule_disjoint",  # place of the rule, 0 or 1
    "rule_unstated",  # a place is asked about, the entry names none
    "rule_unasked",  # the entry is about a place, none is asked about
    "care_same", "care_disjoint",  # place of treatment, where it is another than the place of the rule
    "entities",  # share of what the question names (insurances, benefits, groups …) that the entry names too; 0.5 for nothing
    "values",  # the same for amounts, shares, ages and periods
    "age",  # tens of years since the entry held, at most 1; 0 where unknown
)  # fmt: skip
# Which places of a question decide the rule: that of the scheme or the policy, else those of the person, care last of all.
RULE_ROLES = (("policy",), ("insured",), ("work",), ("residence",), (None,), ("care",), ("none",))
CARE_ROLE = "care"
# An answer is about this much as close as its question; stands in where an index holds no vectors of answers.
_ANSWER_SHARE = 0.65
_TOKEN_SHARE = 0.65  # the same for the interaction of tokens
_DEFAULT = {
    "closeness": 1.0,
    "answer_closeness": 0.4,
    TOKEN_CLOSENESS: 0.9,
    "lexical": 3.0,
    "coverage": 3.0,
    "topic": 1.0,
    "rule_contains": 0.3,
    "rule_inside": -1.0,
    "rule_disjoint": -2.0,
    "rule_unstated": -1.0,
    "rule_unasked": -0.4,
    "care_disjoint": -0.5,
    "entities": 0.5,
    "values": 0.3,
    "age": -0.2,
}
_DEFAULT_BIAS = -10.0


@dataclass(frozen=True, slots=True)
class AskedPlaces:
    """Places of a question: those whose rule is asked for, and those of treatment where they are others."""

    rule: tuple[str, ...] = ()
    care: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ranker(Logistic):
    """A logistic function of `FEATURES`, and one of the list that it makes; without that, the first entry counts for itself."""

    of_list: Certainty | None = None

    @classmethod
    def default(cls) -> Ranker:
        """The weights that come with the package."""
        return cls(_DEFAULT, _DEFAULT_BIAS)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Ranker:
        """Reads what `to_dict` wrote.

        Raises:
            ArchiveError: Another format, an unknown feature, or a weight that is no finite number.
        """
        if data.get("format") != FORMAT:
            raise ArchiveError(f"weights of format {data.get('format')}, expected those of a ranker of format {FORMAT}")
        ranker, found = cls.parse(data, FEATURES), data.get("certainty")
        return ranker if found is None else replace(ranker, of_list=Certainty.parse(found, LIST_FEATURES))

    def to_dict(self) -> dict[str, Any]:
        own = {"format": FORMAT, "bias": self.bias, "weights": dict(self.weights)}
        return own | ({"certainty": {"bias": self.of_list.bias, "weights": dict(self.of_list.weights)}} if self.of_list else {})

    @classmethod
    def load(cls, path: str | Path) -> Ranker:
        """Reads a JSON file.

        Raises:
            ArchiveError: The file is missing or holds no weights.
        """
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ArchiveError(f"{path}: no weights of a ranker: {error}") from error
        return cls.from_dict(data)

    def save(self, path: str | Path) -> None:
        """Writes the weights as JSON."""
        Path(path).write_text(json.dumps(self.to_dict(), indent=1) + "\n", encoding="utf-8")

    def rank(self, analysis: Analysis, places: AskedPlaces, hits: Sequence[Hit], today: date) -> list[Hit]:
        """Gives hits their probability and the features behind it, best first.

        Args:
            analysis: Of the question.
            places: What `asked_places` says of it.
            hits: As `AnswerIndex.search` gave them.
            today: Day from which the age of an entry counts.
        """
        topics = {score.topic: score.probability for score in analysis.topics}
        ranked = []
        for hit in hits:
            features = features_of(analysis, hit, places, topics, today)
            ranked.append(replace(hit, features=features))
        return self.order(ranked)

    def order(self, hits: Iterable[Hit]) -> list[Hit]:
        """Gives hits that have their features the probability, best first."""
        scored = [replace(hit, score=self.probability(hit.features)) for hit in hits]
        return sorted(scored, key=lambda hit: (-hit.score, hit.entry.id))

    def certainty(self, hits: Sequence[Hit]) -> float:
        """Probability in [0, 1] that the first of the ranked hits answers the question; 0 for none, and for the rule of another place,
        which is no answer however near it lies."""
        if not hits or "rule_disjoint" in hits[0].features:
            return 0.0
        return self.of_list.probability(self.list_features(hits)) if self.of_list else hits[0].score

    def list_features(self, hits: Sequence[Hit]) -> dict[str, float]:
        """Features of a list of ranked hits, at least one (see `nlp.retrieval.certainty`).

        Tokens tell which of the near entries it is, not whether it is any: common words alone bring a wrong one close. So they decide
        the order, but do not count here.
        """
        weights = {name: 0.0 if name == TOKEN_CLOSENESS else weight for name, weight in self.weights.items()}
        plain = replace(self, weights=weights)
        topic = hits[0].features.get("topic", 0.0)
        return list_features([plain.logit(hit.features) for hit in hits], self.bias, topic)


def asked_places(analysis: Analysis) -> AskedPlaces:
    """Sorts the places of a question by what they decide: where insured or whose policy, the rule; where treated, the rest.

    Where the model found no place, what the gazetteer finds counts.
    """
    regions = [entity for entity in analysis.entities if isinstance(entity.value, RegionValue)]
    by_role = {roles: _codes(regions, analysis.text, roles) for roles in RULE_ROLES}
    rule = next((codes for codes in by_role.values() if codes), ()) or (() if regions else find_codes(analysis.text))
    care = tuple(code for code in _codes(regions, analysis.text, (CARE_ROLE,)) if code not in rule)
    return AskedPlaces(rule, care)


def _codes(regions: Sequence[Entity], text: str, roles: tuple[str | None, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(code for entity in regions if entity.role in roles for code in places_of(entity, text)))


def features_of(
    analysis: Analysis, hit: Hit, places: AskedPlaces, topics: Mapping[str, float], today: date
) -> dict[str, float]:
    """All features of a hit (see `FEATURES`); those that are 0 and say so by absence are left out.

    Args:
        analysis: Of the question.
        hit: With the features of the search.
        places: Of the question.
        topics: Topic → probability.
        today: Day from which the age of the entry counts.
    """
    entry, found = hit.entry, dict(hit.features)
    found["lexical"] = found.get("lexical", 0.0) / 100
    found.setdefault("answer_closeness", _ANSWER_SHARE * found.get("closeness", 0.0))
    found.setdefault(TOKEN_CLOSENESS, _TOKEN_SHARE * found.get("closeness", 0.0))
    found["topic"] = topics.get(entry.topic, 0.5) if entry.topic else 0.5
    found |= _place_features(places, entry.regions)
    valued = [e for e in analysis.entities if e.value is not None and not isinstance(e.value, RegionValue)]
    named = [e for e in analysis.entities if e.value is None]
    found["entities"], found["values"] = _share_named(analysis.text, named, entry), _share_named(analysis.text, valued, entry)
    found["age"] = _age(entry, today)
    return found


def _place_features(places: AskedPlaces, stated: Sequence[str]) -> dict[str, float]:
    rule: Relation = relation(places.rule, stated)
    kind = rule if rule != "unknown" else "unstated" if places.rule else "unasked" if stated else ""
    found = {f"rule_{kind}": 1.0} if kind else {}
    care = (
        relation(places.care, stated) if len(stated) > 1 else "unknown"
    )  # an entry of one place is silent on where care is taken
    return found | ({f"care_{care}": 1.0} if care in ("same", "disjoint") else {})


def _share_named(text: str, entities: Sequence[Entity], entry: Entry) -> float:
    if not entities:
        return 0.5
    there = f"{entry.question}\n{entry.answer}"
    return sum(text[e.start : e.end] in there for e in entities) / len(entities)


def _age(entry: Entry, today: date) -> float:
    """Tens of years since the entry held, by its as-of date, else by the date of its page; 0 where neither can be read."""
    for text in (entry.as_of, entry.date):
        try:
            year = int(text[:4])
        except ValueError:
            continue
        return min(1.0, max(0.0, (today.year - year) / 10))
    return 0.0
