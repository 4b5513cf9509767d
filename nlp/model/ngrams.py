"""N-grams of tokens → topic logits: a linear model of the words of a question, beside the network that reads them in their order.

The two err in different places, and so their logits are added. The sum is that of Wide & Deep learning (Cheng et al. 2016,
https://arxiv.org/abs/1606.07792), but each part is fitted alone: trained together, the network would leave the words to the table.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

LONGEST = 3  # tokens of an n-gram
BUCKETS = 65_521  # prime, so that the remainder spreads the n-grams evenly (hashing trick, Weinberger et al. 2009)
STEP = 1_000_003  # between two digits of the number that an n-gram stands for


class NgramHead(nn.Module):
    """Topic logits of TF-IDF weighted n-grams; all zero until `training.ngrams` fits them.

    With c the count of a bucket in the text, i its inverse document frequency and w its weight for a topic, the logit of the topic is
    Σ c·i·w / √(Σ c·i²) plus its bias.

    Args:
        topics: Number of topics.

    Attributes:
        table: i·w of each bucket for each topic, then i²; float32 (BUCKETS, topics + 1).
        bias: float32 (topics,).
    """

    def __init__(self, topics: int) -> None:
        super().__init__()
        self.table: Tensor
        self.bias: Tensor
        self.register_buffer("table", torch.zeros(BUCKETS, topics + 1))
        self.register_buffer("bias", torch.zeros(topics))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Logits (batch, topics) of token ids (batch, length) or (batch, length, channels) under mask (batch, length)."""
        buckets, known = hash_ngrams(ids if ids.dim() == 2 else ids[..., 0], mask)
        total = (self.table[buckets] * known.unsqueeze(-1)).sum(dim=1)
        return total[:, :-1] / total[:, -1:].clamp(min=1e-6).sqrt() + self.bias


def hash_ngrams(tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """The buckets of all n-grams.

    Args:
        tokens: int64 (batch, length), special tokens included: a text's first and last n-grams tell that they are.
        mask: 1 for tokens, padding at the right (batch, length).

    Returns:
        Bucket numbers and 1 where the n-gram lies within the text, int64 (batch, n-grams).
    """
    buckets, known = [tokens % BUCKETS], [mask]
    number = tokens
    for size in range(2, LONGEST + 1):
        number = number[:, :-1] * STEP + tokens[:, size - 1 :]
        buckets.append((number + size) % BUCKETS)
        known.append(mask[:, size - 1 :])
    return torch.cat(buckets, dim=1), torch.cat(known, dim=1)
