"""Bytes → text, for the encodings that Chinese files come in.

UTF-8 with or without a byte order mark, UTF-16 with one, GB18030.
"""

from __future__ import annotations

import codecs
from pathlib import Path

from nlp.errors import DataError

SAMPLE = 1 << 20  # bytes by which the encoding of a large file is told


def encoding_of(sample: bytes) -> str:
    """Tells the encoding by the beginning of a file.

    A sample is UTF-8 if most of its lines that are not ASCII are: GB18030 gives some meaning to nearly any bytes, UTF-8 to few.
    """
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    lines = [line for line in sample.split(b"\n") if not line.isascii()]
    if len(sample) >= SAMPLE and len(lines) > 1:
        lines.pop()  # cut in the middle, perhaps of a character
    return "utf-8-sig" if 2 * sum(map(_is_utf8, lines)) >= len(lines) else "gb18030"


def decode(data: bytes, path: Path) -> str:
    """Decodes a whole page; a few broken bytes become U+FFFD each.

    Raises:
        DataError: It is text in none of the encodings.
    """
    encoding = encoding_of(data)
    if encoding == "gb18030":
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise DataError(
                path, line, "", f"byte {error.start} is neither UTF-8 nor GB18030; save the file as UTF-8"
            ) from None
    return data.decode(encoding, errors="replace")


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
