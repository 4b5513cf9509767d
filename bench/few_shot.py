"""New topics from a few examples: F1 of a topic learnt from 4, 8, 16 examples against F1 of the same topic after full training.

    python bench/few_shot.py measure models/policy datasets/policy_questions
    python bench/few_shot.py measure models/policy datasets/policy_questions --raw models/mini
    python bench/few_shot.py hold-out datasets/policy_questions work/held --extra work/consultations.jsonl
    python train.py models/policy/train.toml --output work/without --set data.path=work/held --set 'data.calibration=[]' \
        --set 'data.extra_train=["work/held/extra.jsonl"]' --set data.pairs= --set train.epochs=5
    python bench/few_shot.py measure models/policy datasets/policy_questions --without work/without

For each topic the bundle forgets it (its logit is left out), gets it back by `nlp.training.extend`, which also reads its name and
description, and answers the test split. Its vectors have seen the topic in training all the same, which flatters the result. Two ways to
do without: `--raw` names the encoder before it saw any label, and takes the vectors from there; `--without` names a bundle trained
without every third topic, on what `hold-out` wrote. Each of those topics alone is then learnt and compared, over the texts of this topic
and of those that both bundles know.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from nlp.config import BaseRecipe, load_schema
from nlp.data.corpus import read_examples, write_rows
from nlp.data.relabel import schema_toml
from nlp.evaluation.metrics import count_topics
from nlp.model.alignment import load_encoder
from nlp.model.extension import TopicExtension
from nlp.model.runtime import Batch, OnnxRuntime, Outputs, Runtime
from nlp.model.store import load_bundle
from nlp.schema import Example
from nlp.training.extend import Signals, introductions, read_signals, teach

RESULTS = Path(__file__).resolve().parent / "results"
SIZES = (4, 8, 16)
SEEDS = 3  # draws of examples
HELD = 3  # of so many topics, the first is held out
Scores = dict[str, float]


class RawEncoder:
    """The encoder of a base as a runtime: no topics, no tags, mean-pooled unit vectors."""

    def __init__(self, folder: Path) -> None:
        from nlp.model.network import load_base

        self.network = load_base(BaseRecipe(str(folder))).eval()
        self.encoder = load_encoder(folder, self.network.config.max_position_embeddings, 0)

    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Outputs:
        import torch

        from nlp.model.network import mean_pool

        with torch.inference_mode():
            pooled = mean_pool(self.network(torch.from_numpy(ids), torch.from_numpy(mask)), torch.from_numpy(mask))
        nothing = np.zeros((len(ids), 1), dtype=np.float32)
        return Outputs(nothing, nothing, torch.nn.functional.normalize(pooled, dim=-1).numpy())

    def run_all(self, batches: Iterable[Batch]) -> Iterator[Outputs]:
        return (self.run(*batch) for batch in batches)


def signals_of(folder: Path, splits: dict[str, list[Example]], raw: Path | None) -> dict[str, Signals]:
    """What a bundle says of the rows of each split, with vectors of the raw encoder if there is one."""
    bundle = load_bundle(folder)
    encoder = load_encoder(folder, bundle.manifest["tokens"]["max_length"], bundle.manifest["tokens"]["stride"])
    runtime: Runtime = OnnxRuntime(bundle.network)
    base: Any = RawEncoder(raw) if raw else None
    found = {}
    for split, examples in splits.items():
        texts = [e.text for e in examples]
        found[split] = read_signals(runtime, encoder, texts)
        if base:
            found[split] = Signals(found[split].topics, read_signals(base, base.encoder, texts).vectors)
    return found


def draw(examples: Sequence[Example], topic: str, seed: int) -> list[int]:
    """Numbers of as many training rows of a topic as the largest size needs, one of a group."""
    order = np.random.default_rng(seed).permutation(len(examples))
    chosen: dict[str, int] = {}
    for number in order:
        if examples[number].topic == topic and len(chosen) < max(SIZES):
            chosen.setdefault(examples[number].group or examples[number].id, int(number))
    return list(chosen.values())


def restrict(signals: Signals, have: Sequence[str], keep: Sequence[str], rows: Sequence[int]) -> Signals:
    """Some rows, with the logits of the topics `keep`, out of those that the bundle has."""
    part = signals.part(np.array(rows))
    return Signals(part.topics[:, [have.index(topic) for topic in keep]], part.vectors)


def topic_f1(topic: str, examples: Sequence[Example], logits: NDArray[np.float32], names: Sequence[str]) -> float:
    """F1 of one topic."""
    guesses = [names[n] for n in logits.argmax(axis=1)]
    return count_topics((e.topic or "", g) for e, g in zip(examples, guesses, strict=True))[topic].f1


def learnt_f1(
    topic: str, known: Sequence[str], signals: dict[str, Signals], new: Sequence[int], splits: dict[str, list[Example]]
) -> float:
    """F1 of `topic` on the test split, learnt from some rows of the signals `new` and what is told of it, beside the topics `known`."""
    dev, test, own = signals["dev"], signals["test"], signals["new"].part(np.array(new))
    told = signals["told"].part(np.array([n for n, e in enumerate(splits["told"]) if e.topic == topic]))
    both = Signals(
        *(np.concatenate(columns) for columns in zip(*((s.topics, s.vectors) for s in (dev, own, told)), strict=True))
    )
    targets = [known.index(e.topic or "") for e in splits["dev"]] + [len(known)] * (len(new) + len(told.vectors))
    lesson, _, _ = teach(both, np.array(targets), (topic,), TopicExtension(()), told=len(told.vectors))
    logits = TopicExtension((lesson,)).logits(test.topics, test.vectors)
    return topic_f1(topic, splits["test"], logits, [*known, topic])


app = typer.Typer(add_completion=False)


@app.command()
def hold_out(
    data: Annotated[Path, typer.Argument(help="data set")],
    output: Annotated[Path, typer.Argument(help="new folder")],
    extra: Annotated[Path | None, typer.Option(help="more training rows, written to extra.jsonl")] = None,
) -> None:
    """Writes the data set without every third topic."""
    schema = load_schema(data / "schema.toml")
    held = set(schema.topic_ids()[::HELD])
    output.mkdir(parents=True)
    kept = replace(schema, topics=tuple(topic for topic in schema.topics if topic.id not in held))
    (output / "schema.toml").write_text(schema_toml(kept), encoding="utf-8")
    files = {name: data / f"{name}.jsonl" for name in ("train", "dev", "test")} | ({"extra": extra} if extra else {})
    for name, file in files.items():
        rows = [e for e in read_examples(file, schema) if e.topic not in held]
        known = (replace(e, also=tuple(other for other in e.also if other not in held)) for e in rows)
        write_rows(output / f"{name}.jsonl", (e.to_dict() for e in known))
    typer.echo(f"without {', '.join(sorted(held))}: {output}")


@app.command()
def measure(
    bundle: Annotated[Path, typer.Argument(help="bundle trained on all topics")],
    data: Annotated[Path, typer.Argument(help="its data set")],
    without: Annotated[Path | None, typer.Option(help="bundle trained on what `hold-out` wrote")] = None,
    raw: Annotated[Path | None, typer.Option(help="encoder before fine-tuning, for its vectors")] = None,
) -> None:
    """Measures every topic, or with `--without` those held out; prints a table and writes it to bench/results/."""
    schema = load_schema(data / "schema.toml")
    splits = {s: [e for e in read_examples(data / f"{s}.jsonl", schema) if e.topic] for s in ("train", "dev", "test")}
    topics = schema.topic_ids()
    trained = load_bundle(without).labels.topic_ids() if without else topics
    chosen = [topic for topic in topics if topic not in trained] if without else topics
    if without and (raw or not chosen):
        raise typer.BadParameter(f"--without {without}: expected a bundle that lacks some of the topics, and no --raw")
    draws = {topic: [draw(splits["train"], topic, seed) for seed in range(SEEDS)] for topic in chosen}
    needed = sorted({n for lists in draws.values() for numbers in lists for n in numbers})
    place = {n: i for i, n in enumerate(needed)}
    told = [Example(t.id, text, t.id) for t in schema.topics if t.id in chosen for text in introductions(t)]
    parts = {"new": [splits["train"][n] for n in needed], "told": told, "dev": splits["dev"], "test": splits["test"]}
    whole = signals_of(bundle, parts, None)
    shared = signals_of(without, parts, None) if without else signals_of(bundle, parts, raw) if raw else whole
    table: dict[str, Scores] = {}
    for topic in chosen:
        known = [other for other in trained if other != topic]
        rows = {
            "new": list(range(len(needed))),
            "told": list(range(len(told))),
            "dev": [n for n, e in enumerate(splits["dev"]) if e.topic in known],
            "test": [n for n, e in enumerate(splits["test"]) if e.topic in (*known, topic)],
        }
        own = {split: [parts[split][n] for n in numbers] for split, numbers in rows.items()}
        full = restrict(whole["test"], topics, [*known, topic], rows["test"])
        table[topic] = {"full": topic_f1(topic, own["test"], full.topics, [*known, topic])}
        signals = {split: restrict(shared[split], trained, known, numbers) for split, numbers in rows.items()}
        for size in SIZES:
            f1 = [learnt_f1(topic, known, signals, [place[n] for n in drawn[:size]], own) for drawn in draws[topic]]
            table[topic][str(size)] = float(np.mean(f1))
    names = ("full", *map(str, SIZES))
    table["mean"] = {name: float(np.mean([table[t][name] for t in chosen])) for name in names}
    vectors = (
        f"vectors of {raw}" if raw else f"trained without the topic: {without}" if without else "vectors that saw the topic"
    )
    name = "few_shot_raw" if raw else "few_shot_without" if without else "few_shot"
    write(table, f"{bundle}, {vectors}", name)


def write(table: dict[str, Scores], title: str, name: str) -> None:
    """Prints the table and writes it as Markdown and JSON; `ratio` is 8 examples against full training."""
    lines = [
        f"# Few-shot topics: {title}",
        "",
        "| topic | full | 4 | 8 | 16 | ratio |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for topic, row in table.items():
        ratio = row["8"] / row["full"] if row["full"] else 0.0
        lines.append(f"| {topic} | " + " | ".join(f"{row[n]:.3f}" for n in ("full", "4", "8", "16")) + f" | {ratio:.3f} |")
    typer.echo("\n".join(lines))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    rounded = {topic: {name: round(f1, 4) for name, f1 in row.items()} for topic, row in table.items()}
    (RESULTS / f"{name}.json").write_text(json.dumps({"what": title, "f1": rounded}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    app()
