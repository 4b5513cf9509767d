"""The whole joint encoder: one BERT-family pass gives topic logits, tag logits and a sentence vector; and the loss that trains it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoConfig, AutoModel, PreTrainedModel

from nlp.config import BaseRecipe
from nlp.errors import BundleError

IGNORED = -100  # target of a tag position or topic that counts for nothing


@dataclass(frozen=True, slots=True)
class JointOutput:
    """topics (batch, topics), tags (batch, length, tags), vector (batch, width) of unit length; float32."""

    topics: Tensor
    tags: Tensor
    vector: Tensor


class JointEncoder(nn.Module):
    """A BERT-family encoder with a topic head, a tag head and mean pooling.

    Args:
        encoder: The encoder without its own pooler.
        topics: Number of topics.
        tags: Number of tags, `O` included.
        dropout: Of the encoder and before both heads.
    """

    def __init__(self, encoder: PreTrainedModel, topics: int, tags: int, dropout: float) -> None:
        super().__init__()
        width = int(encoder.config.hidden_size)
        self.encoder = encoder
        for module in encoder.modules():
            if isinstance(module, nn.Dropout):
                module.p = dropout
        self.dropout = nn.Dropout(dropout)
        self.topic_head = nn.Linear(2 * width, topics)
        self.tag_head = nn.Linear(width, tags)

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Runs the network.

        Args:
            ids: Token ids, int64 (batch, length).
            mask: 1 for tokens, 0 for padding, int64 (batch, length).

        Returns:
            The three tensors of JointOutput, as a tuple so that the graph can be exported.
        """
        hidden = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        pooled = mean_pool(hidden, mask)
        topics = self.topic_head(self.dropout(torch.cat([hidden[:, 0], pooled], dim=-1)))
        return topics, self.tag_head(self.dropout(hidden)), functional.normalize(pooled, dim=-1)


def mean_pool(hidden: Tensor, mask: Tensor) -> Tensor:
    """Mean of the unmasked positions of `hidden` (batch, length, width) → (batch, width)."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)


def joint_loss(
    output: JointOutput,
    topic_targets: Tensor,
    tag_targets: Tensor,
    vector_targets: Tensor | None,
    weights: tuple[float, float, float],
    smoothing: float,
) -> Tensor:
    """Weighted sum of the losses of topic, tags and vector.

    Args:
        output: What the network gave.
        topic_targets: Probability of each topic (batch, topics); a row of zeros where a text has no topic.
        tag_targets: Tag numbers (batch, length), IGNORED where there is none.
        vector_targets: Unit vectors of a frozen teacher (batch, width), or None.
        weights: Of topic, tags and vector.
        smoothing: Share of the topic target spread evenly over all topics.

    Returns:
        A scalar.
    """
    labelled = topic_targets.sum(dim=-1)
    smooth = topic_targets * (1 - smoothing) + labelled.unsqueeze(-1) * smoothing / topic_targets.shape[-1]
    topic = -(smooth * functional.log_softmax(output.topics.float(), dim=-1)).sum() / labelled.sum().clamp(min=1)
    tag = functional.cross_entropy(output.tags.float().flatten(0, 1), tag_targets.flatten(), ignore_index=IGNORED)
    total = weights[0] * topic + weights[1] * tag
    if vector_targets is not None:
        total = total + weights[2] * (1 - functional.cosine_similarity(output.vector, vector_targets, dim=-1)).mean()
    return total


def load_base(base: BaseRecipe, rows: Sequence[int] | None = None) -> PreTrainedModel:
    """Loads the encoder of any BERT-family checkpoint.

    Args:
        base: Hub id or folder, how many layers to keep, whether to start from random weights.
        rows: Rows of the embedding to keep, in their new order (see `alignment.character_rows`); None keeps all.

    Raises:
        BundleError: There is no such checkpoint, or it is no encoder with a stack of layers.
    """
    try:
        if base.random:
            config = AutoConfig.from_pretrained(base.path)
            encoder = AutoModel.from_config(config)
        else:
            encoder = AutoModel.from_pretrained(base.path, dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise BundleError(
            f"base.path {base.path!r}: {error}; expected a hub id or a folder with config.json and weights"
        ) from None
    if rows is not None:
        _keep_rows(encoder, rows)
    if base.layers:
        _keep_layers(encoder, base.layers, base.path)
    encoder.pooler = None
    return encoder


def _keep_rows(encoder: PreTrainedModel, rows: Sequence[int]) -> None:
    old = encoder.get_input_embeddings()
    if max(rows) >= len(old.weight):
        raise BundleError(
            f"the base's tokenizer names row {max(rows)}, but its embedding has {len(old.weight)}: they do not belong together"
        )
    new = nn.Embedding(len(rows), old.weight.shape[1], padding_idx=0)
    with torch.no_grad():
        new.weight.copy_(old.weight[torch.tensor(rows)])
    encoder.set_input_embeddings(new)
    encoder.config.vocab_size = len(rows)
    encoder.config.pad_token_id = 0


def _keep_layers(encoder: PreTrainedModel, count: int, path: str) -> None:
    stack = getattr(getattr(encoder, "encoder", None), "layer", None)
    if stack is None or not 1 <= count <= len(stack):
        found = "no stack of layers" if stack is None else f"{len(stack)} layers"
        raise BundleError(f"base.layers = {count}: {path} has {found}, expected between 1 and that many")
    # Evenly spaced with the last layer kept: its output is what the pretraining shaped for use.
    kept = sorted({round((i + 1) * len(stack) / count) - 1 for i in range(count)})
    encoder.encoder.layer = nn.ModuleList(copy.deepcopy(stack[i]) for i in kept)
    encoder.config.num_hidden_layers = len(kept)


def load_network(folder: Path, config: dict[str, Any], topics: int, tags: int) -> JointEncoder:
    """Builds the network of a bundle and loads its weights (`model.safetensors`) for inference."""
    from safetensors.torch import load_file

    settings = dict(config)
    encoder = AutoModel.from_config(AutoConfig.for_model(settings.pop("model_type"), **settings))
    encoder.pooler = None
    network = JointEncoder(encoder, topics, tags, 0.0)
    weights = {name: weight.float() for name, weight in load_file(str(folder / "model.safetensors")).items()}
    network.load_state_dict(weights)
    return network.eval()
