"""An encoder → the same with narrower feed-forward parts, as a start for further distillation.

The neurons that weigh least are taken out: those whose activation, times the length of the weights that read it, is smallest over sample
texts (the structured form of Wanda, Sun et al. 2024, https://arxiv.org/abs/2306.11695, section 3). What a removed neuron gives on average
moves into the bias behind it, so that only its variation is lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from nlp.errors import BundleError
from nlp.model.network import TokenEncoder


@torch.no_grad()
def prune_neurons(encoder: TokenEncoder, count: int, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
    """Keeps `count` neurons of the feed-forward part of each layer.

    Args:
        encoder: Changed in place.
        count: How many stay, at most as many as there are.
        batches: Ids and masks of texts as it will read, at least one.

    Raises:
        BundleError: The layers are not those of BERT, or have fewer neurons.
    """
    stack: Any = getattr(getattr(encoder.body, "encoder", None), "layer", None)
    width = int(getattr(encoder.config, "intermediate_size", 0))
    if stack is None or not all(hasattr(layer, "intermediate") for layer in stack) or count > width:
        raise BundleError(f"pretrain.neurons = {count}: expected at most {width}, and layers like those of BERT")
    readers: list[nn.Linear] = [layer.output.dense for layer in stack]
    squares, sums, tokens = [torch.zeros(width) for _ in readers], [torch.zeros(width) for _ in readers], 0

    def note(number: int, states: Tensor) -> None:
        known = states[mask.bool()].float()
        squares[number] += known.pow(2).sum(dim=0)
        sums[number] += known.sum(dim=0)

    hooks = [reader.register_forward_pre_hook(lambda _, inputs, n=n: note(n, inputs[0])) for n, reader in enumerate(readers)]
    for ids, mask in batches:
        encoder(ids, mask)
        tokens += int(mask.sum())
    for hook in hooks:
        hook.remove()
    for layer, square, total in zip(stack, squares, sums, strict=True):
        mean = total / tokens
        spread = (square / tokens - mean.pow(2)).clamp(min=0).sqrt()
        kept = (spread * layer.output.dense.weight.norm(dim=0)).topk(count).indices.sort().values
        _narrow(layer.intermediate.dense, layer.output.dense, kept, mean)
    encoder.config.intermediate_size = count


def _narrow(writer: nn.Linear, reader: nn.Linear, kept: Tensor, mean: Tensor) -> None:
    """Takes out all other neurons between two layers; `mean` is what each gives on average."""
    average = mean.clone()
    average[kept] = 0
    reader.bias.data += reader.weight @ average
    reader.weight.data = reader.weight[:, kept].contiguous()
    writer.weight.data, writer.bias.data = writer.weight[kept].contiguous(), writer.bias[kept].contiguous()
    writer.out_features = reader.in_features = len(kept)
