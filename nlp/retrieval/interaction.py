"""Late interaction of a question with an entry: every token of the question looks for the token of the entry that is nearest to it.

One vector a text says what it is about; token vectors also tell which of its words the other text has, in whatever wording. The score is
the mean over the question of the largest cosine (MaxSim of ColBERT, Khattab and Zaharia 2020, https://arxiv.org/abs/2004.12832). An entry
keeps its vectors in eight bits, two neighbours as one (token pooling, Clavié et al. 2024, https://arxiv.org/abs/2409.14683): at most 56
vectors of 48 bytes, on which the ranker does as well as on twice as many in full.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

QUESTION_TOKENS = 64  # of a question, asked or stored
ANSWER_TOKENS = 48
POOLED = 2  # neighbouring tokens that share a vector
_LARGEST = 127


def pack(question: NDArray[np.float32], answer: NDArray[np.float32] | None = None) -> NDArray[np.int8]:
    """Token vectors of an entry as they are stored.

    Args:
        question: Of its question, (tokens, width), of length 1.
        answer: Of its answer, where there is one, of the same width.

    Returns:
        (vectors, width), at least one; times 127.
    """
    import numpy as np

    parts = [question[:QUESTION_TOKENS]] + ([] if answer is None else [answer[:ANSWER_TOKENS]])
    pooled = [np.add.reduceat(part, np.arange(0, len(part), POOLED)) for part in parts if len(part)]
    vectors = np.concatenate(pooled) if pooled else np.zeros((1, question.shape[1]), np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.rint(_LARGEST * vectors / np.where(lengths > 0, lengths, 1)).astype(np.int8)


def interaction(asked: NDArray[np.float32], packed: Sequence[NDArray[np.int8]]) -> NDArray[np.float32]:
    """Mean over the tokens asked of the largest cosine with one of an entry, for each entry; 0 for a question without tokens.

    Args:
        asked: Token vectors of the question, (tokens, width), of length 1.
        packed: Of each entry, as `pack` gives them.
    """
    import numpy as np

    wanted = asked[:QUESTION_TOKENS].T / _LARGEST
    if not len(asked):
        return np.zeros(len(packed), np.float32)
    # One small product an entry: a large one would wake the threads of BLAS, which then fight those of the network for the cores.
    return np.array([(rows.astype(np.float32) @ wanted).max(axis=0).mean() for rows in packed], dtype=np.float32)


def unrelated(packed: Sequence[NDArray[np.int8]], pairs: int = 1_000) -> tuple[float, float]:
    """Mean and standard deviation of the interaction of the beginning of one entry with another one."""
    import numpy as np

    if len(packed) < 2:
        return 0.0, 1.0
    generator = np.random.default_rng(0)
    left = generator.integers(len(packed), size=pairs)
    right = (left + generator.integers(1, len(packed), size=pairs)) % len(packed)
    beginning = QUESTION_TOKENS // 4 // POOLED  # of this length is a question
    found = [
        interaction(packed[a][:beginning].astype(np.float32) / _LARGEST, [packed[b]])[0]
        for a, b in zip(left, right, strict=True)
    ]
    return float(np.mean(found)), max(float(np.std(found)), 1e-3)
