"""A model, gold rows, perhaps a second model and a target → the evaluation that `wenlu evaluate` shows and writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from nlp.analyzer import Analyzer
from nlp.config import load_schema
from nlp.data.corpus import read_examples
from nlp.errors import InputError
from nlp.evaluation.acceptance import Fit, Target, fit_thresholds
from nlp.evaluation.bootstrap import differences
from nlp.evaluation.metrics import evaluate
from nlp.evaluation.report import Candidate, Evaluation
from nlp.evaluation.thresholds import TopicThresholds
from nlp.model.store import attach
from nlp.schema import Analysis, Example, LabelSchema

BASELINE = "baseline:"


@dataclass(frozen=True, slots=True)
class Predictor:
    """Something that analyses texts: a bundle, or the baseline, which has no manifest."""

    name: str
    labels: LabelSchema
    predict: Callable[[Sequence[str]], Iterable[Analysis]]
    manifest: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, model: str, reference: date | None = None) -> Predictor:
        """Loads a bundle folder, or trains the baseline of `baseline:DATASET`; relative dates count from `reference`.

        Raises:
            WenluError: The folder is missing or damaged.
        """
        if not model.startswith(BASELINE):
            analyzer = Analyzer.from_pretrained(model, reference=reference)
            return cls(Path(model).name, analyzer.labels, analyzer.pipe, analyzer.bundle.manifest)
        from nlp.training.baseline import Baseline

        folder = Path(model.removeprefix(BASELINE))
        labels = load_schema(folder / "schema.toml")
        baseline = Baseline(read_examples(folder / "train.jsonl", labels), labels, reference)
        return cls("baseline", labels, baseline.analyze)

    def candidate(self, gold: Sequence[Example]) -> Candidate:
        """Analyses the rows and counts what is right."""
        predicted = list(self.predict([example.text for example in gold]))
        return Candidate(self.name, predicted, evaluate(gold, predicted, self.labels.out_of_scope()))


def assess(
    model: str, data: Path, against: str | None = None, target: Target | None = None, reference: date | None = None
) -> Evaluation:
    """Evaluates a model on gold rows.

    Args:
        model: Bundle folder, or `baseline:DATASET`.
        data: Gold JSONL.
        against: A second model to compare with.
        target: Fits thresholds to it on these rows and keeps them in the bundle; None takes those kept there.
        reference: The day that relative dates count from in the gold values, None where they have no such values.

    Raises:
        WenluError: A model or the rows cannot be used, or thresholds are to be fitted for a model that is no bundle.
    """
    predictor = Predictor.load(model, reference)
    if target and not predictor.manifest:
        raise InputError(f"{model}: thresholds are kept in the manifest of a bundle, and this is none; give a bundle folder")
    gold = read_examples(data, predictor.labels)
    candidate = predictor.candidate(gold)
    fit = fit_thresholds(gold, candidate.predicted, predictor.labels.out_of_scope(), target) if target else None
    rival = _unlike(candidate, Predictor.load(against, reference).candidate(gold)) if against else None
    if fit:  # last of all that may fail
        attach(Path(model), thresholds=fit.to_dict())
    thresholds, kept = _thresholds(fit, predictor.manifest)
    return Evaluation(
        data=data.name,
        gold=gold,
        labels=predictor.labels,
        model=candidate,
        rival=rival,
        differences=differences(gold, candidate.predicted, rival.predicted, predictor.labels.out_of_scope()) if rival else (),
        thresholds=thresholds,
        target=kept,
        fit=fit,
        history=predictor.manifest.get("history", ()),
        learning=predictor.manifest.get("learning", ()),
    )


def _thresholds(fit: Fit | None, manifest: Mapping[str, Any]) -> tuple[TopicThresholds | None, Target | None]:
    """The thresholds in force, with the target they were fitted to."""
    if fit:
        return fit.thresholds, fit.target
    kept = manifest.get("thresholds")
    return (TopicThresholds.from_dict(kept), Target(**kept["target"])) if kept else (None, None)


def _unlike(model: Candidate, rival: Candidate) -> Candidate:
    """The rival under a name that differs from the model's."""
    return rival if rival.name != model.name else Candidate(f"{rival.name} (2)", rival.predicted, rival.report)
