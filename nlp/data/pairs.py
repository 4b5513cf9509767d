"""Blocks of questions written by hand → pairs that train vectors and the ranker.

    @ the question of an archive entry, as it stands there, or one that the archive does not hold: then only the vector learns from it
    ~ a question in other words that the entry answers
    ~ another one
    !region the same need in another place: the entry does not answer it
    !policy the same place or people, another rule
    !topic striking words in common, another topic

Blocks are parted by blank lines; `//` starts a comment line. Positive pairs (label 1): each paraphrase with the entry's question (kind
`answer`), each two paraphrases (`paraphrase`). Negative pairs (label 0, kind `region`, `policy` or `topic`): each negative with the entry's
question and with the first paraphrase.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Literal, get_args

from nlp.data.corpus import read_all, text_id
from nlp.errors import DataError

PairKind = Literal["answer", "paraphrase", "region", "policy", "topic"]
PAIR_KINDS: tuple[PairKind, ...] = get_args(PairKind)
NEGATIVES: tuple[PairKind, ...] = ("region", "policy", "topic")


@dataclass(frozen=True, slots=True)
class Block:
    """What was written about one entry: its question, paraphrases, and negatives as (kind, text). `line` is where it begins, from 1."""

    line: int
    question: str
    paraphrases: tuple[str, ...]
    negatives: tuple[tuple[PairKind, str], ...]

    def texts(self) -> tuple[str, ...]:
        return (self.question, *self.paraphrases, *(text for _, text in self.negatives))


@dataclass(frozen=True, slots=True)
class Pair:
    """Two questions and whether one answer serves both (label 1) or not (0).

    `entry` is the archive entry whose question `b` is, None where `b` is no question of the archive. `topic` is that of the block's entry.
    """

    id: str
    a: str
    b: str
    entry: str | None
    label: int
    kind: PairKind
    topic: str | None = None
    group: str = ""
    split: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def scan_blocks(path: Path) -> Iterator[tuple[int, Block | DataError]]:
    """Reads a file of blocks; a broken line or block comes as its error so that the caller decides whether to go on.

    Yields:
        (line number from 1, the block or the error).
    """
    lines = [*enumerate(path.read_text(encoding="utf-8").removesuffix("\n").split("\n"), 1), (0, "")]
    start = 0
    found: list[tuple[str, str]] = []
    for number, line in lines:
        mark, _, text = line.strip().partition(" ")
        if line.strip() and mark not in ("@", "~", *(f"!{kind}" for kind in NEGATIVES)):
            if not mark.startswith("//"):
                yield number, DataError(path, number, "mark", f"{mark!r:.20}, expected @, ~, !region, !policy or !topic")
            continue
        if found and (not mark or mark == "@"):
            yield start, _block(path, start, found)
            found = []
        if mark:
            start = start if found else number
            found.append((mark, text.strip()))


def _block(path: Path, line: int, found: Sequence[tuple[str, str]]) -> Block | DataError:
    questions = [text for mark, text in found if mark == "@"]
    paraphrases = tuple(text for mark, text in found if mark == "~")
    negatives = tuple((kind, text) for mark, text in found for kind in NEGATIVES if mark == f"!{kind}")
    texts = [text for _, text in found]
    if len(questions) != 1 or found[0][0] != "@":
        return DataError(path, line, "@", "missing, expected the entry's question as the first line of the block")
    if not all(texts):
        return DataError(path, line + texts.index(""), "text", "empty, expected a question behind the mark")
    if not paraphrases:
        return DataError(path, line, "~", "missing, expected at least one paraphrase in the block")
    double = next((text for n, text in enumerate(texts) if text in texts[:n]), None)
    if double is not None:
        return DataError(path, line, "text", f"{double!r} stands twice in the block")
    return Block(line, questions[0], paraphrases, negatives)


def read_blocks(path: Path) -> Iterator[Block]:
    """The blocks of a file.

    Raises:
        DataError: The first line or block that breaks the format.
    """
    for _, block in scan_blocks(path):
        if isinstance(block, DataError):
            raise block
        yield block


def pairs_of(block: Block, entry: str | None, topic: str | None, group: str, split: str) -> Iterator[Pair]:
    """The pairs of one block.

    Args:
        block: What was written.
        entry: Id of the archive entry, None where the archive has no such question.
        topic: The entry's topic.
        group: Group that all pairs belong to.
        split: Split of that group.
    """
    rows: list[tuple[str, str, str | None, int, PairKind]] = []
    rows += [(text, block.question, entry, 1, "answer") for text in block.paraphrases]
    rows += [(a, b, None, 1, "paraphrase") for a, b in combinations(block.paraphrases, 2)]
    for kind, text in block.negatives:
        rows += [(text, block.question, entry, 0, kind), (text, block.paraphrases[0], None, 0, kind)]
    for a, b, of, label, kind in rows:
        identifier = text_id(f"{a}\n{b}")
        yield Pair(identifier, a, b, of, label, kind, topic, group, split)


def read_pairs(path: Path) -> list[Pair]:
    """Reads the pairs of a JSONL file.

    Raises:
        DataError: The first row that is not valid.
    """
    return read_all(path, parse_pair)


def parse_pair(row: dict[str, Any], path: Path, line: int) -> Pair:
    """Checks one row of a file of pairs.

    Raises:
        DataError: A field is missing or wrong.
    """
    for name in ("id", "a", "b"):
        if not isinstance(row.get(name), str) or not row[name]:
            raise DataError(path, line, name, f"expected a non-empty string, got {row.get(name)!r:.60}")
    for name in ("entry", "topic", "group", "split"):
        if not isinstance(row.get(name), str | None):
            raise DataError(path, line, name, f"expected a string or null, got {row[name]!r:.60}")
    kind, label = row.get("kind"), row.get("label")
    if kind not in PAIR_KINDS:
        raise DataError(path, line, "kind", f"{kind!r:.60}, expected one of {', '.join(PAIR_KINDS)}")
    if type(label) is not int or label != (0 if kind in NEGATIVES else 1):
        raise DataError(path, line, "label", f"{label!r:.60} of kind {kind}, expected {0 if kind in NEGATIVES else 1}")
    texts = (row["id"], row["a"], row["b"], row.get("entry"), label, kind, row.get("topic"))
    return Pair(*texts, group=row.get("group") or "", split=row.get("split") or "")
