"""Values of Chinese text, side by side: Wenlu, Recognizers-Text, JioNLP, cn2an, cpca; accuracy by kind, texts a second, memory.

    python bench/values.py [--peers PYTHON] [--gold CASES.jsonl --scorer SCORE.py] [--out bench/results]

Every system runs in its own process on one core. The cases are generated here, from sentence frames and values, the same for
everybody; a peer is only asked for kinds that it reads. `--gold` adds a file of cases with `id`, `text`, `ref_date` and a script
that scores predictions on it (`score.py values GOLD PRED`). Peers that the interpreter given with `--peers` lacks are left out:

    pip install jionlp cpca cn2an recognizers-text-suite 'emoji<2'
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from itertools import product
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = date(2026, 11, 21)
KINDS = ("number", "ordinal", "percent", "amount", "age", "duration", "date", "region")
SYSTEMS = {
    "wenlu": KINDS,
    "recognizers": ("number", "ordinal", "percent", "amount", "age", "duration", "date"),
    "jionlp": ("amount", "duration", "date"),
    "cn2an": ("number",),
    "cpca": ("region",),
}
Case = dict[str, Any]

# Kind → frames with a gap for the value, and values with their canonical form (bounds, ISO 8601, codes).
FRAMES: dict[str, tuple[str, ...]] = {
    "number": ("{}", "全县共有{}户", "去年办了{}件"),
    "ordinal": ("{}", "排在{}位的是他", "写在{}条里"),
    "percent": ("{}", "门诊能报销{}", "自己要付{}吗"),
    "amount": ("{}", "罚款{}合理吗", "每人每月发{}", "押金要交{}，不退"),
    "age": ("{}", "我爸今年{}了", "{}的老人能领吗"),
    "duration": ("{}", "一共干了{}", "要等{}才能办"),
    "date": ("{}", "我是{}参保的", "{}的工资没发"),
    "region": ("{}", "我在{}参保", "户口是{}的"),
}
VALUES: dict[str, dict[str, Any]] = {
    "number": {
        **{"三百六十五": 365, "两万五": 25000, "一千零八": 1008, "廿三": 23, "1.2万": 12000, "12,500": 12500, "壹佰贰拾": 120},
        **{
            "７８０": 780,
            "三分之二": "0.6666666666667",
            "5e3": 5000,
            "4百": 400,
            "百二": 120,
            "九十万零三百": 900300,
            "1万2": 12000,
        },
    },
    "ordinal": {"第三": 3, "第12": 12, "第一百零二": 102, "第二十": 20},
    "percent": {
        **{
            "65%": "0.65",
            "百分之七十": "0.7",
            "七成五": "0.75",
            "八折": "0.8",
            "九五折": "0.95",
            "0.3‰": "0.0003",
            "１２％": "0.12",
        },
        **{
            "三个百分点": "0.03",
            "60%-80%": ("0.6", "0.8"),
            "百分之二十到三十": ("0.2", "0.3"),
            "百分百": 1,
            "两三成": ("0.2", "0.3"),
        },
    },
    "amount": {
        **{
            "300元": 300,
            "两万块钱": 20000,
            "五块六": "5.6",
            "壹仟伍佰元整": 1500,
            "1.5万元": 15000,
            "3万到5万元": (30000, 50000),
        },
        **{
            "八千多元": (8000, 9000),
            "三五百块": (300, 500),
            "￥1,280.50": "1280.5",
            "２００元": 200,
            "十几万元": (110000, 190000),
        },
        **{"2-4万元": (20000, 40000), "一毛五": "0.15", "100美元": 100, "人民币叁拾元": 30, "6千元": 6000},
    },
    "age": {"50周岁": 50, "六十五岁": 65, "3-6岁": (3, 6), "七八十岁": (70, 80), "四岁半": "4.5", "18岁": 18},
    "duration": {
        **{"15年": "P15Y", "两年半": "P2Y6M", "三个月零五天": "P3M5D", "90天": "P90D", "半年": "P6M", "一个半月": "P1.5M"},
        **{"3~6个月": ("P3M", "P6M"), "两三年": ("P2Y", "P3Y"), "6周": "P6W", "15个工作日": "P15D", "2小时30分": "PT2H30M"},
    },
    "date": {
        **{"2024年3月31日": "2024-03-31", "二〇二三年五月": "2023-05", "2024-06-01": "2024-06-01", "去年4月": "2025-04"},
        **{
            "98年7月": "1998-07",
            "上个月": "2026-10",
            "昨天": "2026-11-20",
            "2008年至2012年": "2008/2012",
            "今年国庆节": "2026-10-01",
        },
        **{
            "去年除夕": "2026-02-16",
            "2024年上半年": "2024-01/2024-06",
            "下周三": "2026-11-25",
            "2019年2月到9月": "2019-02/2019-09",
        },
    },
    "region": {
        **{
            "广西": "450000",
            "甘孜州": "513300",
            "呼和浩特市": "150100",
            "江苏省溧阳市": "320481",
            "深圳南山": "440305",
            "内蒙古": "150000",
        },
        **{
            "云南保山": "530500",
            "沪": "310000",
            "黑龙江省肇州县": "230621",
            "京津冀": ["110000", "120000", "130000"],
            "義烏": "330782",
        },
    },
}
# Sentences without any value of the kind: what is found in them is wrong.
EMPTY: dict[str, tuple[str, ...]] = {
    "number": ("十分感谢", "万一不行呢", "统一办理", "一样的手续"),
    "percent": ("三成年子女", "比分1:3", "打折商品"),
    "amount": ("2000年出生", "住在三元里", "扣了6分", "电话13812345678", "门口三块地"),
    "duration": ("2015年", "三年级", "每三个月一次", "要判几年？"),
    "date": ("每周三", "15号楼", "满15年", "三年"),
    "region": ("长春花", "海南鸡饭", "朝阳产业"),
}


def build_cases() -> list[Case]:
    cases: list[Case] = []
    for kind in KINDS:
        for frame, (surface, value) in product(FRAMES[kind], VALUES[kind].items()):
            start = frame.index("{}")
            gold = [{"start": start, "end": start + len(surface), "value": canonical(kind, value)}]
            cases.append({"kind": kind, "text": frame.format(surface), "gold": gold})
        cases.extend({"kind": kind, "text": text, "gold": []} for text in EMPTY.get(kind, ()))
    return cases


def canonical(kind: str, value: Any) -> Any:
    if kind in ("date", "region"):
        return value
    low, high = value if isinstance(value, tuple) else (value, value)
    return {"low": str(low), "high": str(high)}


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
    command = [python, str(Path(__file__)), "--worker", system]
    done = subprocess.run(command, input=json.dumps(rows), capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{system} left out: {done.stderr.strip().splitlines()[-1] if done.stderr else 'no output'}", file=sys.stderr)
        return None
    result: Case = json.loads(done.stdout[done.stdout.index('{"found"') :])
    return result


LEAD = re.compile(r"(?:从|约|大约|不到|不低于|不超过|超过|最高|每人每月)+")


def is_right(kind: str, gold: Case, found: Case) -> bool:
    if found["start"] != gold["start"] or (found["end"] is not None and found["end"] != gold["end"]):
        return False
    expected, value = gold["value"], found["value"]
    if kind == "region":
        codes = (value or {}).get("resolved")
        return sorted(codes if isinstance(codes, list) else [codes]) == sorted(
            expected if isinstance(expected, list) else [expected]
        )
    if kind == "date":
        return bool(value == expected)
    value = {"low": value, "high": value} if isinstance(value, str) else value or {}
    return all(same(kind, expected[bound], value.get(bound)) for bound in ("low", "high"))


def same(kind: str, expected: str, value: Any) -> bool:
    if value is None:
        return False
    if kind == "duration":
        return measure(expected) == measure(str(value))
    try:
        a, b = Decimal(expected), Decimal(str(value))
    except InvalidOperation:
        return False
    return a == b or abs(a - b) <= abs(a) * Decimal("1e-9")


def measure(iso: str) -> tuple[Decimal, Decimal] | None:
    """Months and seconds of an ISO 8601 duration."""
    match = re.fullmatch(
        r"P(?:([\d.]+)Y)?(?:([\d.]+)M)?(?:([\d.]+)W)?(?:([\d.]+)D)?(?:T(?:([\d.]+)H)?(?:([\d.]+)M)?(?:([\d.]+)S)?)?", iso
    )
    if match is None:
        return None
    years, months, weeks, days, hours, minutes, seconds = (Decimal(g or 0) for g in match.groups())
    return years * 12 + months, weeks * 604800 + days * 86400 + hours * 3600 + minutes * 60 + seconds


def grade(cases: list[Case], found: list[list[Case]], kinds: tuple[str, ...]) -> dict[str, float]:
    """Strict F1 by kind: the span and the value must both be right."""
    scores = {}
    for kind in kinds:
        right = predicted = expected = 0
        for case, results in zip(cases, found, strict=True):
            if case["kind"] != kind:
                continue
            mine = [r for r in results if r["type"] == kind]
            right += sum(any(is_right(kind, g, r) for r in mine) for g in case["gold"])
            predicted, expected = predicted + len(mine), expected + len(case["gold"])
        scores[kind] = round(2 * right / (predicted + expected), 4) if predicted + expected else 0.0
    return scores


def score_gold(gold: Path, scorer: Path, result: Case, ids: list[str], folder: Path, system: str) -> dict[str, float]:
    """Strict F1 by kind on a file of cases, by its own scorer."""
    predicted = folder / f".values_{system}.jsonl"
    rows = (
        {"id": i, "values": [v for v in values if v["end"] is not None]} for i, values in zip(ids, result["found"], strict=True)
    )
    predicted.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    output = subprocess.run(
        [sys.executable, scorer, "values", gold, predicted], capture_output=True, text=True, check=True
    ).stdout
    predicted.unlink()
    found = re.findall(r"^(\w+):ALL strict_f1=([\d.]+)", output, re.MULTILINE)
    return {kind: float(value) for kind, value in found if kind in SYSTEMS[system]}


def read_gold(path: Path) -> Iterator[Case]:
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        reference = str(row.get("ref_date") or "")[:10]
        yield {
            "id": row["id"],
            "text": row["text"],
            "reference": reference if re.fullmatch(r"\d{4}-\d\d-\d\d", reference) else None,
        }


def run(arguments: argparse.Namespace) -> dict[str, Case]:
    cases = build_cases()
    rows = [{"text": case["text"], "reference": REFERENCE.isoformat()} for case in cases]
    gold = list(read_gold(arguments.gold)) if arguments.gold else []
    results: dict[str, Case] = {}
    for system, kinds in SYSTEMS.items():
        python = sys.executable if system == "wenlu" else arguments.peers
        answer = ask(system, rows, python)
        if answer is None:
            continue
        results[system] = {key: round(answer[key], 2) for key in ("load_s", "texts_s", "memory_mb")}
        results[system]["generated"] = grade(cases, answer["found"], kinds)
        if gold and system != "cpca" and (on_gold := ask(system, gold, python)) is not None:
            ids = [row["id"] for row in gold]
            results[system]["gold"] = score_gold(arguments.gold, arguments.scorer, on_gold, ids, arguments.out, system)
    return results


def to_markdown(results: dict[str, Case]) -> str:
    note = f"{len(build_cases())} generated cases (written for this benchmark, so they know what Wenlu reads), one core."
    lines = ["# Values: accuracy, speed, memory", "", f"{note} Strict F1: span and value right; – = not read.", ""]
    for part, title in (("generated", "Generated cases"), ("gold", "The libraries' own test suites, half of each (`--gold`)")):
        if not any(part in r for r in results.values()):
            continue
        lines += [f"## {title}", "", "| system | " + " | ".join(KINDS) + " |", "|---" * (len(KINDS) + 1) + "|"]
        for system, result in results.items():
            cells = (result.get(part, {}).get(kind) for kind in KINDS)
            lines.append(f"| {system} | " + " | ".join("–" if c is None else f"{c:.3f}" for c in cells) + " |")
        lines.append("")
    lines += ["## Cost", "", "| system | kinds | texts/s | peak memory MB | load s |", "|---|---|---|---|---|"]
    for system, r in results.items():
        lines.append(f"| {system} | {len(SYSTEMS[system])} | {r['texts_s']:,.0f} | {r['memory_mb']:.0f} | {r['load_s']:.2f} |")
    return "\n".join(lines) + "\n"


def plot(results: dict[str, Case], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    parts = [part for part in ("generated", "gold") if any(part in r for r in results.values())]
    figure, axes = plt.subplots(1, len(parts) + 1, figsize=(4 + 6 * len(parts), 4.2), width_ratios=(*(3 for _ in parts), 1.3))
    width = 0.8 / len(results)
    for part, axis in zip(parts, axes, strict=False):
        for offset, (system, result) in enumerate(results.items()):
            scored = [(i, result[part][k]) for i, k in enumerate(KINDS) if k in result.get(part, {})]
            axis.bar([i + offset * width for i, _ in scored], [s for _, s in scored], width, label=system)
        axis.set_xticks([i + 0.4 - width / 2 for i in range(len(KINDS))], KINDS)
        axis.set(
            ylabel="strict F1, " + {"generated": "generated cases", "gold": "the libraries' own tests"}[part], ylim=(0, 1.05)
        )
    axes[0].legend(ncols=len(results), fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)
    axes[-1].barh(list(results), [r["texts_s"] for r in results.values()], color="tab:gray")
    axes[-1].set(xscale="log", xlabel="texts/s, one core")
    axes[-1].invert_yaxis()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", default=sys.executable, help="interpreter that has the other libraries")
    parser.add_argument("--gold", type=Path, help="JSONL of more cases")
    parser.add_argument("--scorer", type=Path, help="script that scores predictions on --gold")
    parser.add_argument("--out", type=Path, default=ROOT / "bench/results")
    parser.add_argument("--worker", choices=tuple(READERS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments.worker)
        return
    if bool(arguments.gold) != bool(arguments.scorer):
        parser.error("--gold and --scorer go together")
    arguments.out.mkdir(parents=True, exist_ok=True)
    results = run(arguments)
    (arguments.out / "values.json").write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (arguments.out / "values.md").write_text(to_markdown(results), encoding="utf-8")
    plot(results, arguments.out / "values.png")
    print(to_markdown(results))


if __name__ == "__main__":
    main()
