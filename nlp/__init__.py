"""Wenlu 问路: from a Chinese question about public policy or law to the right answer.

from nlp import Analyzer, AnswerIndex, Router
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nlp.analyzer import Analyzer
    from nlp.archive import add_entries, build_index
    from nlp.audit import AuditLog
    from nlp.embedded import default_bundle, default_router
    from nlp.errors import ArchiveError, BundleError, DataError, InputError, RecipeError, WenluError
    from nlp.feedback import Correction, FeedbackLog
    from nlp.retrieval.index import AnswerIndex
    from nlp.router import Router
    from nlp.schema import Analysis, Decision, Entity, Entry, Example, Hit
    from nlp.text import find

_HOMES = {
    "Analysis": "nlp.schema",
    "Analyzer": "nlp.analyzer",
    "AnswerIndex": "nlp.retrieval.index",
    "ArchiveError": "nlp.errors",
    "AuditLog": "nlp.audit",
    "BundleError": "nlp.errors",
    "Correction": "nlp.feedback",
    "DataError": "nlp.errors",
    "Decision": "nlp.schema",
    "Entity": "nlp.schema",
    "Entry": "nlp.schema",
    "Example": "nlp.schema",
    "FeedbackLog": "nlp.feedback",
    "Hit": "nlp.schema",
    "InputError": "nlp.errors",
    "RecipeError": "nlp.errors",
    "Router": "nlp.router",
    "WenluError": "nlp.errors",
    "add_entries": "nlp.archive",
    "build_index": "nlp.archive",
    "default_bundle": "nlp.embedded",
    "default_router": "nlp.embedded",
    "find": "nlp.text",
}
__all__ = [
    "Analysis",
    "Analyzer",
    "AnswerIndex",
    "ArchiveError",
    "AuditLog",
    "BundleError",
    "Correction",
    "DataError",
    "Decision",
    "Entity",
    "Entry",
    "Example",
    "FeedbackLog",
    "Hit",
    "InputError",
    "RecipeError",
    "Router",
    "WenluError",
    "add_entries",
    "build_index",
    "default_bundle",
    "default_router",
    "find",
]


def __getattr__(name: str) -> Any:
    """Loads a public name on first use, so that `import nlp` stays light."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
