"""Question pairs → contrastive tuning of the vectors: a question comes to lie by those that the same answer serves.

Only the maps from the states to the vectors of text and tokens are tuned: tuned as a whole, an encoder learns the few thousand pairs by
heart and forgets what tells other questions apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from nlp.data.pairs import Pair
from nlp.errors import InputError
from nlp.model.alignment import TextEncoder, pad_rows
from nlp.model.network import SIMILARITY_TEMPERATURE, JointEncoder, mean_pool
from nlp.retrieval.interaction import QUESTION_TOKENS

BATCH = 64  # pairs
LEARNING_RATE = 2e-4
PULL = 0.02  # weight of the squared distance of the map from what it was
TOKEN_LEARNING_RATE = 1e-3  # falls to 0


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
    """How far questions are from their partners (see `_against_others`).

    Args:
        vectors: Unit vectors (2 · pairs + negatives, width) in the order of `PairSampler.draw`.
        pairs: How many of them are questions.
    """
    return _against_others(vectors[:pairs] @ vectors[pairs:].T)


def interaction_loss(tokens: Sequence[Tensor], pairs: int) -> Tensor:
    """The same for late interaction (see `nlp.retrieval.interaction`).

    Args:
        tokens: Unit vectors of the tokens of each text (tokens, width), 2 · pairs + negatives of them in the order of `PairSampler.draw`.
        pairs: How many of the texts are questions.
    """
    asked, others = tokens[:pairs], tokens[pairs:]
    cosines = torch.cat(list(asked)) @ torch.cat(list(others)).T
    nearest = torch.stack([part.amax(dim=1) for part in torch.split(cosines, [len(rows) for rows in others], 1)], dim=1)
    return _against_others(torch.stack([part.mean(dim=0) for part in torch.split(nearest, [len(rows) for rows in asked])]))


def _against_others(closeness: Tensor) -> Tensor:
    """InfoNCE (van den Oord et al. 2018, section 2.3) with the other partners of the batch and the hard negatives as what to tell from.

    Args:
        closeness: Of each question to its partner, in the diagonal, and to all else (pairs, pairs + negatives), in [-1, 1].
    """
    return functional.cross_entropy(closeness / SIMILARITY_TEMPERATURE, torch.arange(len(closeness), device=closeness.device))


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


def tune_tokens(network: JointEncoder, encoder: TextEncoder, sampler: PairSampler, steps: int, seed: int) -> None:
    """Tunes the network's `token_head`, from the main components of the states, each scaled to the same spread; all else stays as it is.

    Args:
        network: In evaluation mode, float32, with a token head.
        encoder: Tokenizer of the network; as many tokens of a text are read as of a question that is asked.
        sampler: What to learn from.
        steps: Batches to draw.
        seed: Of the draws.
    """
    head = network.token_head
    assert head is not None
    states: list[Tensor] = [torch.empty(0)] * len(sampler.texts)
    for numbers, found, mask in _read_states(network, encoder, sampler.texts, QUESTION_TOKENS):
        for number, row, size in zip(numbers, found, mask.sum(dim=-1).tolist(), strict=True):
            states[number] = row[1 : max(2, size - 1)].half()  # of a blank text, that of its end
    _whiten(head, torch.cat(states).float())
    head.requires_grad_(True)
    optimizer = torch.optim.Adam(head.parameters(), lr=TOKEN_LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, max(1, steps))
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        drawn = [states[number] for number in sampler.draw(rng)]
        tokens = functional.normalize(head(torch.cat(drawn).float()), dim=-1)
        loss = interaction_loss(torch.split(tokens, [len(rows) for rows in drawn]), sampler.size)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    head.requires_grad_(False)


@torch.no_grad()
def _whiten(head: nn.Linear, states: Tensor) -> None:
    """Makes a layer give the main components of states (rows, width), scaled so that an output has a mean square of 1 / outputs."""
    centre = states.mean(dim=0)
    spread, axes = torch.linalg.eigh(torch.cov((states - centre).T))
    kept = slice(-head.out_features, None)
    spread = spread.clamp(min=1e-6 * float(spread[-1]))  # few states leave axes without any
    head.weight.copy_((axes[:, kept] / (spread[kept] * head.out_features).sqrt()).T)
    head.bias.copy_(-head.weight @ centre)


@torch.no_grad()
def pooled_states(network: JointEncoder, encoder: TextEncoder, texts: Sequence[str]) -> Tensor:
    """What the map of texts is applied to, scaled to length 1: (texts, width), float32."""
    pooled = torch.empty(len(texts), network.vector_map.in_features)
    for numbers, states, mask in _read_states(network, encoder, texts, encoder.max_length - 2):
        pooled[numbers] = functional.normalize(mean_pool(states, mask), dim=-1)
    return pooled


@torch.no_grad()
def _read_states(
    network: JointEncoder, encoder: TextEncoder, texts: Sequence[str], room: int, batch: int = 64
) -> Iterator[tuple[list[int], Tensor, Tensor]]:
    """Numbers of some texts, their states (texts, length, width) with those of the special tokens, and mask, until all are read."""
    framed = [encoder.frame(encoding.ids[:room]) for encoding in encoder.encode(texts)]
    order = sorted(range(len(texts)), key=lambda n: len(framed[n]))
    for first in range(0, len(order), batch):
        numbers = order[first : first + batch]
        ids, mask = map(torch.from_numpy, pad_rows([framed[n] for n in numbers], encoder.pad))
        yield numbers, network.encoder(ids, mask), mask
