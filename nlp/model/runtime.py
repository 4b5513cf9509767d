"""Token ids → logits and vectors, by ONNX Runtime (serving) or torch (training and parity checks)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from nlp.errors import BundleError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Batch = tuple[NDArray[np.int64], NDArray[np.int64]]  # ids and mask
# Its kernel takes three times as long as the addition and the normalisation that it replaces.
SLOW_FUSION = "SkipLayerNormFusion"


class Outputs(NamedTuple):
    """What a network says of a batch; float32.

    Attributes:
        topics: Logits (batch, topics).
        tags: Logits (batch, length, tags).
        vectors: Unit vectors (batch, width).
        tokens: Unit vectors of the tokens (batch, length, token width); None where the network has none.
    """

    topics: NDArray[np.float32]
    tags: NDArray[np.float32]
    vectors: NDArray[np.float32]
    tokens: NDArray[np.float32] | None = None


class Runtime(Protocol):
    """Runs the joint network."""

    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Outputs:
        """Runs a batch.

        Args:
            ids: (batch, length), or (batch, length, 3) of an encoder with a lexicon.
            mask: (batch, length), 1 for tokens.
        """
        ...

    def run_all(self, batches: Iterable[Batch]) -> Iterator[Outputs]:
        """Runs many batches, in order."""
        ...


class OnnxRuntime:
    """An exported network.

    Args:
        path: The `.onnx` file.
        threads: Threads of one run; 0 lets ONNX Runtime use all cores.
    """

    def __init__(self, path: Path, threads: int = 0) -> None:
        self.path, self.threads = path, threads or available_cores()
        self.session = _session(path, threads)

    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Outputs:
        return _outputs(self.session, ids, mask)

    def run_all(self, batches: Iterable[Batch]) -> Iterator[Outputs]:
        """Runs many batches, in order, one a thread: threads that share a batch wait for one another at each operation, which takes a tenth
        of the time."""
        together = list(batches)
        if len(together) < 2 or self.threads == 1:
            return (self.run(*batch) for batch in together)
        narrow = self._narrow  # made here, once, and not by each worker
        return self._workers.map(lambda batch: _outputs(narrow, *batch), together)

    @cached_property
    def _workers(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.threads, thread_name_prefix="wenlu-network")

    @cached_property
    def _narrow(self) -> InferenceSession:
        return _session(self.path, 1)


def available_cores() -> int:
    """CPU cores that this process may use; those of the machine where the system does not tell."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _session(path: Path, threads: int) -> InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"], disabled_optimizers=[SLOW_FUSION]
        )
    except load_errors() as error:
        raise BundleError(f"{path}: ONNX Runtime cannot load it: {error}") from None


def _outputs(session: InferenceSession, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Outputs:
    return Outputs(*session.run(None, {"ids": ids, "mask": mask}))


def load_errors() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises for a file that is missing, damaged or of another version; the kinds have no base of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    names = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoSuchFile", "NotImplemented", "RuntimeException")
    return tuple(getattr(state, name) for name in names)


class TorchRuntime:
    """A `JointEncoder` in memory, on the device where its weights are."""

    def __init__(self, network: Any) -> None:
        self.network = network.eval()

    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Outputs:
        import torch

        device = next(self.network.parameters()).device
        with torch.inference_mode():
            found = self.network(torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device))
        return Outputs(*(tensor.float().cpu().numpy() for tensor in found))

    def run_all(self, batches: Iterable[Batch]) -> Iterator[Outputs]:
        return (self.run(*batch) for batch in batches)
