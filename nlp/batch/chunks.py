"""A source → numbered chunks, each knowing whether an earlier run of the same command has written it."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass

from nlp.batch.exports import WRITERS
from nlp.batch.reading import Reader
from nlp.batch.records import ROWS, Chunk, Options, count, groups, key_of
from nlp.batch.streams import SourceFile


@dataclass(frozen=True, slots=True)
class Job:
    """What every worker has to know: small, and the same in each process and on each machine.

    Attributes:
        bundle: Folder of the model, to be found under this path by every worker.
        place: Folder or URL that is written to.
        run: Digest of model and options.
        options: See `Options`.
    """

    bundle: str
    place: str
    run: str
    options: Options


def chunks_of(shard: int, files: tuple[SourceFile, ...], job: Job, written: Set[str]) -> Iterator[Chunk]:
    """Reads a shard and cuts it; what is cut depends on the files and the options alone.

    Args:
        shard: Its number.
        files: Its files.
        job: The job.
        written: Names of the files that the store holds.
    """
    reader = Reader(files, job.options)
    for number, items in enumerate(groups(reader, job.options.chunk_rows)):
        encodings, reader.encodings = count(reader.encodings), []
        name = f"{shard:05d}-{number:06d}"
        key = key_of(job.run, items)
        chunk = Chunk(name, key, items, encodings, reader.position)
        if {chunk.marker, *parts_of(name, job.options)} <= written:
            chunk = Chunk(name, key, (), encodings, reader.position, done=True)
        yield chunk


def parts_of(name: str, options: Options) -> list[str]:
    """The files that are written of a chunk, the rows first."""
    exports = [f"{export}/part-{name}{WRITERS[export][0]}" for export in options.annotate]
    return [f"{ROWS}/part-{name}.{options.output}", *exports]
