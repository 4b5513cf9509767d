"""Text → token ids with original offsets; entities ↔ tags; long texts → overlapping windows.

Every tokenizer here reports offsets in code points of the original text. A `character` tokenizer makes a token of each non-blank code
point (three of one that NFKC writes as three, such as …), so that no entity can straddle a token; a `piece` tokenizer is the base's own. A
lexicon adds two channels to the id of each character: the id of the word piece around it and the number of that piece in the text. Tags
are BIOES over `LabelSchema.tags()`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from nlp.errors import BundleError
from nlp.model.store import PIECES, TOKENIZER
from nlp.model.vocabulary import SPECIALS
from nlp.schema import Entity, Example, LabelSchema

OUTSIDE = "O"
SURROGATES = dict.fromkeys(range(55296, 57344), 65533)


@dataclass(frozen=True, slots=True)
class Encoding:
    """The tokens of one text without special tokens.

    `ids` is an int32 array of shape (tokens,), or with a lexicon (tokens, 3): character, piece, number of the piece. `starts` and
    `ends` hold half-open original offsets, int32 of shape (tokens,).
    """

    ids: NDArray[np.int32]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Window:
    """A piece of an encoding that fits the model: tokens `start:end` of text number `text`."""

    text: int
    start: int
    end: int


class TextEncoder:
    """A tokenizer with the special ids that the network expects.

    Args:
        tokenizer: A `tokenizers.Tokenizer` without truncation and padding.
        max_length: Longest window, in tokens, special tokens included.
        stride: Tokens shared by neighbouring windows.
        lexicon: Tokenizer of the pieces that are laid over the characters; its ids share a table with those of `tokenizer`.
    """

    def __init__(self, tokenizer: Tokenizer, max_length: int, stride: int, lexicon: Tokenizer | None = None) -> None:
        self.tokenizer, self.max_length, self.stride, self.lexicon = tokenizer, max_length, stride, lexicon
        tokenizer.encode_special_tokens = True  # [MASK] in a text is six characters like any others
        self.pad, self.unk, self.cls, self.sep, self.mask = (_special_id(tokenizer, name) for name in SPECIALS)

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Tokenises whole texts; lone surrogates, which no tokenizer takes, count as U+FFFD."""
        clean = [text if text.isascii() else text.translate(SURROGATES) for text in texts]
        encodings = []
        for encoded in self.tokenizer.encode_batch(clean, add_special_tokens=False):
            offsets = np.array(encoded.offsets, dtype=np.int32).reshape(-1, 2)
            encodings.append(Encoding(np.array(encoded.ids, dtype=np.int32), offsets[:, 0], offsets[:, 1]))
        return self._with_pieces(clean, encodings) if self.lexicon else encodings

    def _with_pieces(self, texts: Sequence[str], encodings: Sequence[Encoding]) -> list[Encoding]:
        assert self.lexicon is not None
        both = []
        for encoded, encoding in zip(self.lexicon.encode_batch(texts, add_special_tokens=False), encodings, strict=True):
            firsts = np.array([start for start, _ in encoded.offsets], dtype=np.int32)
            places = np.searchsorted(firsts, encoding.starts, side="right").astype(np.int32) - 1
            pieces = np.array(encoded.ids, dtype=np.int32)[places]
            ids = np.stack([encoding.ids, np.where(pieces == self.unk, encoding.ids, pieces), places], axis=1)
            both.append(Encoding(ids, encoding.starts, encoding.ends))
        return both

    def windows(self, encodings: Sequence[Encoding]) -> list[Window]:
        """Cuts encodings into overlapping windows; an empty text has one empty window."""
        room = self.max_length - 2
        windows = []
        for number, encoding in enumerate(encodings):
            start = 0
            while True:
                end = min(start + room, len(encoding))
                windows.append(Window(number, start, end))
                if end == len(encoding):
                    break
                start = end - self.stride
        return windows

    def batch(self, encodings: Sequence[Encoding], windows: Sequence[Window]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pads windows to one array.

        Returns:
            ids, int64 of shape (windows, longest window + 2) or with a lexicon (windows, longest window + 2, 3), and attention mask,
            int64 of shape (windows, longest window + 2).
        """
        return pad_rows([self.frame(encodings[w.text].ids[w.start : w.end]) for w in windows], self.pad)

    def save(self, folder: Path) -> None:
        """Writes `tokenizer.json`, and `pieces.json` where there is a lexicon."""
        self.tokenizer.save(str(folder / TOKENIZER))
        if self.lexicon is not None:
            self.lexicon.save(str(folder / PIECES))

    def frame(self, ids: NDArray[np.int32]) -> NDArray[np.int32]:
        """Puts the special tokens around the ids of a window, shape (tokens,) or (tokens, 3), and numbers its pieces from 1."""
        if ids.ndim == 1:
            return np.concatenate([[self.cls], ids, [self.sep]]).astype(np.int32)
        first, last = (ids[0, 2], ids[-1, 2]) if len(ids) else (0, -1)
        ends = [[self.cls, self.cls, first - 1]], [[self.sep, self.sep, last + 1]]
        return np.concatenate([ends[0], ids, ends[1]]).astype(np.int32) - np.array([0, 0, first - 1], dtype=np.int32)


def load_encoder(folder: Path, max_length: int, stride: int) -> TextEncoder:
    """The tokenizers of a bundle or of a base that `save` wrote."""
    lexicon = Tokenizer.from_file(str(folder / PIECES)) if (folder / PIECES).exists() else None
    return TextEncoder(Tokenizer.from_file(str(folder / TOKENIZER)), max_length, stride, lexicon)


def pad_rows(rows: Sequence[NDArray[np.int32]], pad: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pads framed windows, each (tokens,) or (tokens, 3), to ids and attention mask (see `TextEncoder.batch`)."""
    width = max((len(row) for row in rows), default=2)
    ids = np.full((len(rows), width, *(rows[0].shape[1:] if rows else ())), pad, dtype=np.int64)
    mask = np.zeros((len(rows), width), dtype=np.int64)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = row
        mask[number, : len(row)] = 1
    return ids, mask


def _special_id(tokenizer: Tokenizer, name: str) -> int:
    for token in (name, SPECIALS[name]):
        identifier = tokenizer.token_to_id(token)
        if identifier is not None:
            return int(identifier)
    raise BundleError(
        f"the tokenizer has neither {name} nor {SPECIALS[name]}, expected the vocabulary of a BERT or XLM-R model"
    )


def tag_names(schema: LabelSchema) -> tuple[str, ...]:
    """All tags of the network: `O`, then `B-`, `I-`, `E-`, `S-` of each of `schema.tags()`."""
    return (OUTSIDE, *(f"{position}-{tag}" for tag in schema.tags() for position in "BIES"))


def role_siblings(names: Sequence[str]) -> NDArray[np.bool_]:
    """True where two tags share position and type and that type has two or more roles: bool (tags, tags)."""
    shapes = np.array([name.partition(":")[0] for name in names])
    same: NDArray[np.bool_] = shapes[:, None] == shapes[None, :]
    same[same.sum(axis=1) == 1] = False
    return same


def tags_of(example: Example, encoding: Encoding, names: Sequence[str]) -> tuple[NDArray[np.int64], int]:
    """Gold tags of an example.

    Returns:
        Tag numbers, int64 of shape (tokens,), and how many entities no token boundary fits (they stay untagged).
    """
    number = {name: n for n, name in enumerate(names)}
    tags = np.zeros(len(encoding), dtype=np.int64)
    lost = 0
    for entity in example.entities:
        covered = np.flatnonzero((encoding.starts < entity.end) & (encoding.ends > entity.start))
        if not len(covered) or encoding.starts[covered[0]] < entity.start or encoding.ends[covered[-1]] > entity.end:
            lost += 1
            continue
        tag = f"{entity.type}:{entity.role}" if entity.role else entity.type
        first, last = covered[0], covered[-1]
        if first == last:
            tags[first] = number[f"S-{tag}"]
        else:
            tags[first], tags[last] = number[f"B-{tag}"], number[f"E-{tag}"]
            tags[first + 1 : last] = number[f"I-{tag}"]
    return tags, lost


def entities_of(spans: Iterable[tuple[int, int, str, float]], encoding: Encoding) -> list[Entity]:
    """Token spans in text order (first, last, tag, probability) → entities with original offsets; `tag` is `type` or `type:role`.

    Of two spans in the same character, which NFKC makes several of, the first one stays.
    """
    entities: list[Entity] = []
    for first, last, tag, probability in spans:
        kind, _, role = tag.partition(":")
        start, end = int(encoding.starts[first]), int(encoding.ends[last])
        if not entities or start >= entities[-1].end:
            entities.append(Entity(start, end, kind, role or None, None, probability))
    return entities
