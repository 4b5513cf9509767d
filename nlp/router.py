"""Question → Decision: the one entry that answers it, a few to choose from, or an honest hand-off with its reason.

router = Router(analyzer, AnswerIndex.open("archive", analyzer.fingerprint))
decision = router("北京医保卡在河北住院能直接结算吗")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from typing import Protocol

from nlp.audit import AuditLog
from nlp.errors import ArchiveError
from nlp.retrieval import messages
from nlp.retrieval.index import AnswerIndex
from nlp.retrieval.places import relation
from nlp.retrieval.rank import AskedPlaces, Ranker, asked_places
from nlp.schema import NATIONAL, Action, Analysis, Decision, Hit, LabelSchema, Reason, RegionValue
from nlp.text.courtesies import without_courtesies
from nlp.text.segment import segment

CANDIDATES = 30  # that each of the two searches gives to the ranker
SHOWN = 5  # answers in a decision
QUESTION_CHARACTERS = 1_000  # of a question that lexical search reads
_RIVAL = 0.75  # share of the best entry's probability from which another is as good
_PLACE_FEATURES = "rule_"


class QuestionAnalyzer(Protocol):
    """What the router needs of an analyzer: `nlp.Analyzer`, or a stand-in for it."""

    @property
    def labels(self) -> LabelSchema: ...

    def __call__(self, text: str, /) -> Analysis: ...


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Numbers in [0, 1] from which the router acts.

    Attributes:
        answer: Least probability, given all that was found, that the first entry is the answer, for it to be given.
        suggest: Least score of an entry that is shown to choose from.
        out_of_scope: Probability of the topic for nobody's business from which a question is handed off.
    """

    answer: float = 0.5
    suggest: float = 0.2
    out_of_scope: float = 0.5

    @classmethod
    def from_dict(cls, data: Mapping[str, float]) -> Thresholds:
        """Reads thresholds kept with an index; those that are missing get their defaults.

        Raises:
            ArchiveError: An unknown name, or a number outside [0, 1].
        """
        known = {field.name for field in fields(cls)}
        for name, number in data.items():
            if name not in known or not 0 <= number <= 1:
                raise ArchiveError(f"threshold {name} = {number!r}, expected one of {sorted(known)} in [0, 1]")
        return cls(**data)

    def to_dict(self) -> dict[str, float]:
        return asdict(self)


class Router:
    """Routes questions to the entries of one archive.

    Args:
        analyzer: Finds topic, entities and vector of a question.
        index: The archive, with vectors of the analyzer's encoder.
        ranker: Features → probability; None for the one kept with the index, else that of the package.
        thresholds: None for those kept with the index, else the defaults.
        today: Day from which the age of an entry counts; None for the day of the call.
        audit: Keeps a record of each decision; None for no record.
    """

    def __init__(
        self,
        analyzer: QuestionAnalyzer,
        index: AnswerIndex,
        ranker: Ranker | None = None,
        thresholds: Thresholds | None = None,
        today: date | None = None,
        audit: AuditLog | None = None,
    ) -> None:
        self.analyzer, self.index, self.today, self.audit = analyzer, index, today, audit
        self.ranker = ranker or (Ranker.from_dict(index.info.ranker) if index.info.ranker else Ranker.default())
        self.thresholds = thresholds or Thresholds.from_dict(index.info.thresholds)

    def __call__(self, question: str) -> Decision:
        """Decides what to do with a question.

        Returns:
            A decision whose answers are the nearest entries, whatever the action; `probability` is of the first.

        Raises:
            InputError: `question` is not a string, or the audit log cannot be written.
            ArchiveError: The files of the index cannot be read.
        """
        decision = self._route(question)
        if self.audit is None:
            return decision
        about = {"model": self.index.info.encoder, "index": self.index.version}
        return replace(decision, id=self.audit.record(decision, thresholds=self.thresholds.to_dict(), **about))

    def _route(self, question: str) -> Decision:
        analysis = self.analyzer(question)
        if not any(map(str.isalnum, question)):
            return Decision("handoff", (), 0.0, "no_answer", messages.EMPTY, analysis)
        places = asked_places(analysis)  # of all that was written: the place may stand in the greeting
        core = without_courtesies(question)
        asked = analysis if core == question else self.analyzer(core)
        return self._decide(analysis, places, self.rank(asked, places))

    def rank(self, analysis: Analysis, places: AskedPlaces | None = None) -> tuple[Hit, ...]:
        """The nearest entries with their probabilities and features, best first.

        Args:
            analysis: Of the question.
            places: What `asked_places` says of it, where that is known.

        Raises:
            ArchiveError: The files of the index cannot be read.
        """
        words = segment(analysis.text[:QUESTION_CHARACTERS])
        places = places or asked_places(analysis)
        regions = (*places.rule, *places.care)
        found = self.index.search(words, analysis.vector, analysis.tokens, regions=regions, limit=CANDIDATES)
        return tuple(self.ranker.rank(analysis, places, found, self.today or date.today()))

    def _decide(self, analysis: Analysis, places: AskedPlaces, hits: tuple[Hit, ...]) -> Decision:
        probability = self.ranker.certainty(hits)
        action, reason, message = self._act(analysis, places, hits, probability >= self.thresholds.answer)
        return Decision(action, hits[:SHOWN], probability, reason, message, analysis)

    def _act(self, analysis: Analysis, places: AskedPlaces, hits: tuple[Hit, ...], sure: bool) -> tuple[Action, Reason, str]:
        """Action, reason and sentence; the questions that only the asker can settle come before the answer."""
        limits, best = self.thresholds, hits[0].score if hits else 0.0
        if self._out_of_scope(analysis) >= limits.out_of_scope:
            return "handoff", "out_of_scope", messages.OUT_OF_SCOPE
        others = [hit for hit in hits if "rule_disjoint" in hit.features and self._elsewhere(hit) > max(best, limits.suggest)]
        if not sure and others:
            return "handoff", "no_answer_for_region", messages.other_region(places.rule, _stated(others))
        if not hits or (not sure and best < limits.suggest):
            return "handoff", "no_answer", messages.NO_ANSWER
        local = hits[0].entry.regions if NATIONAL not in hits[0].entry.regions else ()
        unclear = _undecided(analysis)
        if local and unclear:
            return "handoff", "ambiguous_region", messages.which(*unclear)
        rivals = [hit for hit in hits if hit.score >= _RIVAL * hits[0].score]
        if not places.rule and any(relation(local, hit.entry.regions) == "disjoint" for hit in rivals):
            return "handoff", "needs_region", messages.where(_stated(rivals))
        if sure:
            return "answer", "answered", messages.answered(local, asked=bool(places.rule))
        return "suggest", "low_confidence", messages.SUGGEST

    def _elsewhere(self, hit: Hit) -> float:
        """Probability that the entry would answer the question if it were asked of the entry's own place."""
        return self.ranker.probability({k: v for k, v in hit.features.items() if not k.startswith(_PLACE_FEATURES)})

    def _out_of_scope(self, analysis: Analysis) -> float:
        topic = self.analyzer.labels.out_of_scope()
        return next((score.probability for score in analysis.topics if score.topic == topic), 0.0)


def _undecided(analysis: Analysis) -> tuple[str, tuple[str, ...]] | None:
    """The first place name of a question that has several readings and none decided: the name and the readings."""
    for entity in analysis.entities:
        value = entity.value
        if isinstance(value, RegionValue) and not value.resolved and len(value.candidates) > 1:
            return analysis.text[entity.start : entity.end], tuple(candidate.code for candidate in value.candidates)
    return None


def _stated(hits: Sequence[Hit]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(code for hit in hits for code in hit.entry.regions))
