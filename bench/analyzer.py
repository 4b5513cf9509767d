"""The analyzer as a service meets it: questions a second against two transformers pipelines, one question, and the first answer.

    python bench/analyzer.py [QUESTIONS.jsonl] [--model models/policy] [--rounds 5] [--peer-rows 128]

QUESTIONS has a `text` in each row (default: the test split of datasets/policy_questions). The rates are medians of rounds in which both
sides take turns; the latencies are of single questions, one after the other. Wants an otherwise idle machine.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from peers import bert_pipelines

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench/results/analyzer.json"
QUESTION = "北京医保卡在河北住院能直接结算吗"
FIRST = """
import time
start = time.perf_counter()
import sys
import nlp
nlp.Analyzer.from_pretrained(sys.argv[1])(sys.argv[2])
print(time.perf_counter() - start)
"""


def seconds(action: Callable[[], Any]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def first_answer(model: Path) -> float:
    """Seconds from the first line of a fresh process to the first analysis: import, load and one question."""
    command = [sys.executable, "-c", FIRST, str(model), QUESTION]
    return float(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def main(
    questions: Annotated[Path, typer.Argument()] = ROOT / "datasets/policy_questions/test.jsonl",
    model: Annotated[Path, typer.Option()] = ROOT / "models/policy",
    rounds: Annotated[int, typer.Option()] = 5,
    peer_rows: Annotated[int, typer.Option(help="of the questions, for the slower side")] = 128,
) -> None:
    """Prints the figures and keeps them in bench/results/analyzer.json."""
    from nlp import Analyzer

    model = model.resolve()
    texts = [json.loads(line)["text"] for line in questions.read_text(encoding="utf-8").removesuffix("\n").split("\n")]
    some = texts[:: max(1, len(texts) // peer_rows)][:peer_rows]
    analyzer = Analyzer.from_pretrained(model)
    topic, tags = bert_pipelines(texts)
    list(analyzer.pipe(some))
    for pipeline in (topic, tags):
        pipeline(some[:2])
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(len(texts) / seconds(lambda: list(analyzer.pipe(texts))))
        theirs.append(len(some) / seconds(lambda: (topic(some), tags(some))))
    singles = sorted(seconds(lambda text=text: analyzer(text)) for text in texts[:300])
    figures = {
        "model": model.name,
        "questions": questions.name,
        "rows": len(texts),
        "characters_per_row": statistics.mean(map(len, texts)),
        "pipe": statistics.median(ours),
        "pipelines": statistics.median(theirs),
        "ratio": statistics.median(a / b for a, b in zip(ours, theirs, strict=True)),
        "one_question_p50_ms": 1000 * singles[len(singles) // 2],
        "one_question_p95_ms": 1000 * singles[int(0.95 * len(singles))],
        "first_answer_s": statistics.median(first_answer(model) for _ in range(rounds)),
    }
    shown = {name: round(value, 3) if isinstance(value, float) else value for name, value in figures.items()}
    RESULTS.write_text(json.dumps(shown, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(shown, indent=1))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    typer.run(main)
