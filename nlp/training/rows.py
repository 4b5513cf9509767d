"""Examples → the rows that the joint model is trained on: windows of token ids with their targets, padded to batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from nlp.model.alignment import TextEncoder, pad_rows, tag_names, tags_of
from nlp.model.network import IGNORED
from nlp.schema import Example, LabelSchema
from nlp.training.pretrain import Teacher


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """A framed window of an example with its targets: topic probabilities (topics,), tags (tokens,), teacher vector (width,) or None."""

    ids: np.ndarray[Any, np.dtype[np.int32]]
    topic: np.ndarray[Any, np.dtype[np.float32]]
    tags: np.ndarray[Any, np.dtype[np.int64]]
    vector: np.ndarray[Any, np.dtype[np.float32]] | None


class TrainingRows(Dataset[TrainingRow]):
    """Examples cut to windows with their targets; `lost` counts entities that no token boundary fits.

    Args:
        examples: Gold rows.
        encoder: Tokenizer and window size.
        schema: The labels.
        also_share: Part of the topic target that goes to the other acceptable topics.
        teacher: Gives vectors for single-window texts; None for no vector target.
        variants: Lists as long as `examples`, of other examples that may stand for them, or None. Of a text that fits one window half of
            the draws take one of its variants; variants have no vector target.
        masking: Most of the tokens that are hidden when a row is drawn.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        encoder: TextEncoder,
        schema: LabelSchema,
        also_share: float,
        teacher: Teacher | None = None,
        variants: Sequence[Sequence[Example | None]] = (),
        masking: float = 0.0,
    ) -> None:
        self._masking, self._mask = masking, encoder.mask
        vectors = _teacher_vectors([e.text for e in examples], teacher) if teacher else None
        cut, self.lost = _cut(examples, encoder, schema, also_share, vectors)
        self.rows = [row for rows in cut for row in rows]
        self._variants: dict[int, list[TrainingRow]] = {}
        places = np.cumsum([0, *map(len, cut)])
        for others in variants:
            known = [number for number, other in enumerate(others) if other is not None]
            cut_others, _ = _cut([other for other in others if other is not None], encoder, schema, also_share)
            for number, rows in zip(known, cut_others, strict=True):
                if len(rows) == len(cut[number]) == 1:
                    self._variants.setdefault(int(places[number]), []).extend(rows)

    @property
    def lengths(self) -> list[int]:
        """Tokens of each row."""
        return [len(row.ids) for row in self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> TrainingRow:
        variants = self._variants.get(index, [])
        drawn = int(torch.randint(2 * len(variants), ())) if variants else 0
        row = variants[drawn] if drawn < len(variants) else self.rows[index]
        return replace(row, ids=self._hide(row.ids)) if self._masking else row

    def _hide(self, ids: np.ndarray[Any, np.dtype[np.int32]]) -> np.ndarray[Any, np.dtype[np.int32]]:
        """Ids with some tokens masked, the characters of a piece together: one of them would tell the others."""
        changed = ids.copy()
        inside, pieces = changed[1:-1], np.arange(len(ids) - 2) if ids.ndim == 1 else ids[1:-1, 2]
        chosen = torch.rand(int(pieces.max(initial=0)) + 1) < self._masking * torch.rand(())
        (inside if ids.ndim == 1 else inside[:, :2])[chosen.numpy()[pieces]] = self._mask
        return changed


def _cut(
    examples: Sequence[Example],
    encoder: TextEncoder,
    schema: LabelSchema,
    also_share: float,
    vectors: np.ndarray[Any, np.dtype[np.float32]] | None = None,
) -> tuple[list[list[TrainingRow]], int]:
    """The windows of each example, and how many entities no token boundary fits."""
    encodings = encoder.encode([e.text for e in examples])
    names = tag_names(schema)
    tagged = [tags_of(e, encoding, names) for e, encoding in zip(examples, encodings, strict=True)]
    cut: list[list[TrainingRow]] = [[] for _ in examples]
    for window in encoder.windows(encodings):
        ids = encoder.frame(encodings[window.text].ids[window.start : window.end])
        tags = np.full(len(ids), IGNORED, dtype=np.int64)
        tags[1:-1] = tagged[window.text][0][window.start : window.end]
        topic = _topic_target(examples[window.text], schema, also_share)
        whole = window.start == 0 and window.end == len(encodings[window.text])
        vector = vectors[window.text] if vectors is not None and whole else None
        cut[window.text].append(TrainingRow(ids, topic, tags, vector))
    return cut, sum(lost for _, lost in tagged)


def _topic_target(example: Example, schema: LabelSchema, also_share: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    target = np.zeros(len(schema.topics), dtype=np.float32)
    number = {topic: n for n, topic in enumerate(schema.topic_ids())}
    if example.topic:
        share = also_share if example.also else 0.0
        target[number[example.topic]] = 1 - share
        for other in example.also:
            target[number[other]] += share / len(example.also)
    return target


def _teacher_vectors(texts: Sequence[str], teacher: Teacher, batch: int = 32) -> np.ndarray[Any, np.dtype[np.float32]]:
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    parts = [teacher.vectors([texts[i][:500] for i in order[n : n + batch]]).cpu().numpy() for n in range(0, len(order), batch)]
    vectors = np.empty_like(np.concatenate(parts))
    vectors[order] = np.concatenate(parts)
    return vectors


@dataclass(frozen=True, slots=True)
class Collator:
    """Pads TrainingRows to one batch of tensors."""

    pad: int

    def __call__(self, rows: Sequence[TrainingRow]) -> dict[str, Tensor]:
        ids, mask = pad_rows([row.ids for row in rows], self.pad)
        tags = np.full(mask.shape, IGNORED, dtype=np.int64)
        for number, row in enumerate(rows):
            tags[number, : len(row.tags)] = row.tags
        batch = {"ids": ids, "mask": mask, "topic_targets": np.stack([row.topic for row in rows]), "tag_targets": tags}
        vectors = [row.vector for row in rows]
        if any(v is not None for v in vectors):
            known = next(v for v in vectors if v is not None)
            batch["vector_targets"] = np.stack([np.zeros_like(known) if v is None else v for v in vectors])
        return {name: torch.from_numpy(array) for name, array in batch.items()}
