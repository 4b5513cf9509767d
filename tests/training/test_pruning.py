"""Pruning keeps what the network computes as far as the neurons that are left can carry it."""

from __future__ import annotations

import copy

import pytest

from nlp.errors import BundleError

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
transformers = pytest.importorskip("transformers", reason="the extra `train` is not installed")

from nlp.model.network import TokenEncoder  # noqa: E402
from nlp.training.pruning import prune_neurons  # noqa: E402

MASK = torch.ones(4, 9, dtype=torch.int64)


def encoder(kind: str = "Bert") -> TokenEncoder:
    torch.manual_seed(5)
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32
    )
    return TokenEncoder(getattr(transformers, f"{kind}Model")(config)).eval()


def batches(count: int = 3) -> list[tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(6)
    return [(torch.randint(5, 40, (4, 9), generator=generator), MASK) for _ in range(count)]


def test_idle_neurons_go_first() -> None:
    whole = encoder()
    idle = torch.arange(0, 32, 3)
    for layer in whole.body.encoder.layer:  # what they give never changes, and is not nothing
        layer.intermediate.dense.weight.data[idle] = 0
        layer.intermediate.dense.bias.data[idle] = 2.0
    narrow = copy.deepcopy(whole)
    prune_neurons(narrow, 32 - len(idle), batches())
    for ids, mask in batches(5):
        torch.testing.assert_close(narrow(ids, mask), whole(ids, mask), rtol=1e-4, atol=1e-5)
    assert narrow.config.intermediate_size == 32 - len(idle)
    assert narrow.body.encoder.layer[0].intermediate.dense.weight.shape == (32 - len(idle), 16)


def test_padding_does_not_count() -> None:
    mask = MASK.clone()
    mask[:, 5:] = 0
    (ids, _), *_ = batches(1)
    other = ids.clone()
    other[:, 5:] = 7
    one, two = encoder(), encoder()
    prune_neurons(one, 20, [(ids, mask)])
    prune_neurons(two, 20, [(other, mask)])
    for name, weight in one.state_dict().items():
        torch.testing.assert_close(weight, two.state_dict()[name])


def test_more_than_there_are_or_other_layers() -> None:
    with pytest.raises(BundleError, match="neurons = 33: expected at most 32"):
        prune_neurons(encoder(), 33, batches())
    with pytest.raises(BundleError, match="layers like those of BERT"):
        prune_neurons(encoder("Albert"), 8, batches())
