"""Question pairs as batches, and the loss that draws partners together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from nlp.data.pairs import Block, Pair, pairs_of
from nlp.errors import InputError

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

BLOCKS = (
    Block(1, "医保怎么转", ("医保转移", "把医保转走"), (("policy", "医保怎么退"),)),
    Block(2, "工资不发怎么办", ("欠薪找谁",), ()),
    Block(3, "低保标准", ("低保多少钱",), (("region", "北京低保标准"),)),
)


def pairs(blocks: Sequence[Block] = BLOCKS) -> list[Pair]:
    return [pair for block in blocks for pair in pairs_of(block, None, None, f"g{block.line}", "train")]


def test_draw_gives_partners_then_hard_negatives() -> None:
    from nlp.training.contrast import PairSampler

    sampler = PairSampler(pairs(), 8)
    assert sampler.size == 3  # one pair of each group at most
    family = {text: block.line for block in BLOCKS for text in block.texts()}
    texts = [sampler.texts[n] for n in sampler.draw(np.random.default_rng(1))]
    questions, partners, negatives = texts[:3], texts[3:6], texts[6:]
    assert [family[q] for q in questions] == [family[p] for p in partners]
    assert len({family[q] for q in questions}) == 3
    assert not set(questions) & set(partners)
    assert set(negatives) <= {"医保怎么退", "北京低保标准"}
    assert negatives


def test_pairs_of_one_group_are_refused() -> None:
    from nlp.training.contrast import PairSampler

    with pytest.raises(InputError, match="1 groups"):
        PairSampler(pairs(BLOCKS[:1]), 8)


def test_loss_falls_as_partners_meet_and_negatives_part() -> None:
    from nlp.training.contrast import contrast_loss

    axes = torch.eye(4)
    apart = torch.cat([axes[:2], axes[2:], axes[:1]])  # partners are strangers, the negative is the first question itself
    together = torch.cat([axes[:2], axes[:2], axes[3:]])
    assert contrast_loss(together, 2) < 1e-6 < 1 < contrast_loss(apart, 2)


def test_interaction_loss_falls_as_the_tokens_of_partners_meet() -> None:
    from nlp.training.contrast import interaction_loss

    axes = torch.eye(6)
    questions = [axes[:2], axes[2:5]]
    together = interaction_loss([*questions, questions[0].flip(0), torch.cat([questions[1], axes[5:]])], 2)
    assert together < 1e-6 < 1 < interaction_loss([*questions, *questions[::-1]], 2)
