from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nlp.embedded import default_bundle
from nlp.errors import BundleError
from nlp.model.alignment import load_encoder
from nlp.model.runtime import OnnxRuntime
from nlp.model.store import load_bundle


@pytest.mark.parametrize("content", [b"", b"no network at all", bytes(range(256)) * 40])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(BundleError, match=r"model\.onnx: ONNX Runtime cannot load it"):
        OnnxRuntime(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"none\.onnx: ONNX Runtime cannot load it"):
        OnnxRuntime(tmp_path / "none.onnx")


@pytest.mark.parametrize("threads", [1, 2])
def test_many_batches_say_what_each_says_alone(threads: int) -> None:
    bundle = load_bundle(default_bundle())
    encoder, runtime = load_encoder(bundle.folder, 256, 64), OnnxRuntime(bundle.network, threads)
    batches = []
    for texts in (["医保断缴怎么补"], ["北京医保卡在河北住院能直接结算吗", "工伤认定要多久"], ["离婚", "社保卡丢了去哪里补办"]):
        encodings = encoder.encode(texts)
        batches.append(encoder.batch(encodings, encoder.windows(encodings)))
    together = list(runtime.run_all(iter(batches)))
    for batch, found in zip(batches, together, strict=True):
        for one, other in zip(runtime.run(*batch), found, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
    assert list(runtime.run_all([])) == []
