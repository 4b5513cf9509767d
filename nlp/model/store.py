"""The bundle folder of a model: names of its files, manifest with checksums, atomic writing, checked loading.

    manifest.json  format, name, sha256 of every file, metrics, calibration, thresholds, training record
    config.json  model.safetensors  tokenizer.json  pieces.json  labels.json  onnx/model.onnx  onnx/model_int8.onnx
    topics.json    topics learnt from a few examples (see `nlp.model.extension`)
    router.json    the ranker's weights and the router's thresholds, fitted with this model's vectors

The fingerprint of a bundle is the checksum of what decides its vectors: tokenizer and serving network.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nlp.config import schema_from_dict
from nlp.errors import BundleError, InputError
from nlp.schema import LabelSchema

FORMAT = 1
MANIFEST, CONFIG, WEIGHTS, LABELS = "manifest.json", "config.json", "model.safetensors", "labels.json"
TOKENIZER, PIECES = "tokenizer.json", "pieces.json"
ONNX, ONNX_INT8 = "onnx/model.onnx", "onnx/model_int8.onnx"
ROUTER, EXTENSION = "router.json", "topics.json"
RECIPES = "*.toml"  # written by people, and kept when a bundle is written anew
# What a folder of a bundle may hold besides recipes and files that begin with a dot.
OWN = frozenset((MANIFEST, CONFIG, WEIGHTS, LABELS, TOKENIZER, PIECES, ROUTER, EXTENSION, "onnx", "plots", "README.md"))


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose files have been checked."""

    folder: Path
    manifest: Mapping[str, Any]
    labels: LabelSchema

    @property
    def fingerprint(self) -> str:
        files = self.manifest["files"]
        serving = ONNX_INT8 if ONNX_INT8 in files else ONNX if ONNX in files else WEIGHTS
        parts = files[TOKENIZER] + files.get(PIECES, "") + files[serving]
        return hashlib.sha256(parts.encode()).hexdigest()[:16]

    @property
    def router(self) -> Mapping[str, Any]:
        """`ranker` and `thresholds` that were fitted with this model; empty where none were."""
        return _read_json(self.folder / ROUTER) if ROUTER in self.manifest["files"] else {}

    @property
    def network(self) -> Path:
        """The ONNX file to serve from, int8 first.

        Raises:
            BundleError: The bundle was written without ONNX files.
        """
        for name in (ONNX_INT8, ONNX):
            if name in self.manifest["files"]:
                return self.folder / name
        raise BundleError(
            f"{self.folder}: no {ONNX_INT8} and no {ONNX}; train it again with `int8` among the export.files of its recipe"
        )


def load_bundle(folder: Path) -> Bundle:
    """Reads a bundle and checks format and checksums.

    Raises:
        BundleError: It is missing, of another format, or a file is missing or changed.
    """
    manifest = _read_json(folder / MANIFEST)
    if manifest.get("format") != FORMAT:
        raise BundleError(
            f"{folder / MANIFEST}: format {manifest.get('format')!r}, this version reads {FORMAT}; train or export it again"
        )
    for name, expected in manifest.get("files", {}).items():
        path = folder / name
        if not path.exists():
            raise BundleError(f"{path}: missing, the manifest names it; copy the bundle again")
        found = checksum(path)
        if found != expected:
            raise BundleError(
                f"{path}: changed: sha256 {found[:12]}…, the manifest says {expected[:12]}…; copy the bundle again"
            )
    if TOKENIZER not in manifest.get("files", {}) or LABELS not in manifest["files"]:
        raise BundleError(f"{folder / MANIFEST}: names no {TOKENIZER} or no {LABELS}, so this is no bundle")
    return Bundle(folder, manifest, schema_from_dict(_read_json(folder / LABELS), str(folder / LABELS)))


@contextmanager
def writing(folder: Path) -> Iterator[Path]:
    """Gives a temporary folder beside `folder` that takes its place when the block ends without an error.

    Recipes are carried over. After an error nothing has changed.

    Raises:
        InputError: See `refuse_strangers`.
    """
    folder = folder.resolve()  # "." cannot be replaced under that name
    refuse_strangers(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield scratch
        for path in folder.glob(RECIPES):
            if not (scratch / path.name).exists():
                shutil.copy2(path, scratch / path.name)
        scratch.chmod(0o755)
        replace_folder(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def refuse_strangers(folder: Path) -> None:
    """Raises InputError where a folder holds anything that no bundle has: writing a bundle there would delete it. Or where it is the root
    of a mounted disk, which cannot be replaced."""
    if folder.is_mount():
        raise InputError(
            f"{folder}: a mounted disk, which cannot be replaced as a whole; give a folder inside it with --output"
        )
    strangers = sorted(p.name for p in folder.glob("[!.]*") if p.name not in OWN and not p.match(RECIPES))
    if strangers:
        raise InputError(f"{folder}: holds {strangers[0]}, which is no part of a bundle; give another folder with --output")


def replace_folder(new: Path, folder: Path) -> None:
    """Puts `new` in the place of `folder`, which may exist; the old one is gone only when the new one stands."""
    old = new.with_name(new.name + ".old")
    if folder.exists():
        os.replace(folder, old)
    try:
        os.replace(new, folder)
    except OSError:
        if old.exists():
            os.replace(old, folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def write_manifest(folder: Path, facts: Mapping[str, Any]) -> None:
    """Writes `manifest.json` over the model files that lie in `folder`, with their checksums."""
    names = [
        n for n in (CONFIG, WEIGHTS, TOKENIZER, PIECES, LABELS, ONNX, ONNX_INT8, ROUTER, EXTENSION) if (folder / n).exists()
    ]
    manifest = {"format": FORMAT, **facts, "files": {name: checksum(folder / name) for name in names}}
    (folder / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def attach_router(folder: Path, router: Mapping[str, Any]) -> None:
    """Puts `router.json` into a bundle and its checksum into the manifest; each file is replaced in one step."""
    manifest = dict(load_bundle(folder).manifest)
    _replace_text(folder / ROUTER, json.dumps(router, ensure_ascii=False, indent=1) + "\n")
    manifest["files"] = {**manifest["files"], ROUTER: checksum(folder / ROUTER)}
    _replace_text(folder / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1) + "\n")


def attach(folder: Path, **facts: Any) -> None:
    """Puts what was found out about a bundle after its training into the manifest, in one step.

    Args:
        folder: The bundle.
        facts: `thresholds` of topics and of the out-of-scope gate, points of the `learning` curve.

    Raises:
        BundleError: The bundle is missing or damaged.
    """
    manifest = {**load_bundle(folder).manifest, **facts}
    _replace_text(folder / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1) + "\n")


def _replace_text(path: Path, text: str) -> None:
    scratch = path.with_name(f".{path.name}.new")
    scratch.write_text(text, encoding="utf-8")
    os.replace(scratch, path)


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise BundleError(f"{path}: no such file; expected a bundle made by train.py") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BundleError(f"{path}: not JSON: {error}") from None
    if not isinstance(data, dict):
        raise BundleError(f"{path}: expected a JSON object")
    return data
