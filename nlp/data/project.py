"""A name → a project folder to start from: labels, twenty marked questions, a recipe, and what to do with them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from nlp.errors import InputError

TEMPLATE = "template"


def start_project(folder: Path, base: str) -> list[Path]:
    """Writes the template to a new folder.

    Args:
        folder: The project; its last part becomes the name of data set and model.
        base: Hub id or folder of the encoder that the recipe starts from.

    Returns:
        The files written.

    Raises:
        InputError: `folder` is a file, or a folder that is not empty, its name cannot stand in a TOML string, or it cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: is there already and not empty; name a new folder, or empty this one")
    place = folder.as_posix()
    if any(c in place + base for c in '"\\\n'):
        raise InputError(f"{folder}: quotes, backslashes and line breaks cannot stand in a recipe; name another folder")
    written = []
    for path, source in _templates(files("nlp.data") / TEMPLATE, folder):
        text = source.read_text(encoding="utf-8")
        for mark, value in (("folder", place), ("name", folder.resolve().name), ("base", base)):
            text = text.replace(f"{{{{{mark}}}}}", value)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}") from None
        written.append(path)
    return written


def _templates(source: Traversable, target: Path) -> Iterator[tuple[Path, Traversable]]:
    for item in sorted(source.iterdir(), key=lambda item: item.name):
        if item.is_dir():
            yield from _templates(item, target / item.name)
        else:
            yield target / item.name, item
