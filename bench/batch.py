"""Batch tagging measured as a user runs it: speed against the analyzer, against transformers and on Ray; memory; kills; fuzzing.

    python bench/batch.py [speed] [peer] [memory] [ray] [kill] [kill-ray] [fuzz] [--rows N] [--many N] [--rounds N] [--model DIR]

Without names all are run; each writes its figures into `batch.json`, beside those of earlier runs. Texts are those of
`datasets/policy_questions`, drawn at random. Wants an otherwise idle machine; ratios are of runs one after the other. A small model
serves for memory, kills and fuzzing, which are about the job and not about the network.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "datasets/policy_questions/train.jsonl"
CORES = len(os.sched_getaffinity(0))
FEW = 10_000  # rows of the smaller memory run
FUZZ_ROWS = 100_000
PEER_ROWS = 256  # rows through a network of bert-base size
Figures = dict[str, Any]
model: list[str] = []  # arguments that name it; empty for the default


def texts(count: int) -> list[str]:
    chance = random.Random(11)
    known = [json.loads(line)["text"] for line in SOURCES.read_text(encoding="utf-8").removesuffix("\n").split("\n")]
    return [chance.choice(known) for _ in range(count)]


def write_rows(path: Path, count: int) -> Path:
    with path.open("w", encoding="utf-8") as file:
        for number, text in enumerate(texts(count)):
            file.write(json.dumps({"id": number, "text": text}, ensure_ascii=False) + "\n")
    return path


def command(source: Path, place: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "nlp", "tag", str(source), "-o", str(place), *model, *arguments]


def run(source: Path, place: Path, *arguments: str) -> float:
    """Seconds of the whole command, start of the processes and all."""
    started = time.perf_counter()
    subprocess.run(command(source, place, *arguments), cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - started


def same(one: Path, other: Path) -> bool:
    listed = [
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()} for folder in (one, other)
    ]
    return listed[0] == listed[1]


def speed(folder: Path, settings: argparse.Namespace) -> Figures:
    """`wenlu tag` with all cores and with one, against `Analyzer.pipe` on the same texts in memory with all cores and with one."""
    from nlp.analyzer import Analyzer
    from nlp.embedded import default_bundle

    source, rows = write_rows(folder / "in.jsonl", settings.rows), settings.rows
    held = texts(rows)
    figures: Figures = {"rows": rows, "cores": CORES}
    for threads, name in ((0, "all"), (1, "one")):
        analyzer = Analyzer.from_pretrained(settings.model or default_bundle(), threads=threads)
        list(analyzer.pipe(held[:64]))
        started = time.perf_counter()
        for _ in analyzer.pipe(held):
            pass
        figures[f"pipe_{name}"] = rows / (time.perf_counter() - started)
        figures[f"tag_{name}"] = rows / run(source, folder / f"tag-{name}", "--workers", str(threads))
        figures[f"ratio_{name}"] = figures[f"tag_{name}"] / figures[f"pipe_{name}"]
    for size in (128, 512, 2048, 8192):
        figures[f"tag_all_chunk_{size}"] = rows / run(source, folder / f"chunk-{size}", "--chunk-rows", str(size))
    figures["bytes_per_row"] = sum(path.stat().st_size for path in (folder / "tag-all/rows").iterdir()) / rows
    run(source, folder / "parquet", "--output-format", "parquet")
    figures["bytes_per_row_parquet"] = sum(path.stat().st_size for path in (folder / "parquet/rows").iterdir()) / rows
    return figures


def peer(folder: Path, settings: argparse.Namespace) -> Figures:
    """`datasets.map(batched=True)` over a topic and a token pipeline of bert-base size, with untrained weights: only speed counts."""
    from datasets import Dataset
    from peers import bert_pipelines

    held = texts(PEER_ROWS)
    first, second = bert_pipelines(held)

    def both(batch: dict[str, list[str]]) -> dict[str, list[str]]:
        topics, spans = first(batch["text"]), second(batch["text"])
        return {"topic": [t["label"] for t in topics], "entities": [json.dumps(s, default=float) for s in spans]}

    rows = Dataset.from_dict({"text": held})
    started = time.perf_counter()
    rows.map(both, batched=True, batch_size=128)
    theirs = PEER_ROWS / (time.perf_counter() - started)
    ours = settings.rows / run(write_rows(folder / "in.jsonl", settings.rows), folder / "out")
    return {"peer_rows": PEER_ROWS, "peer": theirs, "tag": ours, "ratio": ours / theirs}


def memory(folder: Path, settings: argparse.Namespace) -> Figures:
    """Peak memory of the command and its workers (shared pages counted once), on few rows and on many."""
    figures: Figures = {"few": FEW, "many": settings.many}
    for name in ("few", "many"):
        source = write_rows(folder / f"{name}.jsonl", figures[name])
        started = time.perf_counter()
        figures[f"peak_mib_{name}"] = _peak(command(source, folder / name, "--workers", str(CORES)))
        figures[f"seconds_{name}"] = time.perf_counter() - started
    return figures | {"ratio": figures["peak_mib_many"] / figures["peak_mib_few"]}


def _peak(arguments: list[str]) -> float:
    import psutil

    peak = 0
    with subprocess.Popen(arguments, cwd=ROOT, stderr=subprocess.DEVNULL) as job:
        tree = psutil.Process(job.pid)
        while job.poll() is None:
            total = 0
            for process in (tree, *tree.children(recursive=True)):
                with suppress(psutil.Error):  # one that has just ended
                    total += process.memory_full_info().pss
            peak = max(peak, total)
            time.sleep(0.1)
    return peak / 2**20


def ray(folder: Path, settings: argparse.Namespace) -> Figures:
    """Ray on this machine against the local engine, and whether they write the same."""
    source = write_rows(folder / "in.jsonl", settings.rows)
    local = settings.rows / run(source, folder / "local")
    cluster = settings.rows / run(source, folder / "ray", "--engine", "ray")
    return {
        "rows": settings.rows,
        "local": local,
        "ray": cluster,
        "ratio": cluster / local,
        "same": same(folder / "local", folder / "ray"),
    }


def kill(folder: Path, settings: argparse.Namespace, *engine: str) -> Figures:
    """kill -9 at random moments of the job; the same command then ends it; every byte is compared."""
    chance = random.Random(5)
    source = write_rows(folder / "in.jsonl", settings.kill_rows)
    arguments = ("--chunk-rows", "64", *engine)
    run(source, folder / "whole", "--chunk-rows", "64")
    usual = run(source, folder / "timed", *arguments)
    identical = killed = 0
    for _ in range(settings.rounds):
        shutil.rmtree(folder / "out", ignore_errors=True)
        with subprocess.Popen(command(source, folder / "out", *arguments), cwd=ROOT, stderr=subprocess.DEVNULL) as job:
            try:
                job.wait(chance.random() * usual)
            except subprocess.TimeoutExpired:
                job.kill()
        killed += job.returncode == -signal.SIGKILL
        run(source, folder / "out", *arguments)
        identical += same(folder / "whole", folder / "out")
    return {"rows": settings.kill_rows, "rounds": settings.rounds, "killed": killed, "identical": identical}


def kill_ray(folder: Path, settings: argparse.Namespace) -> Figures:
    """As `kill`, with the driver of a Ray job."""
    return kill(folder, settings, "--engine", "ray")


def fuzz(folder: Path, settings: argparse.Namespace) -> Figures:
    """Random Unicode, wrong types, huge fields, binary: the command succeeds, and every line is in the rows or in the rejects."""
    chance = random.Random(3)
    source = folder / "fuzz.jsonl"
    with source.open("wb") as file:
        for _ in range(FUZZ_ROWS):
            file.write(_fuzzed(chance).replace(b"\n", b" ") + b"\n")
    seconds = run(source, folder / "out")
    filled = [n for n, line in enumerate(source.read_bytes().split(b"\n"), 1) if line.strip(b" \t\r\x0b\x0c\x1c\x1d\x1e\x1f")]
    rows = [json.loads(line)["line"] for part in (folder / "out/rows").iterdir() for line in part.open(encoding="utf-8")]
    rejects = [json.loads(line)["line"] for line in (folder / "out/rejects.jsonl").open(encoding="utf-8")]
    complete = sorted(rows + rejects) == filled
    return {"records": len(filled), "rows": len(rows), "rejects": len(rejects), "every_line_once": complete, "seconds": seconds}


def _fuzzed(chance: random.Random) -> bytes:
    kind = chance.random()
    if kind < 0.1:
        return chance.randbytes(chance.randrange(1, 80))
    if kind < 0.2:
        values: list[Any] = [None, 7, 1.5, float("nan"), True, [], {}, ["x"], {"text": "x"}, "", " ", 10**30]
        return json.dumps({"text": chance.choice(values), "id": chance.choice(values)}).encode()
    if kind < 0.25:
        return json.dumps({"id": "x"}).encode()[: chance.randrange(1, 14)]
    if kind < 0.2505:
        return json.dumps({"text": chance.choice("医x𠮷") * chance.randrange(100_000, 2_000_000)}, ensure_ascii=False).encode()
    if kind < 0.251:
        return b'{"text": ' + b"[" * chance.randrange(1, 200_000)
    size = chance.randrange(1, 60)
    highest = chance.choice((0x80, 0x3000, 0x9FFF, 0x110000))
    text = "".join(chr(chance.randrange(highest)) for _ in range(size))
    return json.dumps({"text": text}, ensure_ascii=chance.random() < 0.5).encode("utf-8", "replace")


MEASURES: dict[str, Callable[[Path, argparse.Namespace], Figures]] = {
    "speed": speed,
    "peer": peer,
    "memory": memory,
    "ray": ray,
    "kill": kill,
    "kill-ray": kill_ray,
    "fuzz": fuzz,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measures", nargs="*", metavar="measure", help=", ".join(MEASURES))
    parser.add_argument("--rows", type=int, default=20_000, help="rows of the speed runs")
    parser.add_argument("--many", type=int, default=1_000_000, help="rows of the larger memory run")
    parser.add_argument("--kill-rows", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--model", type=Path, help="a bundle (default: that of the package)")
    parser.add_argument("--out", type=Path, default=ROOT / "bench/results")
    settings = parser.parse_args()
    unknown = set(settings.measures) - set(MEASURES)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; expected {', '.join(MEASURES)}")
    sys.path.insert(0, str(ROOT))
    if settings.model:
        model[:] = ["--model", str(settings.model.resolve())]
    settings.out.mkdir(parents=True, exist_ok=True)
    path = settings.out / "batch.json"
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for name in settings.measures or MEASURES:
        folder = Path(mkdtemp(prefix="wenlu-bench-"))
        try:
            figures = MEASURES[name](folder, settings)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        figures["model"] = settings.model.resolve().name if settings.model else "default"
        results[name] = {key: round(value, 3) if isinstance(value, float) else value for key, value in figures.items()}
        path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        print(name, json.dumps(results[name]))


if __name__ == "__main__":
    main()
