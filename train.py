"""One recipe in, one model out.

    python train.py models/policy/train.toml                          joint model → bundle in models/policy/
    python train.py models/mini/pretrain.toml                         character encoder → models/mini/
    python train.py models/policy/train.toml --cross-validate 5       mean and spread over folds, no bundle
    python train.py models/policy/train.toml --learning-curve 4       figures by rows trained on, kept with the bundle
    python train.py models/policy/train.toml --set train.lr=3e-5 --output mine --work work/mine
    torchrun --nproc-per-node 4 train.py models/policy/train.toml     several GPUs

A stopped run goes on from its last checkpoint when the same command is given again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from nlp.config import BasePlan, Recipe, load_plan
from nlp.errors import RecipeError, WenluError


def main(
    recipe: Annotated[Path, typer.Argument(help="train.toml or pretrain.toml")],
    overrides: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, over the recipe")] = None,
    output: Annotated[Path | None, typer.Option(help="folder of the result (default: where the recipe is)")] = None,
    work: Annotated[Path | None, typer.Option(help="folder of checkpoints (default: work/<name>-<recipe>)")] = None,
    resume: Annotated[bool, typer.Option(help="go on from the last checkpoint")] = True,
    threads: Annotated[int, typer.Option(help="CPU threads (0: all cores)")] = 0,
    folds: Annotated[int, typer.Option("--cross-validate", help="train on so many folds and print mean and spread")] = 0,
    parts: Annotated[int, typer.Option("--learning-curve", help="train on so many parts, each twice as large as the last")] = 0,
) -> None:
    """Trains what the recipe describes."""
    try:
        plan = load_plan(recipe, overrides or [])
        place = work or Path("work") / f"{plan.name}-{recipe.stem}"
        if folds:
            cross_validate(plan, folds, place, resume, threads)
        elif parts:
            learning_curve(plan, parts, output or recipe.parent, place, resume, threads)
        else:
            train(plan, output or recipe.parent, place, resume, threads)
    except WenluError as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(2) from None


def train(plan: Recipe | BasePlan, output: Path, work: Path, resume: bool, threads: int) -> None:
    """Runs the job of a plan; the heavy libraries load only now, after the recipe has been found valid."""
    _set_up(threads)
    if isinstance(plan, BasePlan):
        from nlp.training.pretrain import pretrain

        pretrain(plan, output, work, resume)
    else:
        from nlp.training.finetune import finetune

        finetune(plan, output, work, resume)
    typer.echo(f"written: {output}")


def cross_validate(plan: Recipe | BasePlan, folds: int, work: Path, resume: bool, threads: int) -> None:
    """Prints mean and spread of a recipe's figures over folds of its data set."""
    if isinstance(plan, BasePlan):
        raise RecipeError("--cross-validate: expected the recipe of a joint model, a pretraining has no labels")
    _set_up(threads)
    from nlp.training.crossvalidate import cross_validate

    for name, figure in cross_validate(plan, folds, work, resume).summary().items():
        typer.echo(f"{name}: {figure['mean']:.4f} ± {figure['spread']:.4f}")


def learning_curve(plan: Recipe | BasePlan, parts: int, output: Path, work: Path, resume: bool, threads: int) -> None:
    """Prints the figures of a recipe by the rows it is trained on; a bundle at `output` gets them for its reports."""
    if isinstance(plan, BasePlan):
        raise RecipeError("--learning-curve: expected the recipe of a joint model, a pretraining has no labels")
    _set_up(threads)
    from nlp.model.store import MANIFEST, attach
    from nlp.training.learning import learning_curve

    points = learning_curve(plan, parts, work, resume)
    for point in points:
        typer.echo("  ".join(f"{name} {figure:g}" for name, figure in point.items()))
    kept = output / MANIFEST
    if kept.exists() and json.loads(kept.read_text(encoding="utf-8")).get("recipe") == json.loads(json.dumps(plan.to_dict())):
        attach(output, learning=points)
        typer.echo(f"kept: {kept}")
    else:
        typer.echo(f"not kept: no bundle of this very recipe at {output}")


def _set_up(threads: int) -> None:
    import torch

    torch.set_flush_denormal(True)  # tiny numbers cost a CPU hundreds of cycles each
    if threads:
        torch.set_num_threads(threads)


if __name__ == "__main__":
    typer.run(main)
