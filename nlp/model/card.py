"""The record of a training run → the card (`README.md`) of what it made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

LOSS_PLOT, SCORE_PLOT = "plots/loss.png", "plots/scores.png"


def bundle_card(manifest: Mapping[str, Any]) -> str:
    """The card of a joint model, from its manifest."""
    recipe = manifest["recipe"]
    base = f"`{recipe['base']['path']}`" + (f", {recipe['base']['layers']} layers" if recipe["base"]["layers"] else "")
    if heads := recipe["base"]["heads"]:
        named = ", ".join(f"`{folder}`" for folder in heads)
        several = f"the mean of the bundles {named}" if len(heads) > 1 else f"the bundle {named}"
        base = f"{several}, which earlier runs made from {base}"
    parts = [
        *_head(manifest["name"], recipe["card"]),
        f"Made by `train.py` from {base}; the recipe stands in manifest.json.",
    ]
    rows = [(split, str(count)) for split, count in manifest["rows"].items()]
    data = recipe["data"]
    sources = [data["path"], *data["extra_train"], *([data["pairs"]] if data["pairs"] else [])]
    held = "".join(f"; for the calibration of topics `{source}`" for source in data["calibration"])
    parts += ["## Data", ", ".join(f"`{source}`" for source in sources) + held, _table(("split", "rows"), rows)]
    lost = ", ".join(f"{count} in {split}" for split, count in manifest["entities_lost"].items())
    parts.append(f"Entities that no token boundary fits: {lost}.")
    figures = [(split, *(f"{score:.4f}" for score in scores.values())) for split, scores in manifest["metrics"].items()]
    names = next(iter(manifest["metrics"].values()))
    parts += [
        "## Figures",
        "The network alone, fp32, before calibration and reconciliation with the grammar; `score` is the mean of the other two.",
        _table(("split", *names), figures),
    ]
    if manifest["history"]:
        parts.append(f"![scores on dev by step]({SCORE_PLOT})")
    files = {name: facts for name, facts in manifest["parity"].items() if isinstance(facts, Mapping)}
    columns = list(next(iter(files.values())))
    rows_of_files = [(name, *(str(facts[column]) for column in columns)) for name, facts in files.items()]
    parts += [f"Exported networks against the trained one, on {manifest['parity']['rows']} rows of dev:"]
    parts += [
        _table(("file", *columns), rows_of_files),
        "Calibration of topics: temperature {temperature:g}, then the log-odds of the first times {slope:g} plus {shift:g}.".format(
            **{"slope": 1.0, "shift": 0.0, **manifest["calibration"]}
        ),
    ]
    trust = [(kind, *(str(least) for least in row.values())) for kind, row in manifest["calibration"]["trust"].items()]
    if trust:
        parts += [
            "Least probability at which a span stands that only the network or only the grammar found (1.01: never), fitted on dev:",
            _table(("type", "network", "grammar"), trust),
        ]
    return "\n\n".join([*parts, *_limits(recipe["card"])]) + "\n"


def encoder_card(record: Mapping[str, Any]) -> str:
    """The card of an encoder, from `training.json`, which holds under `before` the record of the base that the run started from."""
    runs = [record]
    while runs[0].get("before"):
        runs.insert(0, runs[0]["before"])
    parts = _head(record["recipe"]["name"], record["recipe"]["card"])
    parts.append("Made by `python train.py` on the recipes of this folder.")
    parts += ["## Training loss", f"![loss by step of the last run]({LOSS_PLOT})"]
    for number, run in enumerate(runs, 1):
        rows = [(str(entry["step"]), f"{float(entry['loss']):.3f}") for entry in run["history"] if "loss" in entry]
        step = max(1, len(rows) // 10)
        parts += [
            f"Run {number}, from `{run['recipe']['base']['path']}`:",
            _table(("step", "loss"), [*rows[:-1][::step], *rows[-1:]]),
        ]
    return "\n\n".join([*parts, *_limits(record["recipe"]["card"])]) + "\n"


def _head(name: str, card: Mapping[str, Any]) -> list[str]:
    licence = f"Licence: {card['licence']}. {card['origin']}" if card["licence"] else ""
    return [part for part in (f"# {name}", card["description"], licence) if part]


def _limits(card: Mapping[str, Any]) -> list[str]:
    return ["## Limits", "\n".join(f"- {limit}" for limit in card["limits"])] if card["limits"] else []


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
