"""Maintenance: writes `data/simplified.tsv` from the dictionary of the package `opencc-python-reimplemented`.

pip download opencc-python-reimplemented==0.1.7 --no-deps && unzip opencc*.whl
python -m nlp.text.build_simplified opencc/dictionary/TSCharacters.txt
"""

from __future__ import annotations

import sys
from pathlib import Path

HEADER = (
    "# Traditional to simplified characters, one to one.",
    "# source: TSCharacters.txt of OpenCC (https://github.com/BYVoid/OpenCC) as packed in opencc-python-reimplemented 0.1.7",
    "# licence: Apache-2.0, Copyright BYVoid and the OpenCC contributors; changed: first reading only, pairs joined",
    "# as of: 2023-02-11",
)
# 乾 is a simplified character too, in names of places: 乾县, 乾安县; 薴 would become 苧, itself traditional.
KEPT = frozenset("乾薴")


def simplified_pairs(source: str) -> list[str]:
    """Reads OpenCC lines (`traditional TAB reading SPACE reading …`) into two-character strings `traditional + simplified`."""
    pairs = []
    for line in source.splitlines():
        traditional, _, readings = line.partition("\t")
        first = readings.split(" ")[0]
        if len(traditional) == len(first) == 1 and traditional != first and traditional not in KEPT:
            pairs.append(traditional + first)
    return sorted(pairs)


def main(source: Path, target: Path) -> None:
    """Writes the table, forty pairs a line."""
    pairs = simplified_pairs(source.read_text(encoding="utf-8"))
    rows = [" ".join(pairs[i : i + 40]) for i in range(0, len(pairs), 40)]
    target.write_text("\n".join((*HEADER, *rows)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).parent / "data" / "simplified.tsv")
