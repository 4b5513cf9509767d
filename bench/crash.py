"""`wenlu index add`, killed with SIGKILL at random moments: is anything lost, doubled or unreadable?

    python bench/crash.py [--rounds 20] [--seed 1] [--out bench/results]

Each round copies an index of the first entries of the embedded archive, starts the command to add the others, kills it a random
moment after a random number of writes, opens the index, and looks: every entry that was there before is there once and as it
was, the search works, and what was added came in whole chunks. Then the command runs again to its end, and the whole archive
must be there, each entry once.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from nlp.data.corpus import read_entries, write_rows
from nlp.embedded import default_archive
from nlp.retrieval.index import AnswerIndex
from nlp.schema import Entry
from nlp.text.segment import segment

BEFORE, AFTER = 60, 180  # entries of the index before and after
CHUNK = 8


def wenlu(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "nlp", "index", *arguments]


def faults_of(index: Path, before: list[Entry], after: list[Entry]) -> tuple[list[str], int]:
    """What is wrong with an index that was being added to, and how many entries it holds."""
    opened = AnswerIndex.open(index)
    held = opened.entries()
    known = {entry.id: entry for entry in after}
    counts = Counter(entry.id for entry in held)
    faults = [f"{name} stands {count} times" for name, count in counts.items() if count > 1]
    faults += [f"{entry.id} is lost" for entry in before if entry.id not in counts]
    faults += [f"{e.id} was changed" for e in held if (e.question, e.answer) != (known[e.id].question, known[e.id].answer)]
    if len(held) % CHUNK and len(held) not in (len(before), len(after)):
        faults.append(f"{len(held)} entries: a part of a chunk")
    for entry in (before[0], held[-1]):
        if entry.id not in {hit.entry.id for hit in opened.search(segment(entry.question))}:
            faults.append(f"{entry.id} is not found by its own question")
    return faults, len(held)


def await_writes(index: Path, writes: int, process: subprocess.Popen[bytes]) -> None:
    """Waits until the table of an index has so many versions more, or the process has ended."""
    (versions,) = index.glob("entries-*.lance/_versions")
    first = len(list(versions.iterdir()))
    while process.poll() is None and len(list(versions.iterdir())) < first + writes:
        time.sleep(0.002)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="folder for crash.json")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    entries = read_entries(default_archive())[:AFTER]
    before = entries[:BEFORE]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        write_rows(home / "before.jsonl", (entry.to_dict() for entry in before))
        write_rows(home / "all.jsonl", (entry.to_dict() for entry in entries))
        subprocess.run(wenlu("build", f"{home}/before.jsonl", "-o", f"{home}/first"), check=True, capture_output=True)
        add = wenlu("add", f"{home}/index", f"{home}/all.jsonl", "--chunk", str(CHUNK))
        rounds = []
        for number in range(arguments.rounds):
            shutil.rmtree(home / "index", ignore_errors=True)
            shutil.copytree(home / "first", home / "index")
            process = subprocess.Popen(add, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            writes, pause = rng.randint(0, (AFTER - BEFORE) // CHUNK), rng.uniform(0, 0.5)
            await_writes(home / "index", writes, process)
            time.sleep(pause)
            process.send_signal(signal.SIGKILL)
            killed = process.wait() == -signal.SIGKILL
            faults, held = faults_of(home / "index", before, entries)
            subprocess.run(add, check=True, capture_output=True)
            later, complete = faults_of(home / "index", before, entries)
            faults += [f"after the second run: {fault}" for fault in later]
            if complete != len(entries):
                faults.append(f"after the second run: {complete} entries of {len(entries)}")
            rounds.append({"killed": killed, "writes": writes, "pause_s": round(pause, 3), "entries": held, "faults": faults})
            print(
                f"{number + 1:3}  after {writes:2} writes and {pause:.3f} s  killed {killed!s:5}  {held:4} entries  {faults or 'in order'}",
                flush=True,
            )
    bad = sum(bool(row["faults"]) for row in rounds)
    print(f"{arguments.rounds} rounds, {sum(bool(row['killed']) for row in rounds)} killed in time, {bad} with faults")
    if arguments.out:
        result = {"rounds": rounds, "faulty": bad}
        (arguments.out / "crash.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
