"""The whole joint encoder: one pass gives topic logits, tag logits, a sentence vector and token vectors; and the loss that trains it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel

from nlp.config import BaseRecipe
from nlp.errors import BundleError
from nlp.model.ngrams import NgramHead
from nlp.model.store import WEIGHTS

CHARACTER = "character.weight"  # name of the map of characters among the weights of a base
SIMILARITY_TEMPERATURE = 0.05  # as in the contrastive training of E5 (Wang et al. 2024, Multilingual E5, section 2), softened
IGNORED = -100  # target of a tag position or topic that counts for nothing


@dataclass(frozen=True, slots=True)
class JointOutput:
    """topics (batch, topics), tags (batch, length, tags), vector (batch, width) of unit length, and where the network has token vectors,
    tokens (batch, length, token width) of unit length; float32."""

    topics: Tensor
    tags: Tensor
    vector: Tensor
    tokens: Tensor | None = None


@dataclass(frozen=True, slots=True)
class LossWeights:
    """What each part of the loss weighs."""

    topic: float
    tags: float
    roles: float
    vector: float


class TokenEncoder(nn.Module):
    """Token ids → token states by a BERT-family encoder, which may see the word pieces around its characters.

    With a lexicon a character enters as the row of its piece plus a linear map of its own row, at the position of the piece. The map starts
    at zero, so that an encoder of pieces starts as what it was, its pieces only stretched over their characters.

    Args:
        body: The encoder without its own pooler; `lexicon` in its config says that ids have three channels (see `alignment.TextEncoder`).
    """

    def __init__(self, body: PreTrainedModel) -> None:
        super().__init__()
        body.pooler = None
        self.body = body
        width = int(body.config.hidden_size)
        self.character = nn.Linear(width, width, bias=False) if getattr(body.config, "lexicon", False) else None
        if self.character is not None:
            nn.init.zeros_(self.character.weight)
        # RoBERTa and its kin number positions from behind the row that padding has, and tell padding by its old id.
        table = getattr(getattr(body, "embeddings", None), "position_embeddings", None)
        padding = getattr(table, "padding_idx", None)
        self._first_position = 0 if padding is None else padding + 1

    @property
    def longest(self) -> int:
        """Most tokens of a text, special ones included."""
        return int(self.config.max_position_embeddings) - self._first_position

    @property
    def config(self) -> PretrainedConfig:
        return self.body.config

    @property
    def rows(self) -> nn.Embedding:
        """The table of characters and pieces."""
        table = self.body.get_input_embeddings()
        assert isinstance(table, nn.Embedding)
        return table

    def set_dropout(self, probability: float) -> None:
        """Sets the dropout of every part."""
        for module in self.body.modules():
            if isinstance(module, nn.Dropout):
                module.p = probability

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """States (batch, length, width) of ids (batch, length) or (batch, length, 3) under mask (batch, length)."""
        return self.layers(ids, mask)[-1]

    def layers(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        """The states after the embedding and after each layer."""
        options = {"attention_mask": mask, "output_hidden_states": True}
        if self.character is None:
            if self._first_position:
                options["position_ids"] = (torch.arange(ids.shape[1], device=ids.device) + self._first_position).expand_as(ids)
            return tuple(self.body(input_ids=ids, **options).hidden_states)
        characters, pieces, places = ids.unbind(dim=-1)
        states = self.rows(pieces) + self.character(self.rows(characters))
        return tuple(self.body(inputs_embeds=states, position_ids=places, **options).hidden_states)


class JointEncoder(nn.Module):
    """An encoder with a topic head, a tag head and mean pooling, whose vector passes through a map that starts as the identity.

    A head over n-grams may add to the topic logits, and one for token vectors may stand beside that for tags; both are fitted after the
    network, and nothing of them is trained with it.

    Args:
        encoder: The encoder.
        topics: Number of topics.
        tags: Number of tags, `O` included.
        dropout: Of the encoder and before both heads.
        ngrams: Whether there is a head over n-grams.
        token_width: Length of a token vector; 0 for none.
    """

    def __init__(
        self, encoder: TokenEncoder, topics: int, tags: int, dropout: float, ngrams: bool = False, token_width: int = 0
    ) -> None:
        super().__init__()
        width = int(encoder.config.hidden_size)
        self.encoder = encoder
        encoder.set_dropout(dropout)
        self.dropout = nn.Dropout(dropout)
        self.topic_head = nn.Linear(2 * width, topics)
        self.ngram_head = NgramHead(topics) if ngrams else None
        self.tag_head = nn.Linear(width, tags)
        self.vector_map = nn.Linear(width, width, bias=False)
        nn.init.eye_(self.vector_map.weight)
        self.token_head = nn.Linear(width, token_width).requires_grad_(False) if token_width else None

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        """Runs the network.

        Args:
            ids: Token ids, int64 (batch, length) or (batch, length, 3).
            mask: 1 for tokens, 0 for padding, int64 (batch, length).

        Returns:
            The tensors of JointOutput, as a tuple so that the graph can be exported.
        """
        hidden = self.encoder(ids, mask)
        pooled = mean_pool(hidden, mask)
        topics = self.topic_head(self.dropout(torch.cat([hidden[:, 0], pooled], dim=-1)))
        if self.ngram_head is not None:
            topics = topics + self.ngram_head(ids, mask)
        vector = functional.normalize(self.vector_map(pooled), dim=-1)
        tokens = () if self.token_head is None else (functional.normalize(self.token_head(hidden), dim=-1),)
        return topics, self.tag_head(self.dropout(hidden)), vector, *tokens


def mean_pool(hidden: Tensor, mask: Tensor) -> Tensor:
    """Mean of the unmasked positions of `hidden` (batch, length, width) → (batch, width)."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)


def joint_loss(
    output: JointOutput,
    topic_targets: Tensor,
    tag_targets: Tensor,
    vector_targets: Tensor | None,
    *,
    siblings: Tensor,
    weights: LossWeights,
    smoothing: float,
) -> Tensor:
    """Weighted sum of the losses of topic, tags, roles and vector.

    Few tokens have a role, so that in the mean over all tokens roles would hardly count: they have a term of their own.

    Args:
        output: What the network gave.
        topic_targets: Probability of each topic (batch, topics); a row of zeros where a text has no topic.
        tag_targets: Tag numbers (batch, length), IGNORED where there is none.
        vector_targets: Unit vectors of a frozen teacher (batch, width), zeros where there is none, or None.
        siblings: See `alignment.role_siblings`, bool (tags, tags).
        weights: Of the parts.
        smoothing: Share of the topic target spread evenly over all topics.

    Returns:
        A scalar.
    """
    labelled = topic_targets.sum(dim=-1)
    smooth = topic_targets * (1 - smoothing) + labelled.unsqueeze(-1) * smoothing / topic_targets.shape[-1]
    topic = -(smooth * functional.log_softmax(output.topics.float(), dim=-1)).sum() / labelled.sum().clamp(min=1)
    tag = functional.cross_entropy(output.tags.float().flatten(0, 1), tag_targets.flatten(), ignore_index=IGNORED)
    tagged = tag_targets != IGNORED
    role = role_loss(output.tags.float()[tagged], tag_targets[tagged], siblings)
    total = weights.topic * topic + weights.tags * tag + weights.roles * role
    if vector_targets is not None:
        known = vector_targets.abs().sum(dim=-1) > 0
        total = total + weights.vector * similarity_loss(output.vector[known], vector_targets[known])
    return total


def role_loss(logits: Tensor, targets: Tensor, siblings: Tensor) -> Tensor:
    """Cross-entropy of the role at the tokens of entities that have one, their type and position given.

    Args:
        logits: Of tags, float32 (tokens, tags).
        targets: Tag numbers (tokens,).
        siblings: See `alignment.role_siblings`, bool (tags, tags).

    Returns:
        A scalar, 0 where no token has a role.
    """
    choices = siblings[targets]
    known = choices.any(dim=-1)
    limited = logits[known].masked_fill(~choices[known], float("-inf"))
    return functional.cross_entropy(limited, targets[known], reduction="sum") / known.sum().clamp(min=1)


def similarity_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """How far student vectors (batch, width) are from the teacher's unit vectors, each alone and in their similarities to one another."""
    student = functional.normalize(student.float(), dim=-1)
    alone = (1 - (student * teacher).sum(dim=-1)).mean()
    itself = torch.eye(len(student), dtype=torch.bool, device=student.device)
    ours, theirs = ((v @ v.T / SIMILARITY_TEMPERATURE).masked_fill(itself, -1e4) for v in (student, teacher))
    together = functional.kl_div(ours.log_softmax(-1), theirs.log_softmax(-1), log_target=True, reduction="batchmean")
    return 10 * alone + together


def checkpoint_folder(path: str, key: str) -> Path:
    """The folder of a checkpoint; a hub id is fetched to the library's cache first.

    Args:
        path: Folder or hub id.
        key: Of the recipe, for the message.

    Raises:
        BundleError: It is neither.
    """
    if Path(path).exists():
        return Path(path)
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(path, allow_patterns=["*.json", "vocab.txt", "*.safetensors"]))
    except (OSError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise BundleError(f"{key} {path!r}: neither a folder nor a hub id that can be fetched: {first}") from None


def load_base(base: BaseRecipe, rows: Sequence[int] | None = None, lexicon: bool = False) -> TokenEncoder:
    """Loads the encoder of any BERT-family checkpoint, or one that `save_base` wrote.

    Args:
        base: Hub id or folder, how many layers to keep, whether to start from random weights.
        rows: Rows of the embedding to keep, in their new order (see `vocabulary.Lexicon`); None keeps all.
        lexicon: Give a base that has none the map of characters that a lexicon needs.

    Raises:
        BundleError: There is no such checkpoint, or it is no encoder with a stack of layers.
    """
    try:
        if base.random:
            body = AutoModel.from_config(AutoConfig.from_pretrained(base.path))
        else:
            body = AutoModel.from_pretrained(base.path, dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise BundleError(
            f"base.path {base.path!r}: {error}; expected a hub id or a folder with config.json and weights"
        ) from None
    if rows is not None:
        _keep_rows(body, rows)
    if base.layers:
        _keep_layers(body, base.layers, base.path)
    stored = bool(getattr(body.config, "lexicon", False))
    body.config.lexicon = lexicon or stored
    encoder = TokenEncoder(body)
    if encoder.character is not None and stored and not base.random:
        with safe_open(Path(base.path) / WEIGHTS, framework="pt") as file:
            encoder.character.load_state_dict({"weight": file.get_tensor(CHARACTER).float()})
    return encoder


def save_base(encoder: TokenEncoder, folder: Path) -> None:
    """Writes `config.json` and `model.safetensors` (fp16) in the layout of the library, with the map of characters as one more tensor."""
    weights = {name: weight.half().contiguous() for name, weight in encoder.body.state_dict().items()}
    if encoder.character is not None:
        weights[CHARACTER] = encoder.character.weight.detach().half().contiguous()
    encoder.config.save_pretrained(folder)
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})


def _keep_rows(body: PreTrainedModel, rows: Sequence[int]) -> None:
    old = body.get_input_embeddings()
    if max(rows) >= len(old.weight):
        raise BundleError(
            f"the base's tokenizer names row {max(rows)}, but its embedding has {len(old.weight)}: they do not belong together"
        )
    new = nn.Embedding(len(rows), old.weight.shape[1], padding_idx=0)
    with torch.no_grad():
        new.weight.copy_(old.weight[torch.tensor(rows)])
    body.set_input_embeddings(new)
    body.config.vocab_size = len(rows)
    body.config.pad_token_id = 0


def _keep_layers(body: PreTrainedModel, count: int, path: str) -> None:
    stack = getattr(getattr(body, "encoder", None), "layer", None)
    if stack is None or not 1 <= count <= len(stack):
        found = "no stack of layers" if stack is None else f"{len(stack)} layers"
        raise BundleError(f"base.layers = {count}: {path} has {found}, expected between 1 and that many")
    # Evenly spaced with the last layer kept: its output is what the pretraining shaped for use.
    kept = sorted({round((i + 1) * len(stack) / count) - 1 for i in range(count)})
    body.encoder.layer = nn.ModuleList(copy.deepcopy(stack[i]) for i in kept)
    body.config.num_hidden_layers = len(kept)
