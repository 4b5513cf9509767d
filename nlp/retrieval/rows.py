"""Entry ↔ row of the index: fields, words for lexical search, vectors.

Places take part in lexical search as words of their own. A rule of 420500 is filed under `=420500` and, as one of those inside
a larger place, under `<420000`. A question from 420500 looks for `=420500`, for the rules of what surrounds it, `=420000`, and
for those inside it, `<420500`: BM25 then weighs a shared place as it weighs any rare word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from nlp.errors import InputError
from nlp.retrieval.interaction import interaction
from nlp.retrieval.places import surroundings, with_regions
from nlp.schema import NATIONAL, Entry, Hit
from nlp.text.segment import information, segment

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

Scale = tuple[float, float]
FIELDS = ("id", "question", "answer", "topic", "regions", "law", "as_of", "source", "category", "date", "start", "end")
CLOSENESS = {"vector": "closeness", "answer_vector": "answer_closeness"}  # column of vectors → feature
TOKENS, TOKEN_CLOSENESS = "tokens", "token_closeness"  # the same for token vectors
# What a reader asks about stands in the first screens of an answer; the rest would only blur its words (and take time to cut).
ANSWER_CHARACTERS = 1_500


def place_words(regions: Sequence[str], *, asked: bool) -> list[str]:
    """Turns region codes into words for lexical search; `asked` for the places of a question, else for those of an entry."""
    words: list[str] = []
    for code in regions:
        if code != NATIONAL:
            own, around = ("<", "=") if asked else ("=", "<")
            words += [f"={code}", f"{own}{code}", *(f"{around}{parent}" for parent in surroundings(code))]
    return list(dict.fromkeys(words))


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries that are written together, with their vectors.

    Attributes:
        entries: Their ids differ.
        vectors: Question vectors of shape (entries, width), of any length; they are scaled to length 1.
        answer_vectors: Vectors of the answers, of the same shape, where there are any.
        tokens: Token vectors of each entry as `interaction.pack` gives them, where there are any.
    """

    entries: Sequence[Entry]
    vectors: Vectors
    answer_vectors: Vectors | None = None
    tokens: Sequence[NDArray[np.int8]] | None = None

    def columns(self) -> dict[str, Vectors]:
        """The vectors by the name of their column."""
        return {"vector": self.vectors} | ({} if self.answer_vectors is None else {"answer_vector": self.answer_vectors})

    def widths(self) -> dict[str, int]:
        """Length of a vector by the name of its column."""
        found = {name: int(vectors.shape[-1]) for name, vectors in self.columns().items()}
        return found | ({} if self.tokens is None else {TOKENS: int(self.tokens[0].shape[-1])})

    def check(self) -> None:
        """Raises InputError for no entries, an id twice, or vectors of another number than entries."""
        if not self.entries:
            raise InputError("no entries to index")
        for name, vectors in self.columns().items():
            if vectors.ndim != 2 or len(vectors) != len(self.entries) or vectors.shape != self.vectors.shape:
                shapes = f"{name} of shape {vectors.shape}, vector of shape {self.vectors.shape}"
                raise InputError(f"{len(self.entries)} entries but {shapes}; expected one row for each entry")
        if self.tokens is not None and len(self.tokens) != len(self.entries):
            raise InputError(
                f"{len(self.entries)} entries but token vectors of {len(self.tokens)}; expected those of each entry"
            )
        twice = [key for key, count in Counter(entry.id for entry in self.entries).items() if count > 1]
        if twice:
            raise InputError(f"{len(twice)} ids occur more than once, such as {twice[0]!r}; ids must differ")


def table_of(batch: Batch) -> pa.Table:
    """Builds the rows of entries; those that state no region get the ones that they name.

    Returns:
        A table with a column for each field, `question_words`, `words`, `vector` and, where given, `answer_vector` and `tokens`.
    """
    import pyarrow as pa

    entries = [with_regions(entry) for entry in batch.entries]
    text, whole = pa.string(), pa.int64()
    types: dict[str, Any] = {"regions": pa.list_(text), "start": whole, "end": whole}
    columns: dict[str, Any] = {}
    for name in FIELDS:
        columns[name] = pa.array([storable(getattr(entry, name)) for entry in entries], types.get(name, text))
    questions = [segment(entry.question) for entry in entries]
    columns["question_words"] = pa.array([len(words) for words in questions], pa.int32())
    columns["words"] = pa.array([_words(entry, words) for entry, words in zip(entries, questions, strict=True)], text)
    for name, given in batch.columns().items():
        numbers = pa.array(unit_length(given).ravel(), pa.float32())
        columns[name] = pa.FixedSizeListArray.from_arrays(numbers, int(given.shape[1]))
    if batch.tokens is not None:
        columns[TOKENS] = pa.array([vectors.tobytes() for vectors in batch.tokens], pa.binary())
    return pa.table(columns)


def _words(entry: Entry, question: list[str]) -> str:
    """What lexical search reads of an entry: the words of its question first, then those of its answer, then its places."""
    return " ".join([*question, *segment(entry.answer[:ANSWER_CHARACTERS]), *place_words(entry.regions, asked=False)])


def unit_length(vectors: Vectors) -> Vectors:
    """Scales rows to length 1; rows of zeros stay."""
    import numpy as np

    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def background(vectors: Vectors, others: Vectors, pairs: int = 4_000) -> tuple[float, float]:
    """Mean and standard deviation of the cosine between a vector and one of another row.

    Encoders differ in how close they put any two texts; measured in these units, a similarity means the same for each of them.
    """
    import numpy as np

    rows = len(vectors)
    if rows < 2:
        return 0.0, 1.0
    generator = np.random.default_rng(0)
    left = generator.integers(rows, size=pairs)
    right = (left + generator.integers(1, rows, size=pairs)) % rows
    cosines = np.einsum("nw,nw->n", unit_length(vectors[left]), unit_length(others[right]))
    return float(cosines.mean()), max(float(cosines.std()), 1e-3)


def entry_of_row(row: Mapping[str, Any]) -> Entry:
    """Reads an entry back from a row."""
    fields: dict[str, Any] = {name: row[name] for name in FIELDS}
    return Entry(**fields | {"regions": tuple(fields["regions"] or ())})


def read_rows(
    table: pa.Table,
    words: Collection[str],
    lexical: Mapping[int, float],
    unit: NDArray[np.float32] | None,
    tokens: NDArray[np.float32] | None,
    scales: Mapping[str, Scale],
) -> dict[int, Hit]:
    """Turns rows that a search found into hits with features instead of words and vectors.

    Args:
        table: Rows as `table_of` made them, with their numbers as `_rowid`.
        words: Segments of the question.
        lexical: Number of a row → BM25 of those that the search by words found.
        unit: Vector of the question, of length 1; None where there is none.
        tokens: Token vectors of the question; None where there are none.
        scales: Column of vectors → mean and standard deviation of its background.

    Returns:
        Number of a row → hit, with a score of 0.
    """
    closeness = {CLOSENESS[column]: _closeness(table, column, unit, scales[column]) for column in CLOSENESS if column in scales}
    if tokens is not None and TOKENS in scales:
        found = interaction(tokens, read_tokens(table, tokens.shape[1]))
        closeness[TOKEN_CLOSENESS] = _in_units(found, scales[TOKENS])
    weights = {word: information(word) for word in words}
    hits = {}
    for position, row in enumerate(table.drop_columns(list(scales)).to_pylist()):
        features = {name: values[position] for name, values in closeness.items()} | {"lexical": lexical.get(row["_rowid"], 0.0)}
        hits[row["_rowid"]] = Hit(entry_of_row(row), 0.0, features | _coverage(row, weights))
    return hits


def fuse(rankings: Iterable[Sequence[int]], hits: Mapping[int, Hit]) -> list[Hit]:
    """Joins the rows that several searches found, best first, by reciprocal rank fusion (Cormack et al. 2009, k = 60)."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, number in enumerate(ranking, 1):
            scores[number] = scores.get(number, 0.0) + 1 / (60 + rank)
    scored = [replace(hits[number], score=score) for number, score in scores.items()]
    return sorted(scored, key=lambda hit: (-hit.score, hit.entry.id))


def _coverage(row: Mapping[str, Any], asked: Mapping[str, float]) -> dict[str, float]:
    """Shares of information: of the question found in the entry and in its question, of the entry's question in the asked."""
    words = row["words"].split(" ")
    own, whole = dict.fromkeys(words[: row["question_words"]]), set(words)
    total = sum(asked.values()) or 1.0
    shared = sum(weight for word, weight in asked.items() if word in own)
    everywhere = sum(weight for word, weight in asked.items() if word in whole)
    own_total = sum(map(information, own)) or 1.0
    return {"coverage": everywhere / total, "question_coverage": shared / total, "entry_coverage": shared / own_total}


def read_tokens(table: pa.Table, width: int) -> list[NDArray[np.int8]]:
    """The token vectors of each row, (vectors, width)."""
    import numpy as np

    packed: list[Any] = table[TOKENS].to_pylist()
    return [np.frombuffer(vectors, np.int8).reshape(-1, width) for vectors in packed]


def read_vectors(table: pa.Table, column: str) -> Vectors:
    """A column of vectors, (rows, width)."""
    chunked: Any = table[column]
    lists = chunked.chunk(0) if chunked.num_chunks == 1 else chunked.combine_chunks()  # which copies a single one too
    vectors: Vectors = lists.flatten().to_numpy(zero_copy_only=False).reshape(-1, chunked.type.list_size)
    return vectors


def _closeness(table: pa.Table, column: str, unit: NDArray[np.float32] | None, scale: Scale) -> list[float]:
    if unit is None or not len(table):
        return [0.0] * len(table)
    return _in_units(read_vectors(table, column) @ unit, scale)


def _in_units(values: NDArray[np.float32], scale: Scale) -> list[float]:
    """How many standard deviations they lie above those of unrelated texts."""
    return [float(value) for value in (values - scale[0]) / scale[1]]


def storable(value: Any) -> Any:
    """Arrow stores UTF-8, which has no lone surrogates: each becomes one question mark, so that offsets still hold."""
    if isinstance(value, tuple):
        return list(value)
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value
