"""Texts that resemble each other: pairs within a list, texts leaked from an evaluation file, groups that must stay together.

Similarity is the Jaccard index of the character trigrams of two texts without punctuation, in [0, 1]. MinHash finds the candidates
(Broder, On the resemblance and containment of documents, 1997), exact sets decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from nlp.data.corpus import read_rows
from nlp.errors import DataError

SHINGLE = 3  # characters
SAME_GROUP = 0.6  # variants of one question: must not cross splits, and must not resemble an evaluation text
NEAR = 0.8  # near duplicates
DUPLICATE = 0.9  # one question written twice
PERMUTATIONS = 128
TEXT_FIELDS = ("text", "query", "question")


def shingles(text: str) -> set[str]:
    """Character trigrams of a text without punctuation and blanks."""
    bare = re.sub(r"[\W_]", "", text.lower())
    return {bare[i : i + SHINGLE] for i in range(max(1, len(bare) - SHINGLE + 1))}


class _Index:
    """Texts put in one after the other, and those among them that resemble another text."""

    def __init__(self, threshold: float) -> None:
        from datasketch import MinHashLSH

        self.threshold = threshold
        self.sketches = MinHashLSH(threshold=max(0.1, threshold - 0.1), num_perm=PERMUTATIONS)
        self.sets: list[set[str]] = []

    def similar(self, text: str, keep: bool) -> list[tuple[int, float]]:
        """Numbers of the texts that resemble `text`, with the similarity; `keep` puts `text` in."""
        from datasketch import MinHash

        grams = shingles(text)
        sketch = MinHash(num_perm=PERMUTATIONS)
        sketch.update_batch([g.encode("utf-8", "replace") for g in grams])
        found = [(n, len(grams & self.sets[n]) / len(grams | self.sets[n])) for n in sorted(self.sketches.query(sketch))]
        if keep:
            self.sketches.insert(len(self.sets), sketch)
            self.sets.append(grams)
        return [(n, similarity) for n, similarity in found if similarity >= self.threshold]


def similar_pairs(texts: Sequence[str], threshold: float) -> list[tuple[int, int, float]]:
    """Pairs (earlier, later, similarity) of texts whose similarity is at least `threshold`, in the order of the later one."""
    index = _Index(threshold)
    return [(a, b, similarity) for b, text in enumerate(texts) for a, similarity in index.similar(text, keep=True)]


def leaked(texts: Sequence[str], known: Sequence[str]) -> dict[int, int]:
    """Rows that resemble an evaluation text: number of the row → number of the text that it resembles most."""
    if not known:
        return {}
    index = _Index(SAME_GROUP)
    for text in known:
        index.similar(text, keep=True)
    found = {n: index.similar(text, keep=False) for n, text in enumerate(texts)}
    return {n: max(hits, key=lambda hit: hit[1])[0] for n, hits in found.items() if hits}


def merged_groups(groups: Sequence[str], similar: Iterable[tuple[int, int]]) -> list[str]:
    """Joins groups whose texts are similar, so that variants never cross splits; each row gets the name of its joined group."""
    parent: dict[str, str] = {g: g for g in groups}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for a, b in similar:
        left, right = sorted((root(groups[a]), root(groups[b])))
        parent[right] = left
    return [root(g) for g in groups]


def read_texts(path: Path) -> Iterator[str]:
    """The questions of any JSONL file: the first of `text`, `query`, `question` of each row that has one."""
    for _, row in read_rows(path):
        if not isinstance(row, DataError):
            text = next((row[name] for name in TEXT_FIELDS if row.get(name)), None)
            if isinstance(text, str):
                yield text
