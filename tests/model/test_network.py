"""The loss of roles: a term of its own, over the roles of one type alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from nlp.model.alignment import role_siblings  # noqa: E402
from nlp.model.network import role_loss  # noqa: E402

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
