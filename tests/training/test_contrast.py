"""Question pairs as batches, and the loss that draws partners together."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from nlp.data.pairs import Block, Pair, pairs_of
from nlp.errors import InputError
from nlp.model.alignment import TextEncoder
from nlp.model.vocabulary import SPECIALS, character_lexicon

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

BLOCKS = (
    Block(1, "医保怎么转", ("医保转移", "把医保转走"), (("policy", "医保怎么退"),)),
    Block(2, "工资不发怎么办", ("欠薪找谁",), ()),
    Block(3, "低保标准", ("低保多少钱",), (("region", "北京低保标准"),)),
)


def pairs(blocks: Sequence[Block] = BLOCKS) -> list[Pair]:
    return [pair for block in blocks for pair in pairs_of(block, None, None, f"g{block.line}", "train")]


@pytest.fixture
def encoder() -> TextEncoder:
    characters = sorted({c for block in BLOCKS for text in block.texts() for c in text})
    lexicon = character_lexicon({token: row for row, token in enumerate([*SPECIALS, *characters])})
    return TextEncoder(lexicon.characters, 16, 0)


def test_draw_gives_partners_then_hard_negatives(encoder: TextEncoder) -> None:
    from nlp.training.contrast import PairSampler

    sampler = PairSampler(pairs(), encoder, 8)
    assert sampler.size == 3  # one pair of each group at most
    ids, mask = sampler.draw((1, 2))
    texts = ["".join(encoder.tokenizer.id_to_token(n) for n in row[1 : m.sum() - 1]) for row, m in zip(ids, mask, strict=True)]
    family = {text: block.line for block in BLOCKS for text in block.texts()}
    questions, partners, negatives = texts[:3], texts[3:6], texts[6:]
    assert [family[q] for q in questions] == [family[p] for p in partners]
    assert len({family[q] for q in questions}) == 3
    assert not set(questions) & set(partners)
    assert set(negatives) == {"医保怎么退", "北京低保标准"}


def test_draw_depends_on_the_seed_alone(encoder: TextEncoder) -> None:
    from nlp.training.contrast import PairSampler

    sampler, other = PairSampler(pairs(), encoder, 2), PairSampler(pairs(), encoder, 2)
    drawn = [sampler.draw((7, step))[0] for step in range(20)]
    again = [other.draw((7, step))[0] for step in reversed(range(20))][::-1]
    assert all(torch.equal(a, b) for a, b in zip(drawn, again, strict=True))
    assert len({a.numpy().tobytes() for a in drawn}) > 5


def test_long_texts_are_left_out(encoder: TextEncoder) -> None:
    from nlp.training.contrast import LONGEST, PairSampler

    story = Block(4, "医保" * LONGEST, ("医保转移",), ())
    assert PairSampler(pairs((*BLOCKS, story)), encoder, 8).size == 3


def test_pairs_of_one_group_are_refused(encoder: TextEncoder) -> None:
    from nlp.training.contrast import PairSampler

    with pytest.raises(InputError, match="1 groups"):
        PairSampler(pairs(BLOCKS[:1]), encoder, 8)


def test_loss_falls_as_partners_meet_and_negatives_part() -> None:
    from nlp.training.contrast import contrast_loss

    axes = torch.eye(4)
    apart = torch.cat([axes[:2], axes[2:], axes[:1]])  # partners are strangers, the negative is the first question itself
    together = torch.cat([axes[:2], axes[:2], axes[3:]])
    assert contrast_loss(together, 2) < 1e-6 < 1 < contrast_loss(apart, 2)
