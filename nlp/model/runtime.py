"""Token ids → logits and vectors, by ONNX Runtime (serving) or torch (training and parity checks)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from nlp.errors import BundleError

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


class OnnxRuntime:
    """An exported network.

    Args:
        path: The `.onnx` file.
        threads: Threads of one run; 0 lets ONNX Runtime use all cores.
    """

    def __init__(self, path: Path, threads: int = 0) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self.session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"], disabled_optimizers=[SLOW_FUSION]
            )
        except load_errors() as error:
            raise BundleError(f"{path}: ONNX Runtime cannot load it: {error}") from None

    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Outputs:
        return Outputs(*self.session.run(None, {"ids": ids, "mask": mask}))


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
