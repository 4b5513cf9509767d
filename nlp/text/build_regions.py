"""Maintenance: writes `data/regions.tsv` from lists of administrative units and of their changes.

    python -m nlp.text.build_regions FOLDER AS_OF

FOLDER holds `provinces.csv`, `cities.csv`, `areas.csv` (`code,name,…`) and `changes_1984_2023.txt` (`date TAB authority TAB old
path => new path`, full and short names in turn). Short names come from the official ones: 恭城瑶族自治县 → 恭城, 恭城县;
甘孜藏族自治州 → 甘孜, 甘孜州.
"""

from __future__ import annotations

import csv
import re
import sys
from collections import defaultdict
from pathlib import Path

HEADER = (
    "# Administrative units of China and former units: kind TAB code TAB official name and short names TAB year of the change.",
    "# source: GB/T 2260 codes by way of modood (WTFPL); changes by way of JioNLP (Apache-2.0). licence: facts",
    "# as of: ",
)
PLACEHOLDERS = frozenset({"市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"})
_PEOPLE = re.compile(
    r"(?:[壮回藏羌彝傣白苗侗满瑶黎畲水佤怒土]族|维吾尔族?|(?<!内)蒙古族?|哈萨克族?|哈尼族|景颇族|傈僳族|土家族|布依族|朝鲜族"
    r"|仫佬族|毛南族|仡佬族|纳西族|拉祜族|布朗族|独龙族|普米族|裕固族|保安族|东乡族|撒拉族|锡伯族?|塔吉克族?|柯尔克孜族?|达斡尔族|鄂温克族|鄂伦春族|各族)+$"
)
_KIND = re.compile(r"(特别行政区|自治[区州县旗]|新区|林区|特区|地区|[省市县区州盟旗])$")
_ZONE = (
    ("高新技术产业开发区", "高新区"),
    ("经济技术开发区", "经开区"),
    ("高新技术产业园区", "高新区"),
    ("经济开发区", "经开区"),
)


def short_names(name: str) -> list[str]:
    """The stem of an official name, and the stem with a plain suffix where the official one names peoples."""
    if any(zone in name for zone in ("开发区", "园区", "示范区", "管理区", "管委会")):
        return [name.replace(long, short) for long, short in _ZONE if long in name]
    stem = _KIND.sub("", name)
    kind = name[len(stem) :]
    bare = _PEOPLE.sub("", stem) or stem.removesuffix("族")
    names = [bare] if len(bare) > 1 else []
    if kind.startswith("自治") and kind != "自治区" and len(bare) > 1:
        names.append(bare + kind[2:])
    elif bare != stem:
        names.append(bare + kind)
    return names if kind != "新区" else []


def units(folder: Path) -> dict[str, tuple[str, str]]:
    """Code → (official name, level)."""
    found: dict[str, tuple[str, str]] = {}
    for level, file in (("province", "provinces"), ("city", "cities"), ("county", "areas")):
        for row in csv.DictReader((folder / f"{file}.csv").read_text(encoding="utf-8-sig").splitlines()):
            if row["name"] not in PLACEHOLDERS:
                found.setdefault(row["code"].ljust(6, "0"), (row["name"], level))
    # Statistics list a city without districts once more as its own county: 620201 嘉峪关市.
    return {
        code: unit for code, unit in found.items() if code.endswith("00") or unit[0] != found.get(code[:4] + "00", ("",))[0]
    }


def unit_rows(found: dict[str, tuple[str, str]]) -> list[str]:
    """One row a unit. A name made from a stem is left out where it is the official name of a unit nearby."""
    official = defaultdict(set)
    for code, (name, _) in found.items():
        official[code[:4]].add(name)
    rows = []
    for code, (name, _) in sorted(found.items()):
        made = dict.fromkeys(n for n in short_names(name) if n != name and n not in official[code[:4]])
        rows.append(f"unit\t{code}\t{' '.join((name, *made))}")
    return rows


def former_rows(changes: str, found: dict[str, tuple[str, str]]) -> list[str]:
    """One row a former name, coded by the units it became part of."""
    codes = {name: code for code, (name, level) in found.items() if level != "county"}
    successors: dict[tuple[str, str], list[str]] = {}
    for line in changes.splitlines():
        old, _, new = line.partition("=>")
        date, _, *before = old.split("\t")
        after = new.split("\t")
        scope = codes.get(after[1], "")[:4]
        code = next((c for c, (n, _) in found.items() if n == after[-1] and c.startswith(scope)), None)
        if code is None:
            continue
        names = [before[-2]] if len(before[-1]) < 2 or before[-1] == before[-2] else before[-2:]
        for name in names:
            if found[code][0] != name and name not in found[code][0]:
                successors.setdefault((name, date[:4]), []).append(code)
    return [f"former\t{' '.join(dict.fromkeys(codes_))}\t{name}\t{year}" for (name, year), codes_ in sorted(successors.items())]


def main(folder: Path, as_of: str, target: Path) -> None:
    """Writes the table."""
    found = units(folder)
    changes = (folder / "changes_1984_2023.txt").read_text(encoding="utf-8")
    rows = [*HEADER[:-1], HEADER[-1] + as_of, *unit_rows(found), *former_rows(changes, found)]
    target.write_text("\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(__file__).parent / "data" / "regions.tsv")
