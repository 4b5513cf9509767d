"""Encoders side by side: sentence similarity without training, tags and topics after a fixed training, masked characters, size, speed.

    python bench/encoders.py pairs --encoder models/mini --encoder TEACHER:query --pairs lcqmc_dev.jsonl
    python bench/encoders.py tags --encoder models/mini --train cluener_train.jsonl --dev cluener_dev.jsonl --seeds 3
    python bench/encoders.py questions --encoder models/mini --data datasets/policy_questions --dev questions.jsonl --seeds 3
    python bench/encoders.py masked --encoder models/mini --train questions_train.jsonl --dev questions_test.jsonl
    python bench/encoders.py speed --encoder models/mini

An encoder is a folder that a recipe can name as its base, with `:random` for random weights of its shape, `:piece` for its own pieces
instead of characters, and `:query` for pieces and the prefix that E5 encoders expect. Pairs are rows of `a`, `b`, `label`; tags are rows
of `text` and `entities`. Each result is a JSON line and is appended to bench/results/encoders.jsonl: a measure over more seeds goes on
from those that stand there for the same weights and settings.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import hashlib
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from transformers import BertConfig, BertModel

from nlp.analyzer import Analyzer
from nlp.config import BaseRecipe, DataRecipe, ExportRecipe, PretrainRecipe, Recipe, TokenRecipe, TrainRecipe, load_schema
from nlp.data.corpus import read_examples
from nlp.evaluation.metrics import evaluate
from nlp.model.alignment import TextEncoder, load_encoder
from nlp.model.export import export_onnx
from nlp.model.network import IGNORED, JointEncoder, TokenEncoder, load_base, mean_pool
from nlp.model.runtime import OnnxRuntime
from nlp.model.store import ONNX, ONNX_INT8, PIECES
from nlp.model.vocabulary import character_lexicon, piece_tokenizer, read_vocabulary
from nlp.text.segment import split
from nlp.training.pretrain import MaskedEncoder, MaskingCollator, build_corpus

RESULTS = Path(__file__).resolve().parent / "results" / "encoders.jsonl"
QUESTION = "北京医保卡在河北住院能直接结算吗，需要先备案么，报销比例是多少啊"  # 32 characters
FIXED = TrainRecipe(
    epochs=10, batch_size=32, lr=3e-4, head_lr=1e-3, dropout=0.1, topic_weight=0.0, patience=9, precision="bf16"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=list(MEASURES))
    parser.add_argument("--encoder", action="append", required=True)
    parser.add_argument("--pairs", type=Path, action="append", default=[])
    parser.add_argument("--rows", type=int, default=0, help="read only so many rows")
    parser.add_argument("--train", type=Path)
    parser.add_argument("--dev", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--lr", type=float, default=FIXED.lr, help="peak learning rate of the fine-tuning")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    for name in options.encoder:
        about = {"what": options.what, "encoder": name, "weights": fingerprint(name)}
        for row in MEASURES[options.what](name, options):
            record({**about, **row})


def fingerprint(name: str) -> str:
    """Beginning of the SHA-256 of the weights of an encoder."""
    return hashlib.sha256((Path(name.partition(":")[0]) / "model.safetensors").read_bytes()).hexdigest()[:12]


def recorded() -> list[dict[str, Any]]:
    return [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()] if RESULTS.exists() else []


def record(row: dict[str, Any]) -> None:
    """Prints a result, and keeps it where it is new and no summary of others."""
    print(json.dumps(row), flush=True)
    if "seeds" not in row and row not in recorded():
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def load(name: str) -> tuple[TokenEncoder, TextEncoder, str]:
    """Network, tokenizers and prefix of an encoder."""
    path, _, kind = name.partition(":")
    folder = Path(path)
    prefix = "query: " if kind == "query" else ""
    base = BaseRecipe(path, random=kind == "random")
    if kind in ("piece", "query"):
        return load_base(base).eval(), TextEncoder(piece_tokenizer(folder), 512, 0), prefix
    if (folder / PIECES).exists():
        return load_base(base).eval(), load_encoder(folder, 512, 0), prefix
    lexicon = character_lexicon(read_vocabulary(folder))
    return load_base(base, lexicon.rows).eval(), TextEncoder(lexicon.characters, 512, 0), prefix


def similarity(name: str, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Spearman's correlation of the cosine of two sentences with the label, without any training on pairs."""
    network, encoder, prefix = load(name)
    for path in options.pairs:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").removesuffix("\n").split("\n")][
            : options.rows or None
        ]
        left, right = (vectors(network, encoder, [prefix + row[side] for row in rows]) for side in "ab")
        found = spearmanr((left * right).sum(-1).numpy(), [int(row["label"]) for row in rows])
        yield {"pairs": path.stem, "rows": len(rows), "spearman": round(float(found.statistic), 4)}


@torch.inference_mode()
def vectors(network: TokenEncoder, encoder: TextEncoder, texts: Sequence[str], batch: int = 64) -> torch.Tensor:
    """Unit vectors (texts, width)."""
    order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
    found = torch.empty(len(texts), int(network.config.hidden_size))
    for first in range(0, len(order), batch):
        numbers = order[first : first + batch]
        encodings = encoder.encode([texts[n] for n in numbers])
        windows = [window for window in encoder.windows(encodings) if window.start == 0]
        ids, mask = map(torch.from_numpy, encoder.batch(encodings, windows))
        found[numbers] = torch.nn.functional.normalize(mean_pool(network(ids, mask), mask), dim=-1)
    return found


def tagging(name: str, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Span F1 on `--dev` after the same fine-tuning on `--train` for every encoder: mean and spread over seeds."""
    train = dataclasses.replace(FIXED, lr=options.lr)

    def once(seed: int, folder: Path) -> dict[str, Any]:
        data = tagging_set(folder / "data", options.train, options.dev, options.rows)
        facts = tuned(name, data, dataclasses.replace(train, seed=seed), folder)
        return {"f1": facts["metrics"]["dev"]["span_f1"], "lost": facts["entities_lost"]["dev"]}

    yield from over_seeds(name, options, train, once)


def asking(name: str, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Topic accuracy and entity F1 on the questions of `--dev` after the same training on the data set `--data` for every encoder."""
    schema = load_schema(options.data / "schema.toml")
    gold = read_examples(options.dev, schema)
    train = dataclasses.replace(FIXED, lr=options.lr, epochs=5, topic_weight=2.0, tag_weight=4.0, role_weight=1.0)

    def once(seed: int, folder: Path) -> dict[str, Any]:
        tuned(name, options.data, dataclasses.replace(train, seed=seed), folder)
        analyzer = Analyzer.from_pretrained(folder / "bundle", threads=options.threads)
        report = evaluate(gold, list(analyzer.pipe(e.text for e in gold)), schema.out_of_scope()).to_dict()
        return {key: report[key] for key in ("topic_accuracy", "entity_f1", "role_accuracy")}

    yield from over_seeds(name, options, train, once)


def over_seeds(
    name: str, options: argparse.Namespace, train: TrainRecipe, once: Callable[[int, Path], dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """A row a seed, from an earlier run where there is one, then mean and spread over them."""
    data = {"data": options.data.name} if options.data else {"train": options.train.stem}
    files = [file for file in (options.train, options.dev, options.data and options.data / "train.jsonl") if file]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
    settings = {"rows": options.rows, "epochs": train.epochs, "lr": train.lr}
    about = {**data, "on": options.dev.stem, "files": digest, **settings}
    same = {"what": options.what, "weights": fingerprint(name), **about}
    earlier = {row["seed"]: row for row in recorded() if row["encoder"] == name and same.items() <= row.items()}
    scores = []
    for seed in range(options.seeds):
        if seed in earlier:
            scores.append({key: value for key, value in earlier[seed].items() if key not in same})
        else:
            with tempfile.TemporaryDirectory() as folder:
                scores.append({"seed": seed, **once(seed, Path(folder))})
        yield {**about, **scores[-1]}
    yield {**about, "seeds": len(scores), **spread(scores)}


def tuned(name: str, data: Path, train: TrainRecipe, folder: Path) -> dict[str, Any]:
    """Trains a joint model over the encoder and writes its bundle to `folder`/bundle; the facts of the run."""
    from nlp.training.finetune import finetune

    path, _, kind = name.partition(":")
    unit: Literal["piece", "character"] = "piece" if kind in ("piece", "query") else "character"
    base, tokens = BaseRecipe(path, random=kind == "random"), TokenRecipe(unit, 128, 32)
    recipe = Recipe("bench", base, DataRecipe(str(data)), tokens, train, ExportRecipe(("int8",), 50))
    return finetune(recipe, folder / "bundle", folder / "work", resume=False)


def spread(scores: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Mean of each figure over the seeds, and its standard deviation."""
    found = {}
    for key in scores[0].keys() - {"seed", "encoder", "lost"}:
        values = [score[key] for score in scores if score[key] is not None]  # no roles in the gold rows, as an example
        if not values:
            continue
        found[key] = round(statistics.mean(values), 4)
        found[f"{key}_spread"] = round(statistics.stdev(values) if len(values) > 1 else 0.0, 4)
    return found


def tagging_set(folder: Path, train: Path, dev: Path, most: int) -> Path:
    """Writes rows of `text` and `entities` as a data set of one topic; the same rows stand for dev and test."""
    folder.mkdir()
    kinds: set[str] = set()
    for name, source in (("train", train), ("dev", dev), ("test", dev)):
        lines = []
        for number, line in enumerate(source.read_text(encoding="utf-8").removesuffix("\n").split("\n")[: most or None]):
            row = json.loads(line)
            entities = without_overlaps(row["entities"])
            kinds |= {entity["type"] for entity in entities}
            lines.append(json.dumps({"id": str(number), "text": row["text"], "topic": "any", "entities": entities}))
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    tables = ['[topics.any]\nname = "any"', *(f'[types.{kind}]\nname = "{kind}"' for kind in sorted(kinds))]
    (folder / "schema.toml").write_text("\n".join(tables) + "\n", encoding="utf-8")
    return folder


def without_overlaps(entities: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """In order of their starts, without those that begin inside another; CLUENER has one such."""
    kept: list[dict[str, Any]] = []
    for entity in sorted(entities, key=lambda e: (e["start"], -e["end"])):
        if not kept or entity["start"] >= kept[-1]["end"]:
            kept.append(entity)
    return kept


def guessing(name: str, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Share of the characters of whole masked words in the texts of `--dev` that are guessed right.

    Encoders are kept without the head that guesses: a fresh one is fitted on the texts of `--train`, over the frozen encoder.
    """
    network, encoder, _ = load(name)
    encoder = TextEncoder(encoder.tokenizer, 64, 0, encoder.lexicon)
    recipe = PretrainRecipe((), masked_share=1.0, mask_rate=0.15, max_length=64, batch_size=64, max_steps=400, lr=2e-3)
    torch.manual_seed(recipe.seed)
    head = MaskedEncoder(network.requires_grad_(False), encoder.tokenizer.get_vocab_size(), recipe, None)
    optimizer = torch.optim.AdamW([weight for weight in head.parameters() if weight.requires_grad], lr=recipe.lr)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, recipe.max_steps)
    collators = [
        MaskingCollator(build_corpus(dataclasses.replace(recipe, corpus=(str(file),)), encoder, split), encoder, recipe)
        for file in (options.train, options.dev)
    ]
    draw = np.random.default_rng(recipe.seed)
    for _ in range(recipe.max_steps):
        rows = draw.integers(len(collators[0].corpus.bounds) - 1, size=recipe.batch_size)
        batch = collators[0](rows.tolist())
        chosen = batch["targets"] != IGNORED
        logits = head.guess(network(batch["ids"], batch["mask"])[chosen])
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(logits, batch["targets"][chosen]).backward()
        optimizer.step()
        schedule.step()
    right = total = 0
    texts = np.arange(len(collators[1].corpus.bounds) - 1)
    for rows in np.array_split(texts, max(1, len(texts) // recipe.batch_size)):
        batch = collators[1](rows.tolist())
        characters = batch["ids"] if batch["ids"].dim() == 2 else batch["ids"][..., 0]
        hidden = (batch["targets"] != IGNORED) & (characters == encoder.mask)
        with torch.inference_mode():
            found = head.guess(network(batch["ids"], batch["mask"])[hidden]).argmax(dim=-1)
        right += int((found == batch["targets"][hidden]).sum())
        total += len(found)
    yield {"masked": options.dev.stem, "characters": total, "accuracy": round(right / total, 4)}


def speed(name: str, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Questions a second of the int8 network with heads of the default labels (32 characters, batches of 32), its bytes, and how much
    faster it is than BERT-base in fp32, the two run in turn."""
    network, encoder, _ = load(name)
    encodings = encoder.encode([QUESTION] * 32)
    batch = encoder.batch(encodings, encoder.windows(encodings))
    with tempfile.TemporaryDirectory() as folder:
        own, size = exported(network, Path(folder), ONNX_INT8, options.threads)
    large = bert_base(options.threads)
    ids = np.random.default_rng(0).integers(5, 21_128, batch[1].shape)
    rates, references = [], []
    for _ in range(8):
        references.append(rate(large, ids, batch[1], 1))
        rates.append(rate(own, *batch, 8))
    ratio = statistics.median(rates) / statistics.median(references)
    rates_of = {"questions_per_second": rates, "bert_base_per_second": references}
    medians = {key: round(statistics.median(values), 1) for key, values in rates_of.items()}
    yield {"int8_bytes": size, "threads": options.threads, **medians, "ratio": round(ratio, 1)}


def rate(runtime: OnnxRuntime, ids: NDArray[np.int64], mask: NDArray[np.int64], times: int) -> float:
    """Questions a second over a few runs of one batch."""
    start = time.perf_counter()
    for _ in range(times):
        runtime.run(ids, mask)
    return times * len(ids) / (time.perf_counter() - start)


@functools.cache
def bert_base(threads: int) -> OnnxRuntime:
    """BERT-base in fp32 with random weights, which are as fast as any."""
    with tempfile.TemporaryDirectory() as folder:
        return exported(TokenEncoder(BertModel(BertConfig(vocab_size=21_128))), Path(folder), ONNX, threads)[0]


def exported(network: TokenEncoder, folder: Path, file: str, threads: int) -> tuple[OnnxRuntime, int]:
    """The network with heads of the default labels, and the bytes of its file."""
    export_onnx(JointEncoder(network, 15, 65, 0.0), folder)
    return OnnxRuntime(folder / file, threads), (folder / file).stat().st_size


MEASURES = {"pairs": similarity, "tags": tagging, "questions": asking, "masked": guessing, "speed": speed}

if __name__ == "__main__":
    main()
