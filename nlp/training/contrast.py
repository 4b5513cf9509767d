"""Question pairs → contrastive tuning of the sentence vector: a question comes to lie by those that the same answer serves.

Only the map from the pooled states to the vector is tuned: tuned as a whole, an encoder learns the few thousand pairs by heart and forgets
what tells other questions apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from nlp.data.pairs import Pair
from nlp.errors import InputError
from nlp.model.alignment import TextEncoder, pad_rows
from nlp.model.network import SIMILARITY_TEMPERATURE, JointEncoder, mean_pool

BATCH = 64  # pairs
LEARNING_RATE = 2e-4
PULL = 0.02  # weight of the squared distance of the map from what it was


class PairSampler:
    """Draws batches of question pairs, each pair of another group, with hard negatives.

    Args:
        pairs: Pairs of label 1 are drawn; the texts that pairs of label 0 set against one of theirs are their hard negatives.
        size: Pairs of a batch; fewer where there are fewer groups.

    Attributes:
        texts: All texts of the pairs.
        size: Pairs of a batch.

    Raises:
        InputError: There are not two groups with a pair of label 1.
    """

    def __init__(self, pairs: Sequence[Pair], size: int = BATCH) -> None:
        self.texts = sorted({text for pair in pairs for text in (pair.a, pair.b)})
        number = {text: n for n, text in enumerate(self.texts)}
        self._groups: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._strangers: dict[int, list[int]] = defaultdict(list)
        for pair in pairs:
            a, b = number[pair.a], number[pair.b]
            if pair.label:
                self._groups[pair.group].append((a, b))
            else:
                self._strangers[b].append(a)
        if len(self._groups) < 2:
            raise InputError(f"pairs of label 1 in {len(self._groups)} groups, expected two or more to tell apart")
        self._names = sorted(self._groups)
        self.size = min(size, len(self._names))

    def draw(self, rng: np.random.Generator) -> list[int]:
        """Numbers of texts: n questions, their n partners in the same order, then hard negatives."""
        chosen = [self._names[n] for n in rng.choice(len(self._names), self.size, replace=False)]
        drawn = [self._groups[name][rng.integers(len(self._groups[name]))] for name in chosen]
        against = [self._strangers.get(b) or self._strangers.get(a) for a, b in drawn]
        negatives = [found[rng.integers(len(found))] for found in against if found]
        return [a for a, _ in drawn] + [b for _, b in drawn] + negatives


def contrast_loss(vectors: Tensor, pairs: int) -> Tensor:
    """InfoNCE (van den Oord et al. 2018, section 2.3) with the other partners of the batch and the hard negatives as what to tell from.

    Args:
        vectors: Unit vectors (2 · pairs + negatives, width) in the order of `PairSampler.draw`.
        pairs: How many of them are questions.
    """
    closeness = vectors[:pairs] @ vectors[pairs:].T / SIMILARITY_TEMPERATURE
    return functional.cross_entropy(closeness, torch.arange(pairs, device=vectors.device))


def tune_vectors(network: JointEncoder, encoder: TextEncoder, sampler: PairSampler, steps: int, seed: int) -> None:
    """Tunes the network's `vector_map`; all else stays as it is.

    Args:
        network: In evaluation mode, float32.
        encoder: Tokenizer of the network; a text is read up to its first window.
        sampler: What to learn from.
        steps: Batches to draw.
        seed: Of the draws.
    """
    states = pooled_states(network, encoder, sampler.texts)
    before = network.vector_map.weight.detach().clone()
    optimizer = torch.optim.Adam(network.vector_map.parameters(), lr=LEARNING_RATE)
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        vectors = functional.normalize(network.vector_map(states[sampler.draw(rng)]), dim=-1)
        loss = contrast_loss(vectors, sampler.size) + PULL * (network.vector_map.weight - before).square().sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # the library's own types lack it
        optimizer.step()


@torch.no_grad()
def pooled_states(network: JointEncoder, encoder: TextEncoder, texts: Sequence[str], batch: int = 64) -> Tensor:
    """What the map is applied to, scaled to length 1: (texts, width), float32."""
    room = encoder.max_length - 2
    framed = [encoder.frame(encoding.ids[:room]) for encoding in encoder.encode(texts)]
    order = sorted(range(len(texts)), key=lambda n: len(framed[n]))
    states = torch.empty(len(texts), network.vector_map.in_features)
    for first in range(0, len(order), batch):
        numbers = order[first : first + batch]
        ids, mask = map(torch.from_numpy, pad_rows([framed[n] for n in numbers], encoder.pad))
        states[numbers] = functional.normalize(mean_pool(network.encoder(ids, mask), mask), dim=-1)
    return states
