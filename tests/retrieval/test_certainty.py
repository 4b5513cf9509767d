"""Whether the first of the entries found is the answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nlp.errors import ArchiveError
from nlp.retrieval.certainty import FEATURES, Certainty, list_features
from nlp.retrieval.rank import Ranker
from nlp.schema import Entry, Hit


def hits(ranker: Ranker, *closeness: float) -> list[Hit]:
    features = [{"closeness": c, "coverage": 0.5} for c in closeness]
    return [Hit(Entry(str(n), "?", "."), ranker.probability(f), f) for n, f in enumerate(features)]


def test_the_lead_is_over_the_next_the_next_five_and_those_behind() -> None:
    found = list_features([4.0, 1.0, 1.0, 1.0, 1.0, 0.0, *[-1.0] * 30], unrelated=-8.0, topic=0.9)
    assert tuple(found) == FEATURES
    assert (found["relevance"], found["lead"], found["lead_5"]) == (4.0, 3.0, pytest.approx(4 - 4 / 5))
    assert found["lead_20"] == pytest.approx(4 - (0.0 + 19 * -1.0) / 20)


def test_a_topic_counts_only_where_it_is_unlikely() -> None:
    ranker = Ranker({"closeness": 1.0}, -3.0, Certainty({"topic": 10.0}, -1.0))
    certainties = []
    for probability in (0.0, 0.1, 0.2, 0.9):
        found = hits(ranker, 5)
        certainties.append(ranker.certainty([replace(found[0], features={**found[0].features, "topic": probability})]))
    assert certainties[0] < certainties[1] < certainties[2] == certainties[3]


@pytest.mark.parametrize(("only", "behind"), [(2.0, -8.0), (-9.0, -9.0)])
def test_unrelated_entries_stand_in_where_few_were_found_and_never_lead(only: float, behind: float) -> None:
    found = list_features([only], unrelated=-8.0, topic=0.9)
    assert found["lead"] == found["lead_5"] == found["lead_20"] == pytest.approx(only - behind)


def test_an_entry_that_stands_out_is_more_certain_than_one_of_many() -> None:
    ranker = Ranker({"closeness": 1.0}, -3.0, Certainty({"lead": 2.0, "lead_5": 1.0}, -2.0))
    alone, crowd = hits(ranker, 5, 1, 1, 1, 1, 1, 1), hits(ranker, 5, 5, 5, 5, 5, 5, 5)
    assert alone[0].score == crowd[0].score
    assert ranker.certainty(alone) > 0.9 > 0.2 > ranker.certainty(crowd)
    assert ranker.certainty([]) == 0.0


def test_without_weights_for_lists_the_first_entry_counts_for_itself() -> None:
    ranker = Ranker({"closeness": 1.0}, -3.0)
    assert ranker.certainty(hits(ranker, 5, 5)) == hits(ranker, 5)[0].score


def test_weights_come_back_from_json(tmp_path: Path) -> None:
    ranker = Ranker({"closeness": 1.0}, -3.0, Certainty({"lead": 2.0}, -2.0))
    ranker.save(tmp_path / "ranker.json")
    assert Ranker.load(tmp_path / "ranker.json") == ranker
    for broken in ({"weights": {"leads": 1.0}, "bias": 0.0}, {"weights": {}}, {"weights": {"lead": "x"}, "bias": 0.0}):
        with pytest.raises(ArchiveError, match="weights of"):
            Ranker.from_dict({**ranker.to_dict(), "certainty": broken})
