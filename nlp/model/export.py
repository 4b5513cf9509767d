"""Joint network → ONNX fp32 and int8, with a report of how far apart they are."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor

from nlp.model.alignment import TextEncoder
from nlp.model.decoding import decode_spans
from nlp.model.network import JointEncoder
from nlp.model.runtime import OnnxRuntime, Runtime, TorchRuntime
from nlp.model.smoothing import smooth
from nlp.model.store import ONNX, ONNX_INT8


def export_onnx(network: JointEncoder, folder: Path, samples: Sequence[tuple[Tensor, Tensor]] = ()) -> None:
    """Writes `onnx/model.onnx` and `onnx/model_int8.onnx`: dynamic quantisation, one scale a column of weights, one a table of rows.

    The heads stay in 32 bits: they take a hundredth of the time and read the last states, whose largest channels leave the others, in
    eight bits for all, too few for the vectors of tokens.

    Args:
        network: On any device, in any mode; it stays as it is.
        folder: Of the bundle.
        samples: Ids and masks of texts as it will read, over which outlier channels are smoothed; without them none are.
    """
    network = copy.deepcopy(network).eval().cpu()
    smooth(network, samples)
    target = folder / ONNX
    target.parent.mkdir(parents=True, exist_ok=True)
    channels = (3,) if network.encoder.character is not None else ()
    network.encoder.body.set_attn_implementation("eager")  # the fused attention exports as more nodes, with guards against NaN
    example = (torch.ones(2, 4, *channels, dtype=torch.int64), torch.ones(2, 4, dtype=torch.int64))
    names = ["topics", "tags", "vector"] + (["tokens"] if network.token_head is not None else [])
    axes: dict[str, dict[int, str]] = {"ids": {0: "batch", 1: "length"}, "mask": {0: "batch", 1: "length"}}
    axes |= {name: {0: "batch", 1: "length"} if name in ("tags", "tokens") else {0: "batch"} for name in names}
    with warnings.catch_warnings():
        # The tracing exporter warns of its own retirement; the graph it makes is the one that the quantiser handles best.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            example,
            str(target),
            input_names=["ids", "mask"],
            output_names=names,
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)  # the quantiser logs advice at every call
    try:
        quantize_dynamic(
            str(target), str(folder / ONNX_INT8), nodes_to_exclude=_heads(target), per_channel=True, weight_type=QuantType.QInt8
        )
    finally:
        logging.getLogger().setLevel(level)


def _heads(path: Path) -> list[str]:
    """Names of the multiplications outside the encoder."""
    nodes = onnx.load(str(path), load_external_data=False).graph.node
    return [node.name for node in nodes if node.op_type in ("MatMul", "Gemm") and not node.name.startswith("/encoder/")]


def parity(
    network: JointEncoder, folder: Path, encoder: TextEncoder, texts: Sequence[str], names: tuple[str, ...]
) -> dict[str, Any]:
    """Compares the exported files with the network on `texts`.

    Returns:
        For each file its size in bytes and, against torch fp32: share of equal topics, F1 of equal spans, mean and least cosine of the
        vectors, largest difference of a topic logit.
    """
    reference = _predict(TorchRuntime(network), encoder, texts, names)
    report: dict[str, Any] = {"rows": len(texts)}
    for file in (ONNX, ONNX_INT8):
        other = _predict(OnnxRuntime(folder / file), encoder, texts, names)
        report[file] = {"bytes": (folder / file).stat().st_size, **_compare(reference, other)}
    return report


Prediction = tuple[np.ndarray[Any, Any], set[tuple[int, int, str]], np.ndarray[Any, Any]]


def _predict(runtime: Runtime, encoder: TextEncoder, texts: Sequence[str], names: tuple[str, ...]) -> list[Prediction]:
    predictions = []
    for encoding in encoder.encode(texts):
        window = encoder.windows([encoding])[:1]
        output = runtime.run(*encoder.batch([encoding], window))
        spans = {span[:3] for span in decode_spans(output.tags[0, 1 : window[0].end + 1], names)}
        predictions.append((output.topics[0], spans, output.vectors[0]))
    return predictions


def _compare(reference: Sequence[Prediction], other: Sequence[Prediction]) -> dict[str, float]:
    same_topic = [int(a[0].argmax() == b[0].argmax()) for a, b in zip(reference, other, strict=True)]
    shared = sum(len(a[1] & b[1]) for a, b in zip(reference, other, strict=True))
    spans = sum(len(a[1]) + len(b[1]) for a, b in zip(reference, other, strict=True))
    cosines = [float(a[2] @ b[2]) for a, b in zip(reference, other, strict=True)]
    gaps = [float(np.abs(a[0] - b[0]).max()) for a, b in zip(reference, other, strict=True)]
    return {
        "same_topic": round(float(np.mean(same_topic)), 4),
        "span_f1": round(2 * shared / spans, 4) if spans else 1.0,
        "cosine_mean": round(float(np.mean(cosines)), 5),
        "cosine_min": round(min(cosines), 5),
        "logit_gap": round(max(gaps), 5),
    }
