"""A model when labels change: renamed without training, or compared, old against new, on gold rows under the new labels."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nlp.analyzer import Analyzer
from nlp.config import schema_to_dict
from nlp.data.corpus import read_examples
from nlp.data.migration import Migration, load_migration
from nlp.errors import InputError, RecipeError
from nlp.evaluation.markdown import number
from nlp.evaluation.metrics import Report, evaluate
from nlp.model.extension import load_extension
from nlp.model.store import EXTENSION, LABELS, load_bundle, write_manifest, writing
from nlp.schema import Analysis, TopicScore


def rename_labels(folder: Path, plan: Path, output: Path) -> Migration:
    """Writes a bundle with other names for its labels; network, calibration and vectors stay.

    Raises:
        BundleError: The bundle is missing or damaged.
        RecipeError: The plan does more than rename: that needs training (`[base] heads` makes it a short one).
        InputError: `output` is there already and not empty.
    """
    bundle = load_bundle(folder)
    migration = load_migration(plan, bundle.labels)
    for change in (*migration.plan.topics, *migration.plan.types):
        if change.kind != "rename":
            raise RecipeError(
                f"{plan}: {change}: a bundle can only be renamed; migrate its data set and train with [base] heads"
            )
    if output.exists() and any(output.iterdir()):
        raise InputError(f"{output}: is there already and not empty; name a new folder")
    roles = [(a.id, a.roles, b.roles) for a, b in zip(bundle.labels.types, migration.after.types, strict=True)]
    for kind, old, new in roles:
        if len(old) != len(new):
            raise RecipeError(f"{plan}: types: {kind}: {len(new)} roles, the network has {len(old)}")
    extension = load_extension(bundle)
    with writing(output) as scratch:
        shutil.copytree(bundle.folder, scratch, dirs_exist_ok=True)
        labels = json.dumps(schema_to_dict(migration.after), ensure_ascii=False, indent=1)
        (scratch / LABELS).write_text(labels + "\n", encoding="utf-8")
        if extension:
            lessons = (replace(x, topics=tuple(migration.topics[topic][0] for topic in x.topics)) for x in extension.lessons)
            renamed = replace(extension, lessons=tuple(lessons))
            (scratch / EXTENSION).write_text(json.dumps(renamed.to_dict(), ensure_ascii=False) + "\n", encoding="utf-8")
        changes = [str(c) for c in (*migration.plan.topics, *migration.plan.types)]
        write_manifest(scratch, {**_renamed_facts(bundle.manifest, migration), "renamed": changes})
    return migration


def _renamed_facts(manifest: Mapping[str, Any], migration: Migration) -> dict[str, Any]:
    """The manifest with the new names where labels stand in it: the trust in types, and the gate's topic."""
    facts = dict(manifest)
    if trust := facts["calibration"].get("trust"):
        facts["calibration"] = {
            **facts["calibration"],
            "trust": {migration.types[kind][0]: limits for kind, limits in trust.items()},
        }
    if gate := (facts.get("thresholds") or {}).get("gate"):
        facts["thresholds"] = {**facts["thresholds"], "gate": {**gate, "topic": migration.topics[gate["topic"]][0]}}
    return facts


def compare(old: Path, new: Path, plan: Path, gold: Path) -> str:
    """Markdown: figures of two bundles on gold rows under the new labels; what the old one says is renamed by the plan.

    Of a split label the old bundle says the first part, so that its loss there is what the split costs without training.

    Raises:
        BundleError, RecipeError, DataError: See what the message names.
    """
    before, after = Analyzer.from_pretrained(old), Analyzer.from_pretrained(new)
    migration = load_migration(plan, before.labels)
    rows = read_examples(gold, after.labels)
    texts = [example.text for example in rows]
    reports = (
        evaluate(rows, [_renamed(analysis, migration) for analysis in before.pipe(texts)]),
        evaluate(rows, list(after.pipe(texts))),
    )
    return _table(reports)


def _renamed(analysis: Analysis, migration: Migration) -> Analysis:
    scores: dict[str, float] = {}
    for score in analysis.topics:
        topic = migration.topics[score.topic][0]
        scores[topic] = scores.get(topic, 0.0) + score.probability
    topics = tuple(TopicScore(topic, p) for topic, p in sorted(scores.items(), key=lambda item: -item[1]))
    entities = tuple(replace(e, type=migration.types[e.type][0]) for e in analysis.entities)
    return replace(analysis, topics=topics, entities=entities)


def _table(reports: Sequence[Report]) -> str:
    lines = ["| figure | old | new | change |", "| --- | --- | --- | --- |"]
    for name in ("topic_accuracy", "topic_macro_f1", "entity_f1", "role_accuracy"):
        a, b = (getattr(report, name) for report in reports)
        change = "" if a is None or b is None else f"{b - a:+.4f}"
        lines.append(f"| {name} | {number(a)} | {number(b)} | {change} |")
    for part in ("topics", "types"):
        counts = [getattr(report, part) for report in reports]
        for label in sorted({*counts[0], *counts[1]}):
            a, b = (count[label].f1 if label in count else 0.0 for count in counts)
            lines.append(f"| F1 {label} | {a:.4f} | {b:.4f} | {b - a:+.4f} |")
    return "\n".join(lines) + "\n"
