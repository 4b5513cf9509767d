"""Chunks → outcomes on a Ray cluster: readers cut the shards, a pool of actors tags, one Analyzer in each.

Ray Data moves the chunks, holds the readers back while the actors are busy, and repeats what a lost node had under way. What is done is
known from the markers in the store, never from Ray: a job whose driver or cluster was killed goes on like a local one, and the
output is the same, since chunks are cut, tagged and written by the same code.
"""

from __future__ import annotations

import logging
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nlp.batch.chunks import Job, chunks_of
from nlp.batch.records import Outcome
from nlp.batch.streams import STDIN, SourceFile
from nlp.batch.worker import Worker
from nlp.errors import InputError, WenluError

# Shares of a core. Readers need little, but something: actors that took all cores of a small machine would wait for ever for
# readers that cannot start. Different shares also keep Ray from running reader and actor as one task.
READER_CPUS, ACTOR_CPUS = 0.1, 0.9
BLOCK = 1 << 20  # bytes that a reader gathers before it hands chunks on: about one chunk


def run_ray(
    shards: list[tuple[SourceFile, ...]], job: Job, written: set[str], workers: int, address: str | None
) -> Iterator[Outcome]:
    """Has every chunk tagged by a cluster; outcomes come in any order.

    Args:
        shards: Of the source; every node must find the files under their paths, as it must the model and the place.
        job: What to do.
        written: Names of the files that the store holds.
        workers: Actors at most; 0 takes as many as there are cores.
        address: Of the cluster; None starts one on this machine.

    Raises:
        InputError: The library is missing, the source is standard input, or a worker cannot write.
        WenluError: The cluster cannot be reached or lost its work.
    """
    if any(file.path == STDIN for shard in shards for file in shard):
        raise InputError("a cluster cannot read standard input; name a file or a folder that every node sees")
    with _connected(address) as ray:
        yield from _run(ray, shards, job, written, workers)


def _run(ray: Any, shards: list[tuple[SourceFile, ...]], job: Job, written: set[str], workers: int) -> Iterator[Outcome]:
    actors = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
    settings = ray.data.DataContext.get_current()
    settings.target_max_block_size = BLOCK
    settings.enable_progress_bars = False
    numbered = [{"shard": pickle.dumps(item)} for item in enumerate(shards)]
    tagged = (
        ray.data.from_items(numbered, override_num_blocks=len(numbered))
        .map_batches(
            _read,
            fn_args=(job, ray.put(frozenset(written))),
            batch_size=1,
            num_cpus=READER_CPUS,
        )
        .map_batches(
            _Actor,
            fn_constructor_args=(job,),
            batch_size=1,
            num_cpus=ACTOR_CPUS,
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=actors),
        )
    )
    try:
        for row in tagged.iter_rows():
            yield pickle.loads(row["outcome"])
    except (ray.exceptions.RayError, ray.data.exceptions.UserCodeException) as error:
        raise _explained(error) from None


def _read(batch: dict[str, Any], job: Job, written: Any) -> Iterator[dict[str, Any]]:
    """A shard → its chunks, one a row; `written` is a reference to the names, so that they travel once to each node."""
    import ray

    shard, files = pickle.loads(batch["shard"][0])
    for chunk in chunks_of(shard, files, job, ray.get(written)):
        yield {"chunk": [pickle.dumps(chunk)]}


class _Actor:
    """Holds one Worker, and so one Analyzer."""

    def __init__(self, job: Job) -> None:
        self.worker = Worker(job)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        return {"outcome": [pickle.dumps(self.worker(pickle.loads(chunk))) for chunk in batch["chunk"]]}


@contextmanager
def _connected(address: str | None) -> Iterator[Any]:
    """Ray, connected; a cluster that was started here ends with the job."""
    try:
        import ray
        import ray.data
        import ray.exceptions
    except ImportError:
        raise InputError("--engine ray needs a library: pip install wenlu[batch,ray]") from None
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ours = not ray.is_initialized()
    if ours:
        try:
            ray.init(
                address=address, log_to_driver=False, logging_level="ERROR", include_dashboard=False if not address else None
            )
        except ConnectionError as error:
            raise InputError(f"--address {address}: no Ray cluster there: {error}") from None
    try:
        yield ray
    finally:
        if ours:
            ray.shutdown()


def _explained(error: BaseException) -> WenluError:
    """The exception of ours behind those of Ray, or one that names what is behind them."""
    cause: BaseException | None = error
    last = error
    while cause is not None:
        if isinstance(cause, WenluError):
            return cause
        last = cause
        cause = getattr(cause, "cause", None) or cause.__cause__
    reason = next(iter(str(last).strip().splitlines()), "")
    return WenluError(f"the cluster failed: {type(last).__name__}: {reason}; the same command goes on where it stopped")
