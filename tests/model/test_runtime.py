from __future__ import annotations

from pathlib import Path

import pytest

from nlp.errors import BundleError
from nlp.model.runtime import OnnxRuntime


@pytest.mark.parametrize("content", [b"", b"no network at all", bytes(range(256)) * 40])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(BundleError, match=r"model\.onnx: ONNX Runtime cannot load it"):
        OnnxRuntime(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"none\.onnx: ONNX Runtime cannot load it"):
        OnnxRuntime(tmp_path / "none.onnx")
