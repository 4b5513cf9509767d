"""Rows that the joint model is trained on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")
import torch

from nlp.model.alignment import TextEncoder, load_encoder, tag_names
from nlp.model.network import IGNORED
from nlp.schema import Entity, EntityLabel, Example, LabelSchema, TopicLabel
from nlp.training.rows import Collator, TrainingRows

SCHEMA = LabelSchema((TopicLabel("a", "甲"), TopicLabel("b", "乙")), (EntityLabel("region", "地区", value="region"),))
SHORT = Example("1", "北京医保怎么办", "a", ("b",), (Entity(0, 2, "region"),))
LONG = Example("2", "在北京的医院，" * 20, "b", (), (Entity(1, 3, "region"),))


@pytest.fixture(scope="module")
def encoder(root: Path) -> TextEncoder:
    return load_encoder(root / "models/mini", 32, 8)


def test_windows_carry_their_targets(encoder: TextEncoder) -> None:
    rows = TrainingRows([SHORT, LONG], encoder, SCHEMA, also_share=0.2)
    assert rows.lost == 0
    assert len(rows) > 2
    assert rows[0].topic.tolist() == pytest.approx([0.8, 0.2])
    names = tag_names(SCHEMA)
    assert [names[tag] for tag in rows[0].tags[1:4]] == ["B-region", "E-region", "O"]
    assert rows[0].tags[0] == rows[0].tags[-1] == IGNORED
    batch = Collator(encoder.pad)([rows[0], rows[1]])
    assert batch["tag_targets"].shape == batch["mask"].shape == (2, len(rows[1].ids))


def test_tokens_are_hidden_with_the_rest_of_their_piece(encoder: TextEncoder) -> None:
    plain, masked = (TrainingRows([SHORT], encoder, SCHEMA, 0.2, masking=share) for share in (0.0, 0.6))
    torch.manual_seed(3)
    whole = plain[0].ids
    drawn = np.stack([masked[0].ids for _ in range(400)])
    hidden = drawn[..., 0] == encoder.mask
    assert not hidden[:, [0, -1]].any(), "the special tokens stay"
    assert hidden[:, 1:-1].mean() == pytest.approx(0.3, abs=0.04)
    assert 0.05 < (hidden.sum(axis=1) == 0).mean() < 0.5, "texts are also seen as they are"
    for row, gone in zip(drawn, hidden, strict=True):
        assert (row[gone, 1] == encoder.mask).all()
        assert (row[~gone] == whole[~gone]).all()
        assert not set(whole[gone, 2]) & set(whole[~gone, 2])
    assert (masked[0].tags == plain[0].tags).all()


def test_half_of_the_draws_take_a_variant_of_a_short_text(encoder: TextEncoder) -> None:
    texts = [SHORT, LONG]
    others = [[replace(e, text=e.text.replace("北京", place)) for e in texts] for place in ("上海", "天津")]
    rows = TrainingRows(texts, encoder, SCHEMA, 0.2, variants=[others[0], [others[1][0], None]])
    plain = TrainingRows(texts, encoder, SCHEMA, 0.2)
    torch.manual_seed(3)
    drawn = [rows[0].ids for _ in range(400)]
    own = sum(np.array_equal(ids, plain[0].ids) for ids in drawn)
    assert 150 < own < 250
    assert len({ids.tobytes() for ids in drawn}) == 3
    assert all(np.array_equal(rows[n].ids, plain[n].ids) for n in range(1, len(rows))), (
        "windows of a long text stay as they are"
    )
