"""Values of Chinese text, side by side: Wenlu, Recognizers-Text, JioNLP, cn2an, cpca; accuracy by kind, texts a second, memory.

    python bench/values.py [--peers PYTHON] [--gold CASES.jsonl --scorer SCORE.py] [--out bench/results]

Every system runs in its own process on one core. The cases are generated here, from sentence frames and values, the same for
everybody; a peer is only asked for kinds that it reads. `--gold` adds a file of cases with `id`, `text`, `ref_date` and a script
that scores predictions on it (`score.py values GOLD PRED`). Peers that the interpreter given with `--peers` lacks are left out:

    pip install jionlp cpca cn2an recognizers-text-suite 'emoji<2'
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from value_cases import KINDS, REFERENCE, Case, build_cases
from value_systems import SYSTEMS, ask

ROOT = Path(__file__).resolve().parents[1]


def is_right(kind: str, gold: Case, found: Case) -> bool:
    if found["start"] != gold["start"] or (found["end"] is not None and found["end"] != gold["end"]):
        return False
    expected, value = gold["value"], found["value"]
    if kind == "region":
        codes = (value or {}).get("resolved")
        return sorted(codes if isinstance(codes, list) else [codes]) == sorted(
            expected if isinstance(expected, list) else [expected]
        )
    if kind == "date":
        return bool(value == expected)
    value = {"low": value, "high": value} if isinstance(value, str) else value or {}
    return all(same(kind, expected[bound], value.get(bound)) for bound in ("low", "high"))


def same(kind: str, expected: str, value: Any) -> bool:
    if value is None:
        return False
    if kind == "duration":
        return measure(expected) == measure(str(value))
    try:
        a, b = Decimal(expected), Decimal(str(value))
    except InvalidOperation:
        return False
    return a == b or abs(a - b) <= abs(a) * Decimal("1e-9")


def measure(iso: str) -> tuple[Decimal, Decimal] | None:
    """Months and seconds of an ISO 8601 duration."""
    match = re.fullmatch(
        r"P(?:([\d.]+)Y)?(?:([\d.]+)M)?(?:([\d.]+)W)?(?:([\d.]+)D)?(?:T(?:([\d.]+)H)?(?:([\d.]+)M)?(?:([\d.]+)S)?)?", iso
    )
    if match is None:
        return None
    years, months, weeks, days, hours, minutes, seconds = (Decimal(g or 0) for g in match.groups())
    return years * 12 + months, weeks * 604800 + days * 86400 + hours * 3600 + minutes * 60 + seconds


def grade(cases: list[Case], found: list[list[Case]], kinds: tuple[str, ...]) -> dict[str, float]:
    """Strict F1 by kind: the span and the value must both be right."""
    scores = {}
    for kind in kinds:
        right = predicted = expected = 0
        for case, results in zip(cases, found, strict=True):
            if case["kind"] != kind:
                continue
            mine = [r for r in results if r["type"] == kind]
            right += sum(any(is_right(kind, g, r) for r in mine) for g in case["gold"])
            predicted, expected = predicted + len(mine), expected + len(case["gold"])
        scores[kind] = round(2 * right / (predicted + expected), 4) if predicted + expected else 0.0
    return scores


def score_gold(gold: Path, scorer: Path, result: Case, ids: list[str], folder: Path, system: str) -> dict[str, float]:
    """Strict F1 by kind on a file of cases, by its own scorer."""
    predicted = folder / f".values_{system}.jsonl"
    rows = (
        {"id": i, "values": [v for v in values if v["end"] is not None]} for i, values in zip(ids, result["found"], strict=True)
    )
    predicted.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    output = subprocess.run(
        [sys.executable, scorer, "values", gold, predicted], capture_output=True, text=True, check=True
    ).stdout
    predicted.unlink()
    found = re.findall(r"^(\w+):ALL strict_f1=([\d.]+)", output, re.MULTILINE)
    return {kind: float(value) for kind, value in found if kind in SYSTEMS[system]}


def read_gold(path: Path) -> Iterator[Case]:
    for line in path.read_text(encoding="utf-8").removesuffix("\n").split("\n"):
        row = json.loads(line)
        reference = str(row.get("ref_date") or "")[:10]
        yield {
            "id": row["id"],
            "text": row["text"],
            "reference": reference if re.fullmatch(r"\d{4}-\d\d-\d\d", reference) else None,
        }


def run(arguments: argparse.Namespace) -> dict[str, Case]:
    cases = build_cases()
    rows = [{"text": case["text"], "reference": REFERENCE.isoformat()} for case in cases]
    gold = list(read_gold(arguments.gold)) if arguments.gold else []
    results: dict[str, Case] = {}
    for system, kinds in SYSTEMS.items():
        python = sys.executable if system == "wenlu" else arguments.peers
        answer = ask(system, rows, python)
        if answer is None:
            continue
        results[system] = {key: round(answer[key], 2) for key in ("load_s", "texts_s", "memory_mb")}
        results[system]["generated"] = grade(cases, answer["found"], kinds)
        if gold and system != "cpca" and (on_gold := ask(system, gold, python)) is not None:
            ids = [row["id"] for row in gold]
            results[system]["gold"] = score_gold(arguments.gold, arguments.scorer, on_gold, ids, arguments.out, system)
    return results


def to_markdown(results: dict[str, Case]) -> str:
    note = f"{len(build_cases())} generated cases (written for this benchmark, so they know what Wenlu reads), one core."
    lines = ["# Values: accuracy, speed, memory", "", f"{note} Strict F1: span and value right; – = not read.", ""]
    for part, title in (("generated", "Generated cases"), ("gold", "The libraries' own test suites, half of each (`--gold`)")):
        if not any(part in r for r in results.values()):
            continue
        lines += [f"## {title}", "", "| system | " + " | ".join(KINDS) + " |", "|---" * (len(KINDS) + 1) + "|"]
        for system, result in results.items():
            cells = (result.get(part, {}).get(kind) for kind in KINDS)
            lines.append(f"| {system} | " + " | ".join("–" if c is None else f"{c:.3f}" for c in cells) + " |")
        lines.append("")
    lines += ["## Cost", "", "| system | kinds | texts/s | peak memory MB | load s |", "|---|---|---|---|---|"]
    for system, r in results.items():
        lines.append(f"| {system} | {len(SYSTEMS[system])} | {r['texts_s']:,.0f} | {r['memory_mb']:.0f} | {r['load_s']:.2f} |")
    return "\n".join(lines) + "\n"


def plot(results: dict[str, Case], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    parts = [part for part in ("generated", "gold") if any(part in r for r in results.values())]
    figure, axes = plt.subplots(1, len(parts) + 1, figsize=(4 + 6 * len(parts), 4.2), width_ratios=(*(3 for _ in parts), 1.3))
    width = 0.8 / len(results)
    for part, axis in zip(parts, axes, strict=False):
        for offset, (system, result) in enumerate(results.items()):
            scored = [(i, result[part][k]) for i, k in enumerate(KINDS) if k in result.get(part, {})]
            axis.bar([i + offset * width for i, _ in scored], [s for _, s in scored], width, label=system)
        axis.set_xticks([i + 0.4 - width / 2 for i in range(len(KINDS))], KINDS)
        axis.set(
            ylabel="strict F1, " + {"generated": "generated cases", "gold": "the libraries' own tests"}[part], ylim=(0, 1.05)
        )
    axes[0].legend(ncols=len(results), fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)
    axes[-1].barh(list(results), [r["texts_s"] for r in results.values()], color="tab:gray")
    axes[-1].set(xscale="log", xlabel="texts/s, one core")
    axes[-1].invert_yaxis()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", default=sys.executable, help="interpreter that has the other libraries")
    parser.add_argument("--gold", type=Path, help="JSONL of more cases")
    parser.add_argument("--scorer", type=Path, help="script that scores predictions on --gold")
    parser.add_argument("--out", type=Path, default=ROOT / "bench/results")
    arguments = parser.parse_args()
    if bool(arguments.gold) != bool(arguments.scorer):
        parser.error("--gold and --scorer go together")
    arguments.out.mkdir(parents=True, exist_ok=True)
    results = run(arguments)
    (arguments.out / "values.json").write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (arguments.out / "values.md").write_text(to_markdown(results), encoding="utf-8")
    plot(results, arguments.out / "values.png")
    print(to_markdown(results))


if __name__ == "__main__":
    main()
