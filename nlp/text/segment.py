"""Text → words for lexical search: the one wrapper of jieba, with its own tokenizer and domain words.

The general dictionary of jieba is read once, cut down to words seen often enough to matter in search, joined with
`data/words.txt`, and kept as JSON in the user's cache folder (a missing or unwritable cache only costs time). jieba's global
tokenizer is never touched, so other users of jieba in one process keep theirs.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
from contextlib import suppress
from functools import cache, lru_cache
from importlib import metadata, resources
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from nlp.text.normalize import normalize

if TYPE_CHECKING:
    import jieba

# jieba gives every word that it has not counted the frequency 3; without those the dictionary is half as large and loads in a
# third of the time, and what they name is still found by its parts.
MIN_FREQUENCY = 4
# As high as that of a common noun: enough to win against any split into two common words.
DOMAIN_FREQUENCY = 500
_LOCK = Lock()


def segment(text: str) -> list[str]:
    """Cuts a text into words for search: overlapping short words of long ones are given too (`异地`, `就医`, `异地就医`).

    The text is normalised and lower-cased; spaces and punctuation are dropped.

    Args:
        text: Any text.

    Returns:
        Words in the order of the text, none of them with white space inside.
    """
    words = _tokenizer().cut_for_search(normalize(text).text.lower(), HMM=False)
    return [word for word in words if any(character.isalnum() for character in word)]


@lru_cache(1 << 16)
def information(word: str) -> float:
    """How much a word says, in nats: -ln of its share of general text (3 for 的, 12 for 医保, 18 for a word never counted)."""
    tokenizer = _tokenizer()
    return math.log(tokenizer.total / (tokenizer.FREQ.get(word) or 1))


def _tokenizer() -> jieba.Tokenizer:
    with _LOCK:  # the dictionary is built by one thread, the others wait for it
        return _load_tokenizer()


@cache
def _load_tokenizer() -> jieba.Tokenizer:
    import jieba

    source = Path(jieba.__file__).with_name("dict.txt")
    words = resources.files("nlp.text").joinpath("data/words.txt").read_text(encoding="utf-8")
    recipe = f"{metadata.version('jieba')} {MIN_FREQUENCY} {DOMAIN_FREQUENCY} {words}"
    cached = _cache_folder() / f"words-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}.json"
    frequencies = _read_cache(cached)
    if frequencies is None:
        frequencies = _build(source, words)
        _write_cache(cached, frequencies)
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total, tokenizer.initialized = frequencies, sum(frequencies.values()), True
    return tokenizer


def _build(source: Path, words: str) -> dict[str, int]:
    """Joins both dictionaries; every prefix of a word that is no word itself gets 0, as jieba's search for words expects."""
    frequencies: dict[str, int] = {}
    with source.open(encoding="utf-8") as lines:
        for line in lines:
            word, count, _ = line.split(" ", 2)
            if int(count) >= MIN_FREQUENCY:
                frequencies[word] = int(count)
    for line in words.splitlines():
        for word in line.partition("#")[0].split():
            frequencies[word] = max(frequencies.get(word, 0), DOMAIN_FREQUENCY)
    for word in list(frequencies):
        for end in range(1, len(word)):
            frequencies.setdefault(word[:end], 0)
    return frequencies


def _cache_folder() -> Path:
    """`$WENLU_HOME`, else `wenlu` in the user's cache folder, where nobody else can put a dictionary."""
    if named := os.environ.get("WENLU_HOME"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path(os.path.expanduser("~")) / ".cache") / "wenlu"


def _read_cache(path: Path) -> dict[str, int] | None:
    try:
        frequencies = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return frequencies if isinstance(frequencies, dict) else None


def _write_cache(path: Path, frequencies: dict[str, int]) -> None:
    with suppress(OSError):  # a read-only home is no reason to fail: the next start builds again
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(frequencies, file, ensure_ascii=False)
        os.replace(temporary, path)


def split(text: str) -> list[str]:
    """Cuts a text into words that, put together, are the text again (for masking whole words)."""
    return list(_tokenizer().cut(text))
