"""Bundles with weights → a warm start: their encoder, and the rows of their heads whose labels the new schema still has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from nlp.errors import BundleError
from nlp.model.alignment import tag_names
from nlp.model.network import JointEncoder
from nlp.model.store import WEIGHTS, Bundle, load_bundle
from nlp.schema import LabelSchema


def warm_start(network: JointEncoder, schema: LabelSchema, folders: Sequence[Path]) -> tuple[int, int]:
    """Copies what survives, of several bundles the mean (Wortsman et al. 2022, Model soups: the uniform soup); topics and tags that the
    bundles do not know stay as they were drawn.

    The encoder is copied with the heads, whose rows mean nothing over another one. The head over n-grams is not: it is fitted anew.

    Args:
        network: The fresh network, of the bundles' architecture and vocabulary.
        schema: The labels of its heads.
        folders: The bundles, of the same labels. Only runs from the same start have a mean that is any good.

    Returns:
        How many topics and how many tags were copied.

    Raises:
        BundleError: A bundle is damaged, has no weights, or is of another shape, or has other labels than the first.
    """
    bundles = [load_bundle(folder) for folder in folders]
    first = bundles[0]
    total: dict[str, Tensor] = {}
    for bundle in bundles:
        if (bundle.labels.topic_ids(), tag_names(bundle.labels)) != (first.labels.topic_ids(), tag_names(first.labels)):
            raise BundleError(f"base.heads: {bundle.folder} has other labels than {first.folder}: they have no mean")
        copied = _take_over(network, schema, bundle)
        for name, weight in network.state_dict().items():
            total[name] = total[name] + weight if name in total else weight.clone()
    network.load_state_dict({name: weight / len(folders) for name, weight in total.items()})
    return copied


def _take_over(network: JointEncoder, schema: LabelSchema, bundle: Bundle) -> tuple[int, int]:
    """Copies what survives of one bundle."""
    folder = bundle.folder
    if WEIGHTS not in bundle.manifest["files"]:
        raise BundleError(f'base.heads: {folder} has no {WEIGHTS}; train it with "weights" among export.files')
    weights = {name: weight.float() for name, weight in load_file(folder / WEIGHTS).items()}
    own = network.state_dict()
    body = {name: weight for name, weight in weights.items() if "_head." not in name}
    for name, weight in own.items():
        if "_head." not in name and (name not in body or body[name].shape != weight.shape):
            found = tuple(body[name].shape) if name in body else "nothing"
            raise BundleError(
                f"base.heads: {folder}: {name} is {found}, expected {tuple(weight.shape)}; name the base and [tokens] of that bundle"
            )
    deeper = sorted(set(body) - set(own))
    if deeper:
        raise BundleError(
            f"base.heads: {folder}: has {deeper[0]}, which the network has not; name the base and layers of that bundle"
        )
    # The heads know the network's own topics alone: what was learnt from examples lies behind them (see `nlp.model.extension`).
    topics = bundle.labels.topic_ids()[: len(weights["topic_head.weight"])]
    network.load_state_dict({**own, **body})
    copied = _copy_rows(network, weights, "topic_head", topics, schema.topic_ids())
    return copied, _copy_rows(network, weights, "tag_head", tag_names(bundle.labels), tag_names(schema))


def _copy_rows(
    network: JointEncoder, weights: dict[str, Tensor], head: str, before: Sequence[str], after: Sequence[str]
) -> int:
    kept = [label for label in after if label in before]
    old = torch.tensor([before.index(label) for label in kept], dtype=torch.long)
    new = torch.tensor([after.index(label) for label in kept], dtype=torch.long)
    with torch.no_grad():
        for part in ("weight", "bias"):
            network.get_parameter(f"{head}.{part}")[new] = weights[f"{head}.{part}"][old]
    return len(kept)
