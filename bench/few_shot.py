"""New topics from a few examples: F1 of a topic learnt from 4, 8, 16 examples against F1 of the same topic after full training.

    python bench/few_shot.py models/policy datasets/policy_questions
    python bench/few_shot.py models/policy datasets/policy_questions --without work/without --raw models/mini

For each topic the bundle forgets it (its logit is left out), gets it back by `nlp.training.extend`, and answers the test split. Its
vectors have seen the topic in training all the same, which flatters the result. Two ways to do without: `--without` names a folder with a
bundle for each topic, `<topic>/`, trained on the data set without that topic; `--raw` names the encoder before it saw any label, and takes
the vectors from there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from nlp.config import BaseRecipe, load_schema
from nlp.data.corpus import read_examples
from nlp.evaluation.metrics import count_topics
from nlp.model.alignment import load_encoder
from nlp.model.runtime import OnnxRuntime, Runtime
from nlp.model.store import load_bundle
from nlp.schema import Example
from nlp.training.extend import Signals, fit_extension, read_signals

RESULTS = Path(__file__).resolve().parent / "results"
SIZES = (4, 8, 16)
SEEDS = 3  # draws of examples
Scores = dict[str, float]


class RawEncoder:
    """The encoder of a base as a runtime: no topics, no tags, mean-pooled unit vectors."""

    def __init__(self, folder: Path) -> None:
        from nlp.model.network import load_base

        self.network = load_base(BaseRecipe(str(folder))).eval()
        self.encoder = load_encoder(folder, self.network.config.max_position_embeddings, 0)

    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> tuple[NDArray[np.float32], ...]:
        import torch

        from nlp.model.network import mean_pool

        with torch.inference_mode():
            pooled = mean_pool(self.network(torch.from_numpy(ids), torch.from_numpy(mask)), torch.from_numpy(mask))
        nothing = np.zeros((len(ids), 1), dtype=np.float32)
        return nothing, nothing, torch.nn.functional.normalize(pooled, dim=-1).numpy()


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


def learnt_f1(
    topic: str, topics: list[str], new: Signals, dev: Signals, test: Signals, splits: dict[str, list[Example]]
) -> float:
    """F1 of `topic` on the test split, learnt from the rows of `new`; the logits of all three lack it."""
    rows = np.array([n for n, e in enumerate(splits["dev"]) if e.topic != topic])
    known = dev.part(rows)
    both = Signals(np.concatenate([known.topics, new.topics]), np.concatenate([known.vectors, new.vectors]))
    targets = [topics.index(splits["dev"][n].topic or "") for n in rows] + [len(topics)] * len(new.topics)
    logits = fit_extension(both, np.array(targets), (topic,)).logits(test.topics, test.vectors)
    names = [*topics, topic]
    guesses = [names[n] for n in logits.argmax(axis=1)]
    return count_topics((e.topic or "", g) for e, g in zip(splits["test"], guesses, strict=True))[topic].f1


def forget(signals: Signals, column: int | None) -> Signals:
    """The signals without the logit of a topic."""
    return signals if column is None else Signals(np.delete(signals.topics, column, axis=1), signals.vectors)


def main(
    bundle: Annotated[Path, typer.Argument(help="bundle trained on all topics")],
    data: Annotated[Path, typer.Argument(help="its data set")],
    without: Annotated[
        Path | None, typer.Option(help="folder with a bundle for each topic that was trained without it")
    ] = None,
    raw: Annotated[Path | None, typer.Option(help="encoder before fine-tuning, for its vectors")] = None,
) -> None:
    """Measures every topic, prints a table and writes it to bench/results/."""
    schema = load_schema(data / "schema.toml")
    splits = {s: [e for e in read_examples(data / f"{s}.jsonl", schema) if e.topic] for s in ("train", "dev", "test")}
    topics = list(schema.topic_ids())
    draws = {t: [draw(splits["train"], t, seed) for seed in range(SEEDS)] for t in topics}
    needed = sorted({n for lists in draws.values() for numbers in lists for n in numbers})
    place = {n: i for i, n in enumerate(needed)}
    parts = {"new": [splits["train"][n] for n in needed], "dev": splits["dev"], "test": splits["test"]}
    whole = signals_of(bundle, parts, None)
    guesses = [topics[n] for n in whole["test"].topics.argmax(axis=1)]
    full = count_topics((e.topic or "", g) for e, g in zip(splits["test"], guesses, strict=True))
    shared = signals_of(bundle, parts, raw) if raw else whole
    table: dict[str, Scores] = {}
    for number, topic in enumerate(topics):
        own = without / topic if without and (without / topic).exists() else None
        signals = {s: forget(x, None if own else number) for s, x in (signals_of(own, parts, None) if own else shared).items()}
        table[topic] = {"full": full[topic].f1}
        for size in SIZES:
            f1 = [
                learnt_f1(
                    topic,
                    [t for t in topics if t != topic],
                    signals["new"].part(np.array([place[n] for n in drawn[:size]])),
                    signals["dev"],
                    signals["test"],
                    splits,
                )
                for drawn in draws[topic]
            ]
            table[topic][str(size)] = float(np.mean(f1))
    names = ("full", *map(str, SIZES))
    table["mean"] = {name: float(np.mean([table[t][name] for t in topics])) for name in names}
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
    typer.run(main)
