"""What an index says of itself: `metadata.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from nlp.errors import ArchiveError
from nlp.retrieval.storage import Place, contents, read_file, write_file

FORMAT = 2
METADATA = "metadata.json"


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """The description of an index.

    Attributes:
        encoder: Fingerprint of the encoder that made the vectors.
        widths: Column of vectors → length of one of them.
        created: When the index was built, ISO 8601.
        entries: Number of entries when it was built; once opened, the number at that version.
        table: Name of the table that holds them; each build writes one of its own.
        scales: Column of vectors → mean and standard deviation of the likeness of unrelated texts.
        thresholds: Numbers of the router.
        ranker: Weights of the ranker, as `Ranker.to_dict` gives them; empty for those of the package.
        format: Version of the layout.
    """

    encoder: str
    widths: Mapping[str, int]
    created: str
    entries: int
    table: str
    scales: Mapping[str, tuple[float, float]]
    thresholds: Mapping[str, float] = field(default_factory=dict)
    ranker: Mapping[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def write_info(place: Place, info: IndexInfo) -> None:
    """Writes the metadata of an index, atomically."""
    write_file(place, METADATA, json.dumps(info.to_dict(), ensure_ascii=False, indent=1, sort_keys=True) + "\n")


def read_info(place: Place) -> IndexInfo:
    """Reads the metadata of an index.

    Raises:
        ArchiveError: No folder, no metadata, damaged metadata, or those of another format.
    """
    if METADATA not in contents(place):
        found = "no such index" if not contents(place) else f"no index, since {METADATA} is missing"
        raise ArchiveError(f"{place}: {found}; build it with `wenlu index build`")
    try:
        data = json.loads(read_file(place, METADATA))
        if data["format"] != FORMAT:
            raise ArchiveError(f"{place}: index of format {data['format']}, expected {FORMAT}; build it again")
        scales = {name: (float(mean), float(deviation)) for name, (mean, deviation) in data.pop("scales").items()}
        return IndexInfo(**data, scales=scales)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArchiveError(f"{place}: {METADATA} is damaged ({first_line(error)}); build the index again") from error


def describes_index(place: Place) -> bool:
    """Whether a place has the metadata of an index, of whatever format."""
    try:
        data = json.loads(read_file(place, METADATA))
    except (OSError, ValueError):
        return False
    return isinstance(data, dict) and {"format", "encoder", "table"} <= data.keys()


def first_line(error: Exception) -> str:
    """Kind and first line of an error that another library raised."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"
