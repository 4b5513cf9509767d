"""Text → token ids with original offsets; entities ↔ tags; long texts → overlapping windows.

Every tokenizer here reports offsets in code points of the original text. A `character` tokenizer makes one token of each non-blank
code point, so that no entity can straddle a token; a `piece` tokenizer is the base's own. Tags are BIOES over `LabelSchema.tags()`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from nlp.errors import BundleError
from nlp.schema import Entity, Example, LabelSchema

SPECIALS = {"[PAD]": "<pad>", "[UNK]": "<unk>", "[CLS]": "<s>", "[SEP]": "</s>", "[MASK]": "<mask>"}  # BERT name → XLM-R name
OUTSIDE = "O"
SURROGATES = dict.fromkeys(range(55296, 57344), 65533)


@dataclass(frozen=True, slots=True)
class Encoding:
    """The tokens of one text without special tokens: ids and half-open original offsets, int32 arrays of shape (tokens,)."""

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
    """

    def __init__(self, tokenizer: Tokenizer, max_length: int, stride: int) -> None:
        self.tokenizer, self.max_length, self.stride = tokenizer, max_length, stride
        self.pad, self.unk, self.cls, self.sep, self.mask = (_special_id(tokenizer, name) for name in SPECIALS)

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Tokenises whole texts; lone surrogates, which no tokenizer takes, count as U+FFFD."""
        clean = [text if text.isascii() else text.translate(SURROGATES) for text in texts]
        encodings = []
        for encoded in self.tokenizer.encode_batch(clean, add_special_tokens=False):
            offsets = np.array(encoded.offsets, dtype=np.int32).reshape(-1, 2)
            encodings.append(Encoding(np.array(encoded.ids, dtype=np.int32), offsets[:, 0], offsets[:, 1]))
        return encodings

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
            ids and attention mask, int64, both of shape (windows, longest window + 2).
        """
        width = max((w.end - w.start for w in windows), default=0) + 2
        ids = np.full((len(windows), width), self.pad, dtype=np.int64)
        mask = np.zeros((len(windows), width), dtype=np.int64)
        for row, window in enumerate(windows):
            size = window.end - window.start
            ids[row, 0] = self.cls
            ids[row, 1 : size + 1] = encodings[window.text].ids[window.start : window.end]
            ids[row, size + 1] = self.sep
            mask[row, : size + 2] = 1
        return ids, mask


def _special_id(tokenizer: Tokenizer, name: str) -> int:
    for token in (name, SPECIALS[name]):
        identifier = tokenizer.token_to_id(token)
        if identifier is not None:
            return int(identifier)
    raise BundleError(
        f"the tokenizer has neither {name} nor {SPECIALS[name]}, expected the vocabulary of a BERT or XLM-R model"
    )


def read_vocabulary(folder: Path) -> dict[str, int]:
    """Reads the vocabulary of a base: `vocab.txt` (BERT) or `tokenizer.json`.

    Raises:
        BundleError: The folder has neither file.
    """
    if (folder / "vocab.txt").exists():
        lines = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
        return {token: number for number, token in enumerate(lines)}
    if (folder / "tokenizer.json").exists():
        return dict(Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab())
    raise BundleError(f"{folder}: no vocab.txt and no tokenizer.json, expected the tokenizer files of a BERT-family checkpoint")


def character_rows(vocabulary: dict[str, int]) -> list[int]:
    """The rows of the base's embedding that a character tokenizer keeps: special tokens first, then single characters in base order.

    The marks of word starts and continuations (`▁x`, `##x`) are read as x where x has no row of its own.
    """
    rows = []
    for name, alternative in SPECIALS.items():
        row = vocabulary.get(name, vocabulary.get(alternative))
        if row is None:
            raise BundleError(f"the base's vocabulary has neither {name} nor {alternative}")
        rows.append(row)
    return rows + list(_characters(vocabulary).values())


def _characters(vocabulary: dict[str, int]) -> dict[str, int]:
    found = {token: row for token, row in vocabulary.items() if len(token) == 1 and not token.isspace()}
    for token, row in vocabulary.items():
        bare = token.removeprefix("##").removeprefix("▁")
        if len(bare) == 1 and not bare.isspace():
            found.setdefault(bare, row)
    return dict(sorted(found.items(), key=lambda item: item[1]))


def character_tokenizer(vocabulary: dict[str, int]) -> Tokenizer:
    """One token a code point (NFKC, lower case), blanks dropped; ids follow `character_rows(vocabulary)`."""
    tokens = [*SPECIALS, *_characters(vocabulary)]
    tokenizer = Tokenizer(models.WordLevel({token: number for number, token in enumerate(tokens)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(r"\s+"), "removed"), pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")]
    )
    tokenizer.add_special_tokens(list(SPECIALS))
    return tokenizer


def piece_tokenizer(folder: Path) -> Tokenizer:
    """The base's own tokenizer from `tokenizer.json`, or built from `vocab.txt`, without truncation and padding."""
    if (folder / "tokenizer.json").exists():
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer
    from tokenizers.implementations.bert_wordpiece import BertWordPieceTokenizer

    options = folder / "tokenizer_config.json"
    lower = json.loads(options.read_text(encoding="utf-8")).get("do_lower_case", True) if options.exists() else True
    wordpiece = BertWordPieceTokenizer(read_vocabulary(folder), lowercase=bool(lower))
    return Tokenizer.from_str(wordpiece.to_str())


def tag_names(schema: LabelSchema) -> tuple[str, ...]:
    """All tags of the network: `O`, then `B-`, `I-`, `E-`, `S-` of each of `schema.tags()`."""
    return (OUTSIDE, *(f"{position}-{tag}" for tag in schema.tags() for position in "BIES"))


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
    """Token spans (first, last, tag, probability) → entities with original offsets; `tag` is `type` or `type:role`."""
    entities = []
    for first, last, tag, probability in spans:
        kind, _, role = tag.partition(":")
        entities.append(Entity(int(encoding.starts[first]), int(encoding.ends[last]), kind, role or None, None, probability))
    return entities
