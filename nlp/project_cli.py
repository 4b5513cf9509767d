"""The commands for labels of one's own: `wenlu init`, `wenlu learn`, `wenlu schema migrate`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from nlp.errors import InputError
from nlp.schema import TopicLabel

project_app = typer.Typer(no_args_is_help=True)
schema_app = typer.Typer(no_args_is_help=True, help="Change the labels of a data set or a model.")
project_app.add_typer(schema_app, name="schema")

NewFolder = Annotated[Path, typer.Option("--output", "-o", help="the new folder")]
CHECKOUT_BASE, HUB_BASE = "models/mini", "hfl/rbt3"


@project_app.command("init")
def init(
    folder: Annotated[Path, typer.Argument(help="a new folder")],
    base: Annotated[
        str, typer.Option(help="encoder to start from: folder or hub id (default: models/mini, else hfl/rbt3)")
    ] = "",
) -> None:
    """Starts a project with labels of your own: schema, twenty example rows, recipe, and what to do next."""
    from nlp.data.project import start_project

    start_project(folder, base or (CHECKOUT_BASE if Path(CHECKOUT_BASE).is_dir() else HUB_BASE))
    print(f"written: {folder}; go on with {folder / 'README.md'}")


@project_app.command("learn")
def learn(
    bundle: Annotated[Path, typer.Argument(help="model that shall know more topics")],
    examples: Annotated[Path, typer.Argument(help="JSONL with text and topic, eight a new topic or more")],
    output: NewFolder,
    known: Annotated[
        Path | None,
        typer.Option(help="JSONL of known topics, best not trained on (default: dev.jsonl of the model's data set)"),
    ] = None,
    name: Annotated[
        list[str] | None, typer.Option(help="display name, as in passport=护照; may be given several times")
    ] = None,
    about: Annotated[
        list[str] | None,
        typer.Option(help="what a new topic is about, as in passport=办理、换发、签注; may be given several times"),
    ] = None,
) -> None:
    """Adds topics from a few examples each, in seconds: the network stays as it is, and so do indexes made with it."""
    from nlp.data.corpus import parse_example, read_all
    from nlp.model.store import load_bundle

    try:
        from nlp.training.extend import learn_topics
    except ImportError as error:
        raise InputError(f'{error.name} is not installed: pip install "wenlu[train]"') from None

    rows = known or Path(load_bundle(bundle).manifest["recipe"]["data"]["path"]) / "dev.jsonl"
    if not rows.is_file():
        raise InputError(f"{rows}: no such file; name rows of the known topics with --known")
    new, old = (read_all(p, lambda row, path, n: parse_example({"id": str(n), **row}, path, n)) for p in (examples, rows))
    names, descriptions = _told(name, "--name"), _told(about, "--about")
    labels = [TopicLabel(topic, names.get(topic, topic), descriptions.get(topic, "")) for topic in names | descriptions]
    learnt = learn_topics(bundle, new, old, output, labels)
    print(json.dumps(learnt.to_dict(), ensure_ascii=False))
    print(f"{output}: fit its thresholds anew with `wenlu evaluate {output} {rows} --fit`", file=sys.stderr)


def _told(values: list[str] | None, option: str) -> dict[str, str]:
    """`topic=text` of an option → text by topic."""
    told = dict[str, str]()
    for value in values or ():
        topic, _, text = value.partition("=")
        if not topic or not text:
            raise InputError(f"{option} {value!r}: expected topic=text, as in passport=护照")
        told[topic] = text
    return told


@schema_app.command("migrate")
def migrate(
    source: Annotated[Path, typer.Argument(help="data set folder, or a bundle whose labels are only renamed")],
    plan: Annotated[Path, typer.Argument(help="TOML that says what is added, renamed, merged and split")],
    output: NewFolder,
    review: Annotated[Path | None, typer.Option(help="review.jsonl of an earlier run, mended by hand")] = None,
) -> None:
    """Adds, renames, merges and splits topics and types, and prints what changed."""
    from nlp.model.store import MANIFEST

    if (source / "schema.toml").exists():
        from nlp.data.relabel import REVIEW, relabel

        done = relabel(source, plan, output, review)
        print(done.report(), end="")
        if done.review:
            print(f"{output / REVIEW}: {done.review} rows to go through, then give it with --review", file=sys.stderr)
        if (output / "dataset.toml").exists():
            print(f"{output}: go on with `wenlu data build {output}`, for manifest and card", file=sys.stderr)
    elif (source / MANIFEST).exists():
        from nlp.renaming import rename_labels

        migration = rename_labels(source, plan, output)
        print("\n".join(f"- {change}" for change in (*migration.plan.topics, *migration.plan.types)))
    else:
        raise InputError(f"{source}: neither a data set (schema.toml) nor a bundle ({MANIFEST})")


@schema_app.command("compare")
def compare_bundles(
    old: Annotated[Path, typer.Argument(help="bundle with the old labels")],
    new: Annotated[Path, typer.Argument(help="bundle with the new labels")],
    plan: Annotated[Path, typer.Argument(help="the plan that leads from one to the other")],
    gold: Annotated[Path, typer.Argument(help="gold JSONL under the new labels")],
) -> None:
    """Compares a model with its successor on a fixed test set, label by label."""
    from nlp.renaming import compare

    print(compare(old, new, plan, gold), end="")
