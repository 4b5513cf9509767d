"""A whole training job on a tiny random encoder, in the two layouts in which BERT-family checkpoints come."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from nlp.analyzer import Analyzer
from nlp.config import Recipe, load_plan
from nlp.data.corpus import write_rows
from nlp.data.markup import parse_marked
from nlp.data.pairs import Block, pairs_of
from nlp.errors import BundleError, RecipeError
from nlp.model.vocabulary import piece_tokenizer
from nlp.retrieval.interaction import interaction, pack

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
transformers = pytest.importorskip("transformers", reason="the extra `train` is not installed")
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LINES = [
    ("{兰州|r}医保在{西宁|c}能用吗", "medical"),
    ("{西宁|r}医保卡{兰州|c}住院", "medical"),
    ("老板拖欠工资两个月", "labour"),
    ("加班费不给怎么办", "labour"),
]
TAGS = {"r": "region:insured", "c": "region:care"}
SCHEMA = """
[topics.medical]
name = "医保"
[topics.labour]
name = "劳动"
[types.region]
name = "地区"
value = "region"
roles = ["insured", "care"]
"""


def data_set(folder: Path) -> Path:
    folder.mkdir()
    (folder / "schema.toml").write_text(SCHEMA, encoding="utf-8")
    rows = []
    for number, (line, topic) in enumerate(LINES * 6):
        text, entities = parse_marked(line, TAGS)
        rows.append({"id": str(number), "text": text, "topic": topic, "entities": [e.to_dict() for e in entities]})
    for split in ("train", "dev", "test"):
        write_rows(folder / f"{split}.jsonl", rows)
    return folder


def checkpoint(folder: Path, layout: str) -> Path:
    characters = sorted({c for line, _ in LINES for c in line if c not in "{}|rc"})
    tokens = [*SPECIALS, *characters]
    config = transformers.BertConfig(
        vocab_size=len(tokens),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    torch.manual_seed(1)
    transformers.BertModel(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(tokens), encoding="utf-8")
    if layout == "tokenizer.json":
        piece_tokenizer(folder).save(str(folder / "tokenizer.json"))
        (folder / "vocab.txt").unlink()
    return folder


def recipe_file(folder: Path, base: Path, data: Path, more: str = "") -> Path:
    path = folder / "recipe" / "train.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        f'name = "recipe"\n[base]\npath = "{base}"\n[data]\npath = "{data}"\n[tokens]\nmax_length = 32\nstride = 8\n'
        f"[train]\nepochs = 12\nbatch_size = 8\nlr = 5e-3\nhead_lr = 2e-2\npatience = 12\n{more}",
        encoding="utf-8",
    )
    return path


def train(recipe: Path, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "train.py",
        str(recipe),
        "--output",
        str(folder / "bundle"),
        "--work",
        str(folder / "work"),
        *options,
    ]
    root = Path(__file__).resolve().parents[2]
    return subprocess.run([*command, "--threads", "1"], cwd=root, capture_output=True, text=True, check=False)


def test_spans_are_scored_as_they_are_decoded_in_use() -> None:
    from nlp.model.network import IGNORED
    from nlp.training.finetune import JointTrainer, score_predictions

    names = ("O", "B-a", "I-a", "E-a", "S-a")
    tags = torch.full((1, 4, 5), -9.0)
    tags[0, 1, 1] = tags[0, 2, 4] = tags[0, 0, 2] = 2.0
    tags[0, 2, 3] = 1.9  # B S is likeliest by itself, but no span; B E is one, and hardly less likely
    tags[0, 3, 0] = 2.0
    inputs = {"topic_targets": torch.zeros(1, 1), "tag_targets": torch.tensor([[IGNORED, 1, 3, 0]])}
    trainer = SimpleNamespace(
        names=names,
        _prepare_inputs=lambda given: given,
        compute_loss=lambda *_, **__: (torch.zeros(()), {"topics": torch.zeros(1, 1), "tags": tags}),
    )
    _, found, gold = JointTrainer.prediction_step(trainer, None, inputs, False)
    assert found[1].tolist() == [[0, 1, 3, 0]]
    numbers = transformers.EvalPrediction([part.numpy() for part in found], [part.numpy() for part in gold])
    assert score_predictions(numbers, names)["span_f1"] == 1.0


@pytest.mark.parametrize(("layout", "precision"), [("vocab.txt", "bf16"), ("tokenizer.json", "fp32")])
def test_a_recipe_becomes_a_bundle_that_answers(tmp_path: Path, layout: str, precision: str) -> None:
    recipe = recipe_file(tmp_path, checkpoint(tmp_path / "base", layout), data_set(tmp_path / "data"))
    done = train(recipe, tmp_path, "--set", f"train.precision={precision}")
    assert done.returncode == 0, done.stderr[-2000:]
    analyzer = Analyzer.from_pretrained(tmp_path / "bundle", threads=1)
    manifest = json.loads((tmp_path / "bundle/manifest.json").read_text(encoding="utf-8"))
    assert manifest["entities_lost"] == {"train": 0, "dev": 0}
    assert manifest["parity"]["onnx/model.onnx"]["logit_gap"] < 1e-3
    assert manifest["recipe"]["train"]["lr"] == 5e-3
    assert analyzer("老板拖欠工资两个月").topic == "labour"
    analysis = analyzer("兰州医保在西宁能用吗")
    assert analysis.topic == "medical"
    assert [(e.start, e.end, e.role) for e in analysis.entities] == [(0, 2, "insured"), (5, 7, "care")]
    assert analysis.entities[0].value is not None
    check_pipe(analyzer)


def check_pipe(analyzer: Analyzer) -> None:
    texts = ["兰州医保在西宁能用吗", "", " \n", "a\ud800b\x00", "工资" * 300, "加班费不给怎么办"] * 3
    together = list(analyzer.pipe(texts, batch_size=4))
    assert [a.text for a in together] == texts
    for text, analysis in zip(texts, together, strict=True):
        alone = analyzer(text)
        assert (alone.topic, alone.entities[:0]) == (analysis.topic, analysis.entities[:0])
        assert sum(t.probability for t in analysis.topics) == pytest.approx(1, abs=1e-4)
        assert analysis.vector is not None
        assert np.isfinite(analysis.vector).all()
        assert all(0 <= e.start < e.end <= len(text) for e in analysis.entities)


def test_question_pairs_shape_the_vectors(tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    blocks = [(1, LINES[0], LINES[1]), (2, LINES[2], LINES[3])]
    plain = [Block(n, parse_marked(a[0], TAGS)[0], (parse_marked(b[0], TAGS)[0],), ()) for n, a, b in blocks]
    blank = Block(9, " ", ("\u3000",), ())  # nobody asks so, but a file may hold it, and hours of training are not to end there
    write_rows(
        file, [pair.to_dict() for block in (*plain, blank) for pair in pairs_of(block, None, None, f"g{block.line}", "train")]
    )
    recipe = recipe_file(tmp_path, checkpoint(tmp_path / "base", "vocab.txt"), data_set(tmp_path / "data"))
    done = train(recipe, tmp_path, "--set", f"data.pairs={file}", "--set", "train.epochs=4")
    assert done.returncode == 0, done.stderr[-2000:]
    manifest = json.loads((tmp_path / "bundle/manifest.json").read_text(encoding="utf-8"))
    assert set(manifest["data"]) == {"train", "dev", "test", str(file)}
    texts = [block.question for block in plain] + [block.paraphrases[0] for block in plain]
    analyses = list(Analyzer.from_pretrained(tmp_path / "bundle", threads=1).pipe(texts))
    vectors = np.stack([a.vector for a in analyses])
    by_tokens = np.stack([interaction(a.tokens, [pack(b.tokens) for b in analyses[2:]]) for a in analyses[:2]])
    for closeness in (vectors[:2] @ vectors[2:].T, by_tokens):
        assert closeness.diagonal().min() > closeness[[0, 1], [1, 0]].max()


def test_a_stopped_run_goes_on(tmp_path: Path) -> None:
    recipe = recipe_file(tmp_path, checkpoint(tmp_path / "base", "vocab.txt"), data_set(tmp_path / "data"))
    assert train(recipe, tmp_path, "--set", "train.epochs=2").returncode == 0
    first = sorted(p.name for p in (tmp_path / "work").glob("checkpoint-*"))
    assert train(recipe, tmp_path, "--set", "train.epochs=4").returncode == 0
    second = json.loads((tmp_path / "bundle/manifest.json").read_text(encoding="utf-8"))
    assert [round(entry["epoch"]) for entry in second["history"]] == [1, 2, 3, 4]
    assert first[-1] == "checkpoint-6"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--set", "base.path=/no/such/folder"], "base.path"),
        (["--set", "base.layers=9"], "base.layers = 9"),
        (["--set", "data.pairs=/no/such/pairs.jsonl"], "/no/such/pairs.jsonl"),
        (["--set", "tokens.max_length=128"], "tokens.max_length = 128"),
        (["--set", "train.epochs=many"], "train.epochs: expected float"),
    ],
)
def test_a_wrong_recipe_ends_in_one_line(
    tmp_path: Path, change: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    recipe = recipe_file(tmp_path, checkpoint(tmp_path / "base", "vocab.txt"), data_set(tmp_path / "data"))
    done = train(recipe, tmp_path, *change)
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_fresh_weights_and_fewer_layers(tmp_path: Path) -> None:
    from nlp.training.finetune import Job

    recipe = recipe_file(tmp_path, checkpoint(tmp_path / "base", "vocab.txt"), data_set(tmp_path / "data"))
    plan = load_plan(recipe, ["base.layers=1", "base.random=true"])
    assert isinstance(plan, Recipe)
    assert len(Job.prepare(plan).network.encoder.body.encoder.layer) == 1


def test_a_teacher_of_another_width_is_refused(tmp_path: Path) -> None:
    from nlp.training.finetune import Job, _teacher

    from .test_pretrain import checkpoint as narrow

    teacher = narrow(tmp_path / "teacher", [])
    recipe = recipe_file(tmp_path, checkpoint(tmp_path / "base", "vocab.txt"), data_set(tmp_path / "data"))
    plan = load_plan(recipe, [f"train.teacher={teacher}", "train.vector_weight=1.0"])
    assert isinstance(plan, Recipe)
    with pytest.raises(RecipeError, match=r"its vectors have 16 numbers, those of .* 32"):
        _teacher(plan, Job.prepare(plan))


def test_errors_are_of_the_package(tmp_path: Path) -> None:
    from nlp.training.finetune import Job

    recipe = recipe_file(tmp_path, checkpoint(tmp_path / "base", "vocab.txt"), data_set(tmp_path / "data"))
    for change in ("base.layers=9", "tokens.max_length=128"):
        plan = load_plan(recipe, [change])
        assert isinstance(plan, Recipe)
        with pytest.raises((BundleError, RecipeError)):
            Job.prepare(plan)


def test_patience_counts_what_was_logged() -> None:
    from nlp.training.finetune import out_of_patience

    logged = [{"loss": 1.0}, *({"eval_score": score} for score in (0.5, 0.6, 0.6, 0.4))]
    assert [out_of_patience(logged, epochs) for epochs in (1, 2, 3)] == [True, True, False]
    assert not out_of_patience([], 1)
    assert not out_of_patience(logged[:3], 1)


def test_a_run_that_ran_out_of_patience_is_not_trained_on(tmp_path: Path) -> None:
    recipe = recipe_file(tmp_path, checkpoint(tmp_path / "base", "vocab.txt"), data_set(tmp_path / "data"))
    options = ("--set", "train.epochs=4", "--set", "train.patience=1", "--set", "train.lr=0.0", "--set", "train.head_lr=0.0")
    assert train(recipe, tmp_path, *options).returncode == 0
    first = json.loads((tmp_path / "bundle/manifest.json").read_text(encoding="utf-8"))["history"]
    assert train(recipe, tmp_path, *options).returncode == 0
    assert json.loads((tmp_path / "bundle/manifest.json").read_text(encoding="utf-8"))["history"] == first
    assert [entry["epoch"] for entry in first] == [1.0, 2.0], "the second pass was no better than the first"


def test_an_empty_split_is_refused(tmp_path: Path) -> None:
    data = data_set(tmp_path / "data")
    (data / "test.jsonl").write_text("", encoding="utf-8")
    done = train(recipe_file(tmp_path, checkpoint(tmp_path / "base", "vocab.txt"), data), tmp_path)
    assert (done.returncode, "test.jsonl:1: no rows" in done.stderr) == (2, True)
