"""The exceptions of the package.

WenluError
├── InputError      a text, argument or file that cannot be used
│   └── DataError   a row of a data file, as `file:line: field: problem`
├── RecipeError     a recipe, schema or data set description with a wrong key or type
├── BundleError     a model bundle that is missing, changed or of another version
└── ArchiveError    an answer index that is missing, damaged or made with another encoder

Every message says what failed, the value, what was expected, where, and what to do.
"""

from __future__ import annotations

from pathlib import Path


class WenluError(Exception):
    """Base of every error that the package raises on purpose."""


class InputError(WenluError):
    """A text, an argument or a file cannot be used."""


class DataError(InputError):
    """One row of a data file is not valid.

    Args:
        path: File that holds the row.
        line: Line number, from 1.
        field: Dotted name of the field, such as `entities[2].role`; empty for the row as a whole.
        problem: What is wrong, with the value and what was expected.
    """

    def __init__(self, path: str | Path, line: int, field: str, problem: str) -> None:
        self.path, self.line, self.field, self.problem = str(path), line, field, problem
        where = f"{path}:{line}: {field}: " if field else f"{path}:{line}: "
        super().__init__(where + problem)


class RecipeError(WenluError):
    """A TOML file (recipe, schema, data set) has an unknown key, a missing key or a wrong type."""


class BundleError(WenluError):
    """A model bundle is missing, incomplete, changed on disk or made by another format version."""


class ArchiveError(WenluError):
    """An answer index is missing, damaged or was made with another encoder."""
