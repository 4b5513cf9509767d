"""The entries found for a question, best first → probability that the first of them answers it.

What the ranker says of the first entry alone does not tell it: of an archive that holds the answer, one entry stands out; of one that does
not, a dozen are about as near. So the lead of the first entry over those behind it counts, and whether it is of the topic at all.
"""

from __future__ import annotations

from collections.abc import Sequence

from nlp.retrieval.logistic import Logistic

FEATURES = (
    "relevance",  # log-odds of the first entry by the ranker
    "lead",  # how far they are above those of the second
    "lead_5",  # … above the mean of the next five
    "lead_20",  # … above the mean of the 20 from the sixth on
    "topic",  # probability that the question is of its topic, no more than LIKELY
)
LIKELY = 0.2  # from here on the topic speaks against no entry: it tells what is of another matter altogether


class Certainty(Logistic):
    """A logistic function of `FEATURES`, fitted by `nlp.training.rank`."""

    __slots__ = ()


def list_features(logits: Sequence[float], unrelated: float, topic: float) -> dict[str, float]:
    """The `FEATURES` of a list of entries.

    Args:
        logits: Log-odds of the entries, those of the first one first; at least one.
        unrelated: Log-odds of an entry that shares nothing with the question: such ones stand in where fewer were found.
        topic: Probability that the question is of the topic of the first entry.
    """
    best, *others = logits
    behind = [*others, *[min(unrelated, logits[-1])] * 24]
    return {
        "relevance": best,
        "lead": best - behind[0],
        "lead_5": best - sum(behind[:5]) / 5,
        "lead_20": best - sum(behind[4:24]) / 20,
        "topic": min(topic, LIKELY),
    }
