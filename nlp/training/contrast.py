"""Question pairs → contrastive training of the sentence vector: a question comes to lie by those that the same answer serves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from nlp.data.pairs import Pair
from nlp.errors import InputError
from nlp.model.alignment import TextEncoder, pad_rows
from nlp.model.network import SIMILARITY_TEMPERATURE

LONGEST = 64  # characters of a text; one long story would set the length, and with it the cost, of a whole batch


class PairSampler:
    """Draws batches of question pairs, each pair of another group, with hard negatives.

    Args:
        pairs: Pairs of label 1 are drawn; the texts that pairs of label 0 set against one of theirs are their hard negatives. Pairs with a
            text of more than `LONGEST` characters are left out.
        encoder: Tokenizer; a text is read up to its first window.
        size: Pairs of a batch; fewer where there are fewer groups.

    Raises:
        InputError: There are not two groups with a pair of label 1.
    """

    def __init__(self, pairs: Sequence[Pair], encoder: TextEncoder, size: int) -> None:
        self._groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self._strangers: dict[str, list[str]] = defaultdict(list)
        short = [pair for pair in pairs if max(len(pair.a), len(pair.b)) <= LONGEST]
        for pair in short:
            if pair.label:
                self._groups[pair.group].append((pair.a, pair.b))
            else:
                self._strangers[pair.b].append(pair.a)
        if len(self._groups) < 2:
            raise InputError(f"pairs of label 1 in {len(self._groups)} groups, expected two or more to tell apart")
        self._names = sorted(self._groups)
        self._size, self._pad = min(size, len(self._names)), encoder.pad
        texts = sorted({text for pair in short for text in (pair.a, pair.b)})
        room = encoder.max_length - 2
        self._ids: dict[str, NDArray[np.int32]] = {
            text: encoder.frame(encoding.ids[:room]) for text, encoding in zip(texts, encoder.encode(texts), strict=True)
        }

    def draw(self, seed: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Ids and mask of one batch, the same for the same seed: n questions, their n partners in the same order, then hard negatives."""
        rng = np.random.default_rng(seed)
        chosen = [self._names[n] for n in rng.choice(len(self._names), self._size, replace=False)]
        drawn = [self._groups[name][rng.integers(len(self._groups[name]))] for name in chosen]
        left, right = zip(*((a, b) if rng.random() < 0.5 else (b, a) for a, b in drawn), strict=True)
        negatives = []
        for a, b in drawn:
            against = self._strangers.get(b) or self._strangers.get(a)
            if against:
                negatives.append(against[rng.integers(len(against))])
        ids, mask = pad_rows([self._ids[text] for text in (*left, *right, *negatives)], self._pad)
        return torch.from_numpy(ids), torch.from_numpy(mask)

    @property
    def size(self) -> int:
        """Pairs of a batch."""
        return self._size


def contrast_loss(vectors: Tensor, pairs: int) -> Tensor:
    """InfoNCE (van den Oord et al. 2018, section 2.3) with the other partners of the batch and the hard negatives as what to tell from.

    Args:
        vectors: Unit vectors (2 · pairs + negatives, width) in the order of `PairSampler.draw`.
        pairs: How many of them are questions.
    """
    vectors = vectors.float()
    closeness = vectors[:pairs] @ vectors[pairs:].T / SIMILARITY_TEMPERATURE
    return functional.cross_entropy(closeness, torch.arange(pairs, device=vectors.device))
