"""The model and the archive that come with the package: where they lie, and the index of that archive, built on first use."""

from __future__ import annotations

import os
from pathlib import Path

from nlp.analyzer import Analyzer
from nlp.archive import build_index
from nlp.data.corpus import read_entries
from nlp.errors import BundleError
from nlp.locks import locked
from nlp.model.store import MANIFEST, checksum
from nlp.retrieval.index import AnswerIndex
from nlp.retrieval.info import METADATA
from nlp.router import Router

PACKAGE = Path(__file__).parent
INSTALLED, CHECKOUT = PACKAGE / "resources", PACKAGE.parent


def default_bundle() -> Path:
    """The folder of the default model: inside the installed package, or `models/policy` of a checkout.

    Raises:
        BundleError: Neither is there.
    """
    return _find(INSTALLED / "policy", CHECKOUT / "models" / "policy")


def default_archive() -> Path:
    """The JSONL file of the embedded archive."""
    return _find(INSTALLED / "entries.jsonl", CHECKOUT / "datasets" / "policy_answers" / "entries.jsonl")


def _find(*places: Path) -> Path:
    for place in places:
        if place.exists():
            return place
    raise BundleError(f"{places[0]}: not in this installation; install the wheel again, or name a model with --model")


def default_index(analyzer: Analyzer) -> AnswerIndex:
    """Opens the index of the embedded archive; builds it first (seconds) when there is none for this model and archive."""
    archive = default_archive()
    model = checksum(analyzer.bundle.folder / MANIFEST)
    path = home() / "indexes" / f"{model[:12]}-{checksum(archive)[:12]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.with_name(path.name + ".lock")):  # of several processes that come first, one builds
        if not (path / METADATA).is_file():
            build_index(path, read_entries(archive), analyzer)
    return AnswerIndex.open(path, analyzer.fingerprint)


def default_router() -> Router:
    """A router over the default model and archive."""
    analyzer = Analyzer.from_pretrained(default_bundle())
    return Router(analyzer, default_index(analyzer))


def home() -> Path:
    """Where the package keeps what it builds: `$WENLU_HOME`, else `wenlu` in the user's cache folder."""
    if named := os.environ.get("WENLU_HOME"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wenlu"
