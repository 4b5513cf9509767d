"""Smoothing: the same function, without the outlier."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from nlp.model.smoothing import ScaledLinear, smooth  # noqa: E402


def network() -> torch.nn.Sequential:
    torch.manual_seed(2)
    return torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.GELU(), torch.nn.Linear(16, 4)).eval()


def test_an_uneven_layer_is_scaled_and_computes_the_same() -> None:
    net, states = network(), torch.randn(2, 5, 8)
    states[..., 3] *= 40
    expected = net(states)
    assert smooth(net, [(states,)]) >= 1
    layer = net[0]
    assert isinstance(layer, ScaledLinear)
    seen = (states * layer.scale).abs().flatten(0, 1).amax(dim=0)
    assert float(seen.max() / seen.median()) < 8
    torch.testing.assert_close(net(states), expected, rtol=1e-4, atol=1e-5)


def test_even_layers_and_unseen_ones_stay() -> None:
    net = network()
    assert smooth(net, [(torch.ones(3, 8),)]) == 0
    assert smooth(net, []) == 0
    assert type(net[0]) is torch.nn.Linear
