"""Labels kept apart from their texts → rows to train on.

Where the texts of a data set belong to somebody else, only the labels are kept: rows as in any data set, but without `text` and with
`id`, the hash of the text, by which whoever has the texts puts both together again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nlp.data.corpus import parse_example, read_rows, text_id
from nlp.errors import DataError, InputError
from nlp.schema import Example, LabelSchema


@dataclass(frozen=True, slots=True)
class Joined:
    """The rows whose texts were found, in the order of the labels; those beyond what a topic may have; the ids of rows without text."""

    examples: tuple[Example, ...]
    rest: tuple[Example, ...]
    missing: tuple[str, ...]


def join_texts(labels: Path, texts: Sequence[Path], schema: LabelSchema | None = None, per_topic: int = 0) -> Joined:
    """Puts labels and texts together.

    Args:
        labels: JSONL of labels, as described above.
        texts: JSONL files whose rows have a `text`; other fields are passed over.
        schema: The labels that there are; None for any.
        per_topic: At most so many rows of one topic, the first ones, the others are the rest; 0 takes all.

    Raises:
        DataError: A row is not valid, or its entities do not lie in the text.
        InputError: A file is missing, or no label has its text in any of them.
    """
    known = {}
    for path in texts:
        for number, row in read_rows(path):
            if isinstance(row, DataError):
                raise row
            if not isinstance(row.get("text"), str):
                raise DataError(path, number, "text", f"expected a string, got {row.get('text')!r:.60}")
            known[text_id(row["text"])] = row["text"]
    examples: list[Example] = []
    rest: list[Example] = []
    missing: list[str] = []
    taken: Counter[object] = Counter()
    for number, row in read_rows(labels):
        if isinstance(row, DataError):
            raise row
        text = known.get(str(row.get("id")))
        if text is None:
            missing.append(str(row.get("id")))
        else:
            taken[row.get("topic")] += 1
            within = not per_topic or taken[row.get("topic")] <= per_topic
            (examples if within else rest).append(parse_example({**row, "text": text}, labels, number, schema))
    if missing and not examples:
        others = ", ".join(map(str, texts))
        raise InputError(f"{labels}: none of the {len(missing)} labels is about a text of {others}; are these the right texts?")
    return Joined(tuple(examples), tuple(rest), tuple(missing))
