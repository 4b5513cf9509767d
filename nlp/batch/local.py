"""Chunks → outcomes on one machine: a process a core, in order, with no more chunks under way than keep them busy."""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from multiprocessing import get_context, parent_process

from nlp.batch.chunks import Job
from nlp.batch.records import Chunk, Outcome
from nlp.batch.worker import Worker
from nlp.errors import WenluError
from nlp.model.runtime import available_cores

AHEAD = 2  # chunks under way for each process: one at work, one waiting


def run_local(chunks: Iterable[Chunk], job: Job, workers: int) -> Iterator[Outcome]:
    """Has every chunk tagged; the next ones are read while the processes work.

    Args:
        chunks: Read lazily.
        job: What to do.
        workers: Processes; 1 does it in this one, 0 takes all cores that this process may use.

    Raises:
        InputError, BundleError: From a worker.
        WenluError: A process was killed, as for lack of memory.
    """
    workers = workers or available_cores()
    if workers == 1:
        worker = Worker(job)
        yield from map(worker, chunks)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), _begin, (job,)) as pool:
        waiting: deque[Future[Outcome]] = deque()
        try:
            for chunk in chunks:
                waiting.append(pool.submit(_tag, job, chunk))
                if len(waiting) >= AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise WenluError(
                "a worker process was killed, perhaps for lack of memory: try fewer --workers; "
                "the same command goes on where it stopped"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


@cache
def _worker(job: Job) -> Worker:
    """One worker in each process."""
    return Worker(job)


def _tag(job: Job, chunk: Chunk) -> Outcome:
    return _worker(job)(chunk)


def _begin(job: Job) -> None:
    """Readies a process: tokenizers keep to one thread, and it ends when its parent is killed, which a pool does not see to."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent alone says what becomes of the job
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent.sentinel,), daemon=True).start()


def _follow(sentinel: int) -> None:
    from multiprocessing.connection import wait

    wait([sentinel])
    os._exit(1)
