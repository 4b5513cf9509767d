"""The systems whose reading of values is compared, each asked in a process of its own on one core.

python bench/value_systems.py SYSTEM      cases on standard input, predictions and costs on standard output
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from value_cases import KINDS, REFERENCE, Case

ROOT = Path(__file__).resolve().parents[1]
SYSTEMS = {
    "wenlu": KINDS,
    "recognizers": ("number", "ordinal", "percent", "amount", "age", "duration", "date"),
    "jionlp": ("amount", "duration", "date"),
    "cn2an": ("number",),
    "cpca": ("region",),
}

# How each system is asked; every reader returns [{"start", "end", "type", "value"}].
Reader = Callable[[str, date | None], list[Case]]


def wenlu() -> Reader:
    sys.path.insert(0, str(ROOT))
    from nlp.text import find

    return lambda text, reference: [e.to_dict() for e in find(text, reference=reference)]


def recognizers() -> Reader:
    from recognizers_date_time import recognize_datetime
    from recognizers_number import recognize_number, recognize_ordinal, recognize_percentage
    from recognizers_number_with_unit import recognize_age, recognize_currency
    from recognizers_text import Culture

    def read(text: str, reference: date | None) -> list[Case]:
        found = []
        now = datetime.combine(reference or REFERENCE, datetime.min.time())
        for kind, results in (
            ("number", recognize_number(text, Culture.Chinese)),
            ("ordinal", recognize_ordinal(text, Culture.Chinese)),
            ("percent", recognize_percentage(text, Culture.Chinese)),
            ("amount", recognize_currency(text, Culture.Chinese)),
            ("age", recognize_age(text, Culture.Chinese)),
            ("date", recognize_datetime(text, Culture.Chinese, reference=now)),
        ):
            for result in results:
                actual, value = recognizers_value(kind, result)
                found.append({"start": result.start, "end": result.end + 1, "type": actual, "value": value})
        return found

    return read


def recognizers_value(kind: str, result: Any) -> tuple[str, Any]:
    resolution = result.resolution or {}
    if kind == "date":
        values = resolution.get("values") or [{}]
        first = values[0]
        name = str(result.type_name).rpartition(".")[2]
        if name == "duration":
            return "duration", {"low": first.get("timex"), "high": first.get("timex")}
        return "date", first.get("timex")
    number = str(resolution.get("value", "")).removesuffix("%")
    try:
        value = Decimal(number) / 100 if kind == "percent" else Decimal(number)
    except InvalidOperation:
        return kind, None
    return kind, {"low": str(value), "high": str(value)}


def jionlp() -> Reader:
    import jionlp as jio

    def read(text: str, reference: date | None) -> list[Case]:
        found = []
        for money in jio.ner.extract_money(text, with_parsing=True):
            number = (money.get("detail") or {}).get("num")
            low, high = number if isinstance(number, list) else (number, number)
            span = {"start": money["offset"][0], "end": money["offset"][1], "type": "amount"}
            found.append({**span, "value": {"low": low, "high": high} if number else None})
        now = time.mktime((reference or REFERENCE).timetuple())
        for moment in jio.ner.extract_time(text, time_base=now, with_parsing=True):
            kind, value = jionlp_time(moment.get("detail") or {})
            found.append({"start": moment["offset"][0], "end": moment["offset"][1], "type": kind, "value": value})
        return found

    return read


def jionlp_time(detail: Case) -> tuple[str, Any]:
    if detail.get("type") == "time_delta":
        deltas = detail["time"] if isinstance(detail["time"], list) else [detail["time"]] * 2
        low, high = (jionlp_delta(d) for d in (deltas[0], deltas[-1]))
        return "duration", {"low": low, "high": high}
    ends = detail.get("time") or ["", ""]
    if not isinstance(ends, list):
        return "date", None
    first, last = str(ends[0])[:10], str(ends[-1])[:10]
    if first == last:
        return "date", first
    if first[4:] == "-01-01" and last[4:] == "-12-31":
        return "date", first[:4] if first[:4] == last[:4] else f"{first[:4]}/{last[:4]}"
    if first[-3:] == "-01" and last[-2:] in ("28", "29", "30", "31"):
        return "date", first[:7] if first[:7] == last[:7] else f"{first[:7]}/{last[:7]}"
    return "date", f"{first}/{last}"


def jionlp_delta(delta: Case) -> str:
    names = {"year": "Y", "month": "M", "day": "D", "workday": "D"}
    days = "".join(f"{delta[k]:g}{v}" for k, v in names.items() if delta.get(k))
    clock = "".join(f"{delta[k]:g}{v}" for k, v in {"hour": "H", "minute": "M", "second": "S"}.items() if delta.get(k))
    return f"P{days}T{clock}" if clock else f"P{days}"


def cn2an() -> Reader:
    from cn2an import cn2an as convert

    def read(text: str, _: date | None) -> list[Case]:
        try:
            value = str(convert(text, "smart"))
        except (ValueError, LookupError):  # what cn2an raises for a text that is no numeral
            return []
        return [{"start": 0, "end": len(text), "type": "number", "value": {"low": value, "high": value}}]

    return read


def cpca() -> Reader:
    import cpca as parser

    def read(text: str, _: date | None) -> list[Case]:
        row = parser.transform([text], pos_sensitive=True).iloc[0]
        names = [(row[f"{k}_pos"], row[k]) for k in ("省", "市", "区") if row[f"{k}_pos"] >= 0]
        if not names:
            return []
        # cpca gives where a name begins but not how it was written, so the end of the span counts as right (and no --gold)
        return [{"start": int(min(names)[0]), "end": None, "type": "region", "value": {"resolved": row["adcode"]}}]

    return read


READERS: dict[str, Callable[[], Reader]] = {
    "wenlu": wenlu,
    "recognizers": recognizers,
    "jionlp": jionlp,
    "cn2an": cn2an,
    "cpca": cpca,
}


def work(system: str) -> None:
    """The child process: cases on standard input, predictions and costs on standard output."""
    request = json.load(sys.stdin)
    began = time.perf_counter()
    read = READERS[system]()
    read("试一试三元", REFERENCE)
    loaded = time.perf_counter() - began
    rows = [(r["text"], date.fromisoformat(r["reference"]) if r["reference"] else None) for r in request]
    began = time.process_time()
    found = [read(text, reference) for text, reference in rows]
    seconds = time.process_time() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    json.dump({"found": found, "load_s": loaded, "texts_s": len(rows) / max(seconds, 1e-9), "memory_mb": memory}, sys.stdout)


def ask(system: str, rows: list[Case], python: str) -> Case | None:
    """Runs a system on texts in a process of its own; None where it is not installed or fails."""
    command = [python, str(Path(__file__)), system]
    done = subprocess.run(command, input=json.dumps(rows), capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{system} left out: {done.stderr.strip().splitlines()[-1] if done.stderr else 'no output'}", file=sys.stderr)
        return None
    result: Case = json.loads(done.stdout[done.stdout.index('{"found"') :])
    return result


if __name__ == "__main__":
    work(sys.argv[1])
