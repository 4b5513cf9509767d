from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from nlp.evaluation.metrics import auroc, calibration_bins, calibration_error, evaluate
from nlp.schema import Analysis, Entity, Example, RegionValue, TopicScore

GOLD = [
    Example(
        "1",
        "北海医保",
        "a",
        ("b",),
        (Entity(0, 2, "region", "insured", RegionValue((), ("450500",))), Entity(2, 4, "insurance")),
    ),
    Example("2", "工资", "b"),
    Example("3", "答复", None, (), (Entity(0, 2, "benefit"),)),
]
PREDICTED = [
    Analysis(
        "北海医保",
        (TopicScore("b", 0.8), TopicScore("a", 0.2)),
        (Entity(0, 2, "region", "care", RegionValue((), ("450500",))),),
    ),
    Analysis("工资", (TopicScore("b", 0.9), TopicScore("a", 0.1)), (Entity(0, 2, "benefit"),)),
    Analysis("答复", (TopicScore("a", 1.0),), (Entity(0, 2, "benefit"),)),
]


def test_what_no_row_can_tell_is_unknown_not_zero() -> None:
    known = {name for name, value in evaluate(GOLD[2:], PREDICTED[2:]).to_dict().items() if value not in (None, {})}
    assert known == {"rows", "entity_f1", "entity_f1_by_type"}
    assert evaluate([], []).entity_f1 is None
    unwanted = Analysis("工资", PREDICTED[1].topics, (Entity(0, 2, "region", "care"),))
    assert evaluate([GOLD[1]], [unwanted]).entity_f1 == 0.0


def test_figures_by_hand() -> None:
    report = evaluate(GOLD, PREDICTED)
    assert report.topic_accuracy == 0.5
    assert report.topic_accuracy_lenient == 1.0
    assert report.entity_f1 == pytest.approx(2 * 2 / (3 + 3))
    assert report.role_accuracy == 0.0
    assert report.value_accuracy == 1.0
    assert report.confusions == {}
    assert report.types["benefit"].f1 == pytest.approx(2 / 3)


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="shorter"):
        evaluate(GOLD, PREDICTED[:2])


def test_calibration_error() -> None:
    assert calibration_error([0.75] * 4, [True, True, True, False], bins=1) == pytest.approx(0)
    assert calibration_error([1.0] * 4, [False] * 4, bins=2) == pytest.approx(1)
    assert calibration_error([], []) == 0


def test_bins_are_of_equal_mass() -> None:
    assert calibration_bins([0.9, 0.1, 0.8, 0.3], [True, False, False, True], bins=2) == [
        (pytest.approx(0.2), 0.5, 2),
        (pytest.approx(0.85), 0.5, 2),
    ]


@given(st.lists(st.sampled_from((0.0, 0.25, 0.3, 1.0)), min_size=1), st.lists(st.sampled_from((0.0, 0.3, 0.7)), min_size=1))
def test_auroc_is_that_of_scikit_learn(positive: list[float], negative: list[float]) -> None:
    labels = [1] * len(positive) + [0] * len(negative)
    assert auroc(positive, negative) == pytest.approx(roc_auc_score(labels, [*positive, *negative]))


def test_out_of_scope_counts_only_clear_rows() -> None:
    report = evaluate(GOLD, PREDICTED, "a")  # row 1 is out of scope at 0.2, row 2 in scope at 0.1, row 3 has no topic
    assert report.out_of_scope_auroc == 1.0
    assert evaluate(GOLD, PREDICTED, "b").out_of_scope_auroc is None  # row 1 may be either
    assert evaluate(GOLD, PREDICTED).out_of_scope_auroc is None


def test_the_scorer_agrees(shared: Path, tmp_path: Path) -> None:
    for name, rows in (
        ("gold", [e.to_dict() for e in GOLD]),
        ("pred", [{"id": g.id, **p.to_dict()} for g, p in zip(GOLD, PREDICTED, strict=True)]),
    ):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    command = [
        sys.executable,
        str(shared / "tools/score.py"),
        "gold",
        str(tmp_path / "gold.jsonl"),
        str(tmp_path / "pred.jsonl"),
    ]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    theirs = dict(line.split()[:2] for line in printed.splitlines())
    ours = evaluate(GOLD, PREDICTED).to_dict()
    for name in ("topic_accuracy", "topic_accuracy_lenient", "topic_macro_f1", "topic_ece", "entity_f1", "role_accuracy"):
        assert float(theirs[name]) == pytest.approx(ours[name], abs=1e-4), name
