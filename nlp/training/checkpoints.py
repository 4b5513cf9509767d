"""The folder of a run: its checkpoints, and which run they are of, so that no other one takes up its work."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nlp.errors import RecipeError
from nlp.model.store import checksum

RECORD = "run.json"
CORPUS = "corpus.npz"
STATE = "trainer_state.json"
# What a model, its tokenizer and a base are read from.
MODEL = ("config.json", "model.safetensors", "tokenizer.json", "vocab.txt", "pieces.json", "manifest.json")
# Sections, and keys of sections, that may change between a stop and going on.
FREE = ("card", "export", "train.epochs", "train.patience", "pretrain.max_steps", "pretrain.save_steps")


def essence(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe without what a run may be gone on with differently: how long it is, what is written at its end."""
    kept = {name: dict(value) if isinstance(value, Mapping) else value for name, value in recipe.items()}
    for key in FREE:
        section, _, name = key.partition(".")
        if name and section in kept:
            kept[section].pop(name, None)
        elif not name:
            kept.pop(section, None)
    return kept


def traces(*places: str | Path) -> dict[str, str]:
    """Checksums of files, and of what a model or a base is read from in folders, by path; a place that is neither is passed over."""
    candidates = (Path(place, name) for place in places if place for name in ("", *MODEL))
    return {str(file): checksum(file) for file in candidates if file.is_file()}


def begin(work: Path, run: Mapping[str, Any], resume: bool) -> bool:
    """Prepares the folder of a run; without `resume` what an earlier run left there is removed.

    Args:
        work: The folder, made if need be.
        run: What the run depends on, as JSON takes it.
        resume: Go on where a stopped run was.

    Returns:
        Whether there is a checkpoint to go on from.

    Raises:
        RecipeError: The folder holds another run, and is to be resumed.
    """
    own = json.loads(json.dumps(run))
    record = work / RECORD
    if resume and record.exists():
        changed = _difference(json.loads(record.read_text(encoding="utf-8")), own)
        if changed:
            raise RecipeError(
                f"{work}: holds a run with another {changed}; give another folder with --work, or begin anew with --no-resume"
            )
    if int(os.environ.get("RANK", "0")) == 0:  # of several processes the first
        work.mkdir(parents=True, exist_ok=True)
        if not resume:
            for folder in work.glob("checkpoint-*"):
                shutil.rmtree(folder)
            (work / CORPUS).unlink(missing_ok=True)
            record.unlink(missing_ok=True)
        for folder in work.glob("checkpoint-*"):
            if not (folder / STATE).exists():  # written last: the run was killed while it wrote this one
                shutil.rmtree(folder)
        if not record.exists():
            scratch = work / f".{RECORD}.new"
            scratch.write_text(json.dumps(own, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
            os.replace(scratch, record)
    return resume and any(work.glob("checkpoint-*"))


def history(work: Path) -> list[dict[str, Any]]:
    """What the last checkpoint of a run has logged, oldest first; nothing where there is none."""
    last = max(work.glob("checkpoint-*"), key=lambda folder: int(folder.name.partition("-")[2]), default=None)
    if last is None:
        return []
    logged: list[dict[str, Any]] = json.loads((last / STATE).read_text(encoding="utf-8"))["log_history"]
    return logged


def _difference(before: Any, now: Any) -> str:
    """The dotted name of the first value that differs; empty where none does."""
    if isinstance(before, dict) and isinstance(now, dict):
        for name in sorted({*before, *now}):
            found = _difference(before.get(name), now.get(name))
            if found:
                return name if found == "." else f"{name}.{found}"
        return ""
    return "" if before == now else "."
