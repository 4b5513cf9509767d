"""Vocabularies and tokenizers of bases: characters, the base's own pieces, and a lexicon of pieces laid over characters.

A character encoder may carry a lexicon: beside its own id each character then also has the id of the word piece around it. Sequences stay
sequences of characters, while the network sees words from its first layer on (compare Liu et al. 2021, Lexicon Enhanced Chinese Sequence
Labeling Using BERT Adapter). Characters and pieces share one table of rows: special tokens, characters, pieces of two or more characters.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from nlp.errors import BundleError

SPECIALS = {"[PAD]": "<pad>", "[UNK]": "<unk>", "[CLS]": "<s>", "[SEP]": "</s>", "[MASK]": "<mask>"}  # BERT name → XLM-R name
GB2312_LEADS, GB2312_TRAILS = range(0xB0, 0xF8), range(0xA1, 0xFF)  # bytes of its 6,763 characters
RARE = 10.0  # how much less likely than the rarest piece a character is that the base has no score for, as SentencePiece has it


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What a character encoder is built from.

    `characters` is its tokenizer, `pieces` the one laid over it; `rows` says which row of the base each row of the shared table starts
    from.
    """

    characters: Tokenizer
    pieces: Tokenizer | None
    rows: tuple[int, ...]


def read_vocabulary(folder: Path) -> dict[str, int]:
    """Reads the vocabulary of a base: `vocab.txt` (BERT) or `tokenizer.json`.

    Raises:
        BundleError: The folder has neither file.
    """
    if (folder / "vocab.txt").exists():
        # Not splitlines: Chinese BERT has the line separator U+2028 among its tokens.
        lines = (folder / "vocab.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n")
        return {token: number for number, token in enumerate(lines)}
    if (folder / "tokenizer.json").exists():
        return dict(Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab())
    raise BundleError(f"{folder}: no vocab.txt and no tokenizer.json, expected the tokenizer files of a BERT-family checkpoint")


def character_lexicon(vocabulary: Mapping[str, int], more: Iterable[str] = ()) -> Lexicon:
    """A character encoder without pieces: special tokens first, then the single characters of the vocabulary in its order.

    The marks of word starts and continuations (`▁x`, `##x`) are read as x where x has no row of its own.

    Args:
        vocabulary: Token → row of the base.
        more: Characters to add; they start from the row of the unknown token.

    Raises:
        BundleError: A special token is missing.
    """
    rows = [_special_row(vocabulary, name) for name in SPECIALS]
    found = {token: row for token, row in vocabulary.items() if len(token) == 1 and not token.isspace()}
    for token, row in vocabulary.items():
        bare = token.removeprefix("##").removeprefix("▁")
        if len(bare) == 1 and not bare.isspace():
            found.setdefault(bare, row)
    characters = dict(sorted(found.items(), key=lambda item: item[1]))
    for character in more:
        characters.setdefault(character, _special_row(vocabulary, "[UNK]"))
    tokens = [*SPECIALS, *characters]
    return Lexicon(_character_tokenizer(tokens), None, (*rows, *characters.values()))


def piece_lexicon(folder: Path, texts: Iterable[str], size: int) -> Lexicon:
    """A character encoder with the pieces of a base: its characters and those of GB 2312, and the pieces that `texts` need most.

    Args:
        folder: A base whose tokenizer is a Unigram model (Kudo 2018, Subword Regularization).
        texts: What to count pieces in.
        size: How many pieces of two or more characters to keep.

    Raises:
        BundleError: The base has another kind of tokenizer.
    """
    own = piece_tokenizer(folder)
    model = json.loads(own.to_str())["model"]
    if model["type"] != "Unigram":
        raise BundleError(f"{folder}: its tokenizer is a {model['type']} model, expected Unigram; set pretrain.pieces = 0")
    vocabulary = read_vocabulary(folder)
    plain = character_lexicon(vocabulary, gb2312_characters())
    known = plain.characters.get_vocab()
    clean = plain.characters.normalizer.normalize_str
    counts: Counter[str] = Counter()
    for encoded in own.encode_batch([clean(text) for text in texts], add_special_tokens=False):
        counts.update(token.removeprefix("▁") for token in encoded.tokens)
    chosen = [p for p, _ in counts.most_common() if len(p) > 1 and p.isalpha() and all(c in known for c in p)][:size]
    scores = {token: score for token, score in model["vocab"] if token.startswith("▁")}
    scores = {token.removeprefix("▁"): score for token, score in scores.items()} | dict(model["vocab"])
    tokens = [*sorted(known, key=known.__getitem__), *chosen]
    lowest = min(scores.values()) - RARE
    pieces = Tokenizer(models.Unigram([(t, scores.get(t, lowest)) for t in tokens], unk_id=known["[UNK]"]))
    pieces.normalizer = plain.characters.normalizer
    pieces.pre_tokenizer = pre_tokenizers.Split(Regex(r"\s+"), "removed")
    return Lexicon(plain.characters, pieces, (*plain.rows, *(vocabulary.get(p, vocabulary.get(f"▁{p}", 0)) for p in chosen)))


def gb2312_characters() -> list[str]:
    """The 6,763 Chinese characters of GB 2312-1980, in its order."""
    codes = (bytes([lead, trail]) for lead in GB2312_LEADS for trail in GB2312_TRAILS)
    return [character for code in codes if (character := code.decode("gb2312", errors="ignore"))]


def _special_row(vocabulary: Mapping[str, int], name: str) -> int:
    row = vocabulary.get(name, vocabulary.get(SPECIALS[name]))
    if row is None:
        raise BundleError(f"the base's vocabulary has neither {name} nor {SPECIALS[name]}")
    return row


def _character_tokenizer(tokens: Iterable[str]) -> Tokenizer:
    """One token a code point (NFKC, lower case), blanks dropped."""
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
