"""Recipe and data set → trained joint model → bundle."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import EvalPrediction, Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from nlp.config import Recipe, TokenRecipe, TrainRecipe, load_schema, schema_to_dict
from nlp.data.corpus import read_examples
from nlp.data.pairs import read_pairs
from nlp.errors import DataError, RecipeError
from nlp.model.alignment import TextEncoder, load_encoder, role_siblings, tag_names
from nlp.model.card import SCORE_PLOT, bundle_card
from nlp.model.decoding import best_path, decode_spans
from nlp.model.export import export_onnx, parity
from nlp.model.network import IGNORED, JointEncoder, JointOutput, LossWeights, checkpoint_folder, joint_loss, load_base
from nlp.model.runtime import OnnxRuntime
from nlp.model.store import (
    CONFIG,
    LABELS,
    ONNX,
    ONNX_INT8,
    PIECES,
    WEIGHTS,
    checksum,
    refuse_strangers,
    write_manifest,
    writing,
)
from nlp.model.vocabulary import character_lexicon, piece_tokenizer, read_vocabulary
from nlp.schema import Example, LabelSchema
from nlp.training.calibrate import calibrate
from nlp.training.checkpoints import begin, essence, history, traces
from nlp.training.contrast import PairSampler, tune_tokens, tune_vectors
from nlp.training.curves import draw_curves
from nlp.training.heads import warm_start
from nlp.training.ngrams import fit_ngrams
from nlp.training.pretrain import LengthGroupedTrainer, Teacher, run_arguments
from nlp.training.rows import Collator, TrainingRows
from nlp.training.variation import PlaceSwap

TOKEN_WIDTH = 48  # of a token vector, at most: 32 and 96 serve the ranker as well
LIBRARIES = ("torch", "transformers", "tokenizers", "onnxruntime", "numpy")


class JointTrainer(LengthGroupedTrainer):
    """The Trainer with the joint loss."""

    recipe: Recipe
    names: tuple[str, ...]
    siblings: Tensor

    def compute_loss(
        self,
        model: JointEncoder,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | None = None,
    ) -> Any:
        output = JointOutput(*model(inputs["ids"], inputs["mask"]))
        t = self.recipe.train
        loss = joint_loss(
            output,
            inputs["topic_targets"],
            inputs["tag_targets"],
            inputs.get("vector_targets"),
            siblings=self.siblings,
            weights=LossWeights(t.topic_weight, t.tag_weight, t.role_weight, t.vector_weight),
            smoothing=t.label_smoothing,
        )
        return (loss, {"topics": output.topics, "tags": output.tags}) if return_outputs else loss

    def prediction_step(self, model: Any, inputs: Any, prediction_loss_only: bool, ignore_keys: Any = None) -> Any:
        with torch.no_grad():
            loss, output = self.compute_loss(model, self._prepare_inputs(inputs), return_outputs=True)
        # Tag numbers, decoded as in use, instead of logits: a thousandth of the memory, and the F1 needs no more.
        targets = inputs["tag_targets"]
        tags = torch.zeros_like(targets)
        for row, logits in enumerate(output["tags"].float().cpu()):
            known = targets[row] != IGNORED
            tags[row, known] = torch.from_numpy(best_path(logits[known.cpu()].numpy(), self.names)).to(tags.device)
        return loss, (output["topics"], tags), (inputs["topic_targets"], targets)


class Patience(TrainerCallback):  # type: ignore[misc]  # the library ships no types
    """Ends a run that dev has not improved for so many epochs. It counts what was logged, so that a resumed run ends where it would have;
    the library's own callback begins anew."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        control.should_training_stop = out_of_patience(state.log_history, self.epochs)


def out_of_patience(logged: Iterable[Mapping[str, Any]], epochs: int) -> bool:
    """Whether the last `epochs` scores on dev are no better than one before them."""
    scores = [entry["eval_score"] for entry in logged if "eval_score" in entry]
    return bool(scores) and len(scores) - 1 - scores.index(max(scores)) >= epochs


def two_speed_optimizer(network: JointEncoder, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW with the recipe's `lr` for the encoder and `head_lr` for the fresh heads."""
    t = recipe.train
    parts: dict[bool, list[Tensor]] = {False: [], True: []}
    for name, weight in network.named_parameters():
        if weight.requires_grad:
            parts["_head." in name].append(weight)
    groups = [{"params": parts[False], "lr": t.lr}, {"params": parts[True], "lr": t.head_lr}]
    # One pass over all weights: plain steps took a fifth of a training on two cores.
    return torch.optim.AdamW(groups, lr=t.lr, weight_decay=t.weight_decay, fused=True)


def score_predictions(prediction: EvalPrediction, names: tuple[str, ...]) -> dict[str, float]:
    """Topic accuracy and span F1 of a dev pass, and `score`, their mean, by which the best checkpoint is chosen."""
    topics, tags = prediction.predictions
    topic_targets, tag_targets = prediction.label_ids
    labelled = topic_targets.sum(-1) > 0
    accuracy = float((topics.argmax(-1) == topic_targets.argmax(-1))[labelled].mean()) if labelled.any() else 0.0
    shared = total = 0
    for guess, gold in zip(tags, tag_targets, strict=True):
        known = gold != IGNORED
        found, wanted = ({s[:3] for s in decode_spans(_one_hot(t[known], len(names)), names)} for t in (guess, gold))
        shared += len(found & wanted)
        total += len(found) + len(wanted)
    f1 = 2 * shared / total if total else 0.0
    return {"topic_accuracy": accuracy, "span_f1": f1, "score": (accuracy + f1) / 2}


def _one_hot(tags: np.ndarray[Any, Any], size: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.asarray(10 * np.eye(size, dtype=np.float32)[tags], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Job:
    """All that a training run needs, made from a recipe."""

    recipe: Recipe
    schema: LabelSchema
    encoder: TextEncoder
    network: JointEncoder
    splits: dict[str, list[Example]]
    calibration: list[Example]
    pairs: PairSampler | None

    @classmethod
    def prepare(cls, recipe: Recipe) -> Job:
        """Reads data and base, all of them before the first step: an error after hours would cost the run.

        Raises:
            RecipeError, DataError, InputError, BundleError: See what the message names.
        """
        folder = Path(recipe.data.path)
        schema = load_schema(folder / "schema.toml")
        splits = {name: read_examples(folder / f"{name}.jsonl", schema) for name in ("train", "dev", "test")}
        for extra in recipe.data.extra_train:
            splits["train"] += read_examples(Path(extra), schema)
        for name, examples in splits.items():
            if not examples:
                raise DataError(folder / f"{name}.jsonl", 1, "", "no rows; each split needs some, dev and test to measure on")
        calibration = [e for path in recipe.data.calibration for e in read_examples(Path(path), schema)]
        pairs = PairSampler(read_pairs(Path(recipe.data.pairs))) if recipe.data.pairs else None
        encoder, rows = _tokens(checkpoint_folder(recipe.base.path, "base.path"), recipe.tokens)
        torch.manual_seed(recipe.train.seed)
        t = recipe.train
        sizes = len(schema.topics), len(tag_names(schema))
        base = load_base(recipe.base, rows)
        tokens = min(TOKEN_WIDTH, base.config.hidden_size) if pairs else 0
        network = JointEncoder(base, *sizes, t.dropout, t.ngrams, tokens)
        if recipe.base.heads:
            warm_start(network, schema, [Path(folder) for folder in recipe.base.heads])
        longest = network.encoder.longest
        if recipe.tokens.max_length > longest:
            raise RecipeError(
                f"tokens.max_length = {recipe.tokens.max_length}: {recipe.base.path} has {longest} positions, expected at most that"
            )
        return cls(recipe, schema, encoder, network, splits, calibration, pairs)


def _tokens(base: Path, recipe: TokenRecipe) -> tuple[TextEncoder, tuple[int, ...] | None]:
    """The tokenizers for a base, and the rows of its embedding to keep."""
    if recipe.unit == "piece":
        if (base / PIECES).exists():
            raise RecipeError(f'tokens.unit = "piece": {base} carries its pieces on characters, expected "character"')
        return TextEncoder(piece_tokenizer(base), recipe.max_length, recipe.stride), None
    if (base / PIECES).exists():
        return load_encoder(base, recipe.max_length, recipe.stride), None
    lexicon = character_lexicon(read_vocabulary(base))
    return TextEncoder(lexicon.characters, recipe.max_length, recipe.stride), lexicon.rows


def finetune(recipe: Recipe, output: Path, work: Path, resume: bool) -> dict[str, Any]:
    """Trains, exports, calibrates and writes the bundle.

    Args:
        recipe: The recipe.
        output: Folder of the bundle, replaced as a whole at the end.
        work: Folder for checkpoints; they survive a stop.
        resume: Go on from the last checkpoint under `work`.

    Returns:
        The facts that went into the manifest.
    """
    refuse_strangers(output)
    job = Job.prepare(recipe)
    t = recipe.train
    data = _data_files(recipe, job.splits)
    made_of = traces(Path(recipe.data.path) / "schema.toml", recipe.base.path, *recipe.base.heads, t.teacher)
    going_on = begin(work, {"recipe": essence(recipe.to_dict()), "data": data, "made_of": made_of}, resume)
    trainer, train, dev = _trainer(job, work)
    if going_on and out_of_patience(history(work), t.patience):
        trainer.args.num_train_epochs = math.floor(
            history(work)[-1]["epoch"]
        )  # as many as there were: the best of them is taken
    if t.epochs:
        trainer.train(resume_from_checkpoint=True if going_on else None)
    scores = [entry for entry in trainer.state.log_history if "eval_score" in entry]
    if job.network.ngram_head is not None:
        topical = [row for row in train.rows if row.topic.any()]
        fit_ngrams(job.network.ngram_head, [row.ids for row in topical], [int(row.topic.argmax()) for row in topical])
    test = TrainingRows(job.splits["test"], job.encoder, job.schema, t.also_share)
    metrics = {name: _scores(trainer, rows) for name, rows in (("dev", dev), ("test", test))}
    # Mixed precision wraps the forward pass; the export wants the bare network.
    network = trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False).eval().cpu().float()
    if job.pairs is not None:
        tune_vectors(network, job.encoder, job.pairs, t.pair_steps, t.seed)
        tune_tokens(network, job.encoder, job.pairs, t.pair_steps, t.seed)
    facts = {
        "name": recipe.name,
        "recipe": recipe.to_dict(),
        "data": data,
        "rows": {name: len(rows) for name, rows in job.splits.items()},
        "entities_lost": {"train": train.lost, "dev": dev.lost},
        "libraries": {name: metadata.version(name) for name in LIBRARIES},
        "tokens": {"max_length": recipe.tokens.max_length, "stride": recipe.tokens.stride},
        "metrics": metrics,
        "history": scores,
    }
    if trainer.is_world_process_zero():
        write_bundle(job, network, facts, output)
    return facts


def _trainer(job: Job, work: Path) -> tuple[JointTrainer, TrainingRows, TrainingRows]:
    """What trains the network of a job, and its rows for training and for dev."""
    t = job.recipe.train
    teacher = _teacher(job.recipe, job)
    swap, chance = PlaceSwap(job.splits["train"], job.schema.place_types()), random.Random(t.seed)
    variants = [[swap(example, chance) for example in job.splits["train"]] for _ in range(t.variants)]
    train = TrainingRows(job.splits["train"], job.encoder, job.schema, t.also_share, teacher, variants, t.masking)
    dev = TrainingRows(job.splits["dev"], job.encoder, job.schema, t.also_share)
    names = tag_names(job.schema)
    trainer = JointTrainer(
        model=job.network,
        args=_arguments(t, work),
        train_dataset=train,
        eval_dataset=dev,
        data_collator=Collator(job.encoder.pad),
        compute_metrics=lambda prediction: score_predictions(prediction, names),
        callbacks=[Patience(t.patience)],
        optimizers=(two_speed_optimizer(job.network, job.recipe), None),
    )
    trainer.recipe, trainer.names = job.recipe, names
    trainer.siblings = torch.from_numpy(role_siblings(names)).to(trainer.args.device)
    return trainer, train, dev


def _teacher(recipe: Recipe, job: Job) -> Teacher | None:
    t = recipe.train
    if not (t.teacher and t.vector_weight):
        return None
    teacher = Teacher(t.teacher, job.encoder, key="train.teacher")
    own, width = int(job.network.encoder.config.hidden_size), int(teacher.network.config.hidden_size)
    if own != width:
        raise RecipeError(
            f"train.teacher = {t.teacher!r}: its vectors have {width} numbers, those of {recipe.base.path} {own}; "
            'name another teacher, or none with --set train.teacher="" --set train.vector_weight=0'
        )
    return teacher


def _data_files(recipe: Recipe, splits: Iterable[str]) -> dict[str, str]:
    """Name → checksum of every file that was trained or measured on."""
    files = {name: Path(recipe.data.path) / f"{name}.jsonl" for name in splits}
    data = recipe.data
    files |= {extra: Path(extra) for extra in (*data.extra_train, *data.calibration, data.pairs) if extra}
    return {name: checksum(file) for name, file in files.items()}


def _scores(trainer: Trainer, rows: TrainingRows) -> dict[str, float]:
    scores = trainer.evaluate(rows)
    return {name: round(scores[f"eval_{name}"], 4) for name in ("topic_accuracy", "span_f1", "score")}


def _arguments(t: TrainRecipe, work: Path) -> TrainingArguments:
    own = {
        "num_train_epochs": t.epochs,
        "per_device_eval_batch_size": t.batch_size,
        "eval_strategy": "epoch",
        "save_strategy": "epoch",
        "load_best_model_at_end": True,
        "metric_for_best_model": "score",
        "greater_is_better": True,
        "logging_steps": 20,
        "ddp_broadcast_buffers": False,  # the n-gram table does not change in training
        "label_names": ["topic_targets", "tag_targets"],
    }
    return run_arguments(t, work, own)


def _samples(job: Job, rows: int, batch: int = 32) -> list[tuple[Tensor, Tensor]]:
    """Ids and masks of the first windows of some training texts, in batches."""
    encodings = job.encoder.encode([e.text for e in job.splits["train"][:rows]])
    windows = [window for window in job.encoder.windows(encodings) if window.start == 0]
    batches = (job.encoder.batch(encodings, windows[n : n + batch]) for n in range(0, len(windows), batch))
    return [(torch.from_numpy(ids), torch.from_numpy(mask)) for ids, mask in batches]


def write_bundle(job: Job, network: JointEncoder, facts: dict[str, Any], output: Path) -> None:
    """Exports the network, compares and calibrates it on dev, and writes the bundle folder in one step."""
    keep = job.recipe.export.files
    texts = [e.text for e in job.splits["dev"][: job.recipe.export.parity_rows]]
    with writing(output) as folder:
        export_onnx(network, folder, _samples(job, job.recipe.export.parity_rows))
        report = parity(network, folder, job.encoder, texts, tag_names(job.schema))
        serving = OnnxRuntime(folder / (ONNX_INT8 if "int8" in keep else ONNX))
        found = {
            "parity": report,
            "calibration": calibrate(serving, job.encoder, job.splits["dev"], job.schema, job.calibration),
        }
        for name, file in (("fp32", ONNX), ("int8", ONNX_INT8)):
            if name not in keep:
                (folder / file).unlink()
        if "weights" in keep:
            save_file({n: w.half().contiguous() for n, w in network.state_dict().items()}, str(folder / WEIGHTS))
        (folder / CONFIG).write_text(network.encoder.config.to_json_string(use_diff=False), encoding="utf-8")
        job.encoder.save(folder)
        labels = json.dumps(schema_to_dict(job.schema), ensure_ascii=False, indent=1)
        (folder / LABELS).write_text(labels + "\n", encoding="utf-8")
        if facts["history"]:
            draw_curves(facts["history"], ("eval_topic_accuracy", "eval_span_f1"), folder / SCORE_PLOT)
        (folder / "README.md").write_text(bundle_card({**facts, **found}), encoding="utf-8")
        write_manifest(folder, {**facts, **found})
