"""The loss of roles: a term of its own, over the roles of one type alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from nlp.model.alignment import role_siblings  # noqa: E402
from nlp.model.network import TokenEncoder, role_loss  # noqa: E402

NAMES = ("O", "B-date", "B-region:care", "B-region:insured", "E-region:care", "E-region:insured")


def test_siblings_differ_in_the_role_alone() -> None:
    siblings = role_siblings(NAMES)
    assert not siblings[:2].any()
    assert [np.flatnonzero(row).tolist() for row in siblings[2:]] == [[2, 3], [2, 3], [4, 5], [4, 5]]


def test_only_the_roles_of_the_gold_type_and_position_count() -> None:
    siblings = torch.from_numpy(role_siblings(NAMES))
    logits = torch.tensor([[9.0, 9.0, 1.0, 3.0, 9.0, 9.0], [0.0, 5.0, 0.0, 0.0, 0.0, 0.0]])
    loss = role_loss(logits, torch.tensor([2, 1]), siblings)
    assert float(loss) == pytest.approx(math.log(1 + math.exp(2)))


def test_without_a_role_there_is_no_loss_and_no_gradient() -> None:
    logits = torch.zeros(3, len(NAMES), requires_grad=True)
    loss = role_loss(logits, torch.tensor([0, 1, 0]), torch.from_numpy(role_siblings(NAMES)))
    loss.backward()
    assert float(loss.detach()) == 0
    assert not logits.grad.any()


def test_an_unknown_character_in_the_old_place_of_padding_shifts_no_position() -> None:
    transformers = pytest.importorskip("transformers", reason="the extra `train` is not installed")
    config = transformers.RobertaConfig(
        vocab_size=20,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=34,
    )
    body = transformers.RobertaModel(config).eval()
    encoder = TokenEncoder(body)
    assert encoder.longest == 32
    mask = torch.ones(1, 32, dtype=torch.int64)
    seen: list[torch.Tensor] = []
    body.embeddings.position_embeddings.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    encoder(torch.full((1, 32), 1), mask)  # 1 is the padding of the library, and any character of ours
    assert seen[0].tolist() == [[*range(2, 34)]]
