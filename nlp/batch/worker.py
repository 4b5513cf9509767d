"""A chunk → its part, its exports and then its marker: what each process, and each actor of a cluster, does."""

from __future__ import annotations

from collections.abc import Sequence

from nlp.analyzer import Analyzer
from nlp.batch.chunks import Job, parts_of
from nlp.batch.exports import WRITERS
from nlp.batch.records import Chunk, Item, Options, Outcome, Record, Reject, count
from nlp.batch.rows import Tagged, to_jsonl, to_parquet
from nlp.batch.store import open_store, write
from nlp.errors import InputError
from nlp.schema import Analysis

# What the analysis of a single text might raise through some fault of ours; the others of its chunk are tagged all the same.
_FAULTS = (ArithmeticError, AttributeError, LookupError, RecursionError, RuntimeError, TypeError, ValueError)


class Worker:
    """Tags and writes chunks.

    Args:
        job: What to do.

    Raises:
        BundleError: The model cannot be loaded.
    """

    def __init__(self, job: Job) -> None:
        # One thread: the processes share the cores among them, and a thread of each would wait for the others.
        self.analyzer = Analyzer.from_pretrained(job.bundle, threads=1, reference=job.options.reference)
        self.job, self.store = job, open_store(job.place)

    def __call__(self, chunk: Chunk) -> Outcome:
        """Tags a chunk and writes it; the marker comes last, so that it vouches for the rest.

        Raises:
            InputError: The output cannot be written.
        """
        if chunk.done:
            return Outcome.from_json(self.store.read(chunk.marker), chunk.position, reused=True)
        tagged, rejects = self._tag(chunk.items)
        options, model = self.job.options, self.analyzer.fingerprint
        part, *exports = parts_of(chunk.name, options)
        write(self.store, part, (to_parquet if options.output == "parquet" else to_jsonl)(tagged, model, options))
        for name, export in zip(exports, options.annotate, strict=True):
            write(self.store, name, WRITERS[export][1](tagged, model))
        topics = count(analysis.topic for _, analysis in tagged)
        types = count(entity.type for _, analysis in tagged for entity in analysis.entities)
        outcome = Outcome(chunk.name, chunk.key, len(tagged), topics, types, chunk.encodings, rejects, chunk.position)
        write(self.store, chunk.marker, outcome.to_json())
        return outcome

    def _tag(self, items: Sequence[Item]) -> tuple[list[Tagged], tuple[Reject, ...]]:
        usable = [extracted(item, self.job.options) if isinstance(item, Record) and item.html else item for item in items]
        records = [item for item in usable if isinstance(item, Record)]
        analyses = dict(zip(map(id, records), self._analyze(records), strict=True))
        tagged: list[Tagged] = []
        rejects: list[Reject] = []
        for item in usable:
            found = item if isinstance(item, Reject) else analyses[id(item)]
            if isinstance(found, Reject):
                rejects.append(found)
            elif isinstance(item, Record):
                tagged.append((item, found))
        return tagged, tuple(rejects)

    def _analyze(self, records: Sequence[Record]) -> list[Analysis | Reject]:
        """All at once, in batches of similar length; one by one only where that fails."""
        try:
            return list(self.analyzer.pipe(record.text for record in records))
        except _FAULTS:
            return [self._analyze_alone(record) for record in records]

    def _analyze_alone(self, record: Record) -> Analysis | Reject:
        try:
            return self.analyzer(record.text)
        except _FAULTS as error:
            return Reject(record.file, record.line, f"analysis failed: {type(error).__name__}: {error}")


def extracted(record: Record, options: Options) -> Item:
    """The main text of a page, without menus and footers.

    Raises:
        InputError: The library is not installed.
    """
    try:
        from trafilatura import extract
    except ImportError:
        raise InputError("HTML needs a library: pip install wenlu[batch]") from None
    try:
        text = extract(record.text, include_comments=False, favor_recall=True) or ""
    except _FAULTS as error:
        return Reject(record.file, record.line, f"not a page: {type(error).__name__}: {error}")
    if not text.strip():
        return Reject(record.file, record.line, "a page without text")
    if len(text) > options.max_characters:
        return Reject(
            record.file, record.line, f"too long: {len(text)} characters, at most {options.max_characters} are allowed"
        )
    return Record(record.file, record.line, record.id, text)
