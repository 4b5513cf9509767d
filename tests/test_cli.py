"""The command line as a user meets it: with the shipped model and archive, good and bad input."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


def wenlu(*arguments: str, given: bytes = b"", folder: Path = ROOT) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "nlp", *arguments], input=given, capture_output=True, cwd=folder, check=False)


def printed(done: subprocess.CompletedProcess[bytes]) -> Any:
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def _home(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENLU_HOME", str(cache))


def test_analyze_finds_topic_and_roles() -> None:
    data = printed(wenlu("analyze", "沈阳的医保卡在大连住院能直接结算吗", "--json"))
    assert data["topic"] == "cross_region_medical"
    roles = {(e["start"], e["end"]): (e["role"], e["value"]["resolved"]) for e in data["entities"] if e["type"] == "region"}
    assert roles == {(0, 2): ("insured", "210100"), (7, 9): ("care", "210200")}


def test_values_need_no_model_and_know_the_day() -> None:
    data = printed(wenlu("values", "去年3月起每人每月不低于60元", "--reference", "2024-05-01", "--json"))
    values = {e["type"]: e["value"] for e in data["values"]}
    assert values["date"] == "2023-03"
    assert (values["amount"]["low"], values["amount"]["comparator"], values["amount"]["per"]) == (
        "60",
        "ge",
        ["person", "month"],
    )


def test_answer_comes_from_the_embedded_archive() -> None:
    data = printed(wenlu("answer", "北京医保卡在河北住院能直接结算吗", "--json"))
    assert data["action"] == "answer"
    assert "视同" in data["answers"][0]["answer"]


def test_standard_input_is_read() -> None:
    assert printed(wenlu("values", "--json", given="欠我三万五".encode()))["values"][0]["value"]["low"] == "35000"


@pytest.mark.parametrize(
    ("arguments", "given", "message"),
    [
        (("analyze", ""), b"", "the text is empty"),
        (("values",), b"\xff\xfe", "not UTF-8 at byte 0"),
        (("values", "去年", "--reference", "gestern"), b"", "--reference: expected a day"),
        (("analyze", "问", "--model", "no/such"), b"", "no/such/manifest.json: no such file"),
        (("answer", "问", "--index", "no/such"), b"", "no/such"),
        (("analyze", "--input", "no.jsonl"), b"", "no.jsonl: No such file"),
        (("analyze", "问", "--output", "no.jsonl"), b"", "--output no.jsonl: takes the rows of --input"),
        (("answer", "问", "--input", "no.jsonl"), b"", "both a text and --input no.jsonl"),
        (("values", "--input", "no.jsonl", "--pretty"), b"", "--pretty shows one text"),
        (("index", "build", "no/such", "--output", "no/index"), b"", "no/such: no such file or folder"),
    ],
)
def test_bad_arguments_end_in_one_line(arguments: tuple[str, ...], given: bytes, message: str) -> None:
    done = wenlu(*arguments, given=given)
    lines = done.stderr.decode().splitlines()
    assert done.returncode == 2
    assert len(lines) == 1
    assert message in lines[0]
    assert not (ROOT / "no").exists(), "a command that fails leaves nothing behind"


def test_bad_rows_are_named_and_the_others_written(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_bytes(
        '{"id": "a", "text": "缴费满15年"}\n{"id": "b"\n{"id": "c"}\n{"id": "d", "text": 7}\n'.encode()
        + b'{"id": "e", "text": "\xff"}\n'
        + b'{"id": "f", "text": "a\\ud800\\u0000"}\n'
        + '{"id": "g", "query": "昨天", "ref_date": "soon"}\n{"id": "h", "text": " \\n"}\n'.encode()
    )
    done = wenlu("values", "--input", str(rows), "--output", str(tmp_path / "out.jsonl"))
    assert done.returncode == 2
    written = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in written] == ["a", "f", "g"]
    complaints = done.stderr.decode()
    for place in (
        "rows.jsonl:2: not JSON",
        "rows.jsonl:3: text: missing",
        "rows.jsonl:4: text: expected a string",
        "rows.jsonl:5: not UTF-8",
        "rows.jsonl:8: text: empty",
    ):
        assert place in complaints
    assert "ref_date: expected a day" in complaints


def test_what_stands_at_the_output_stays_until_the_new_rows_are_there(tmp_path: Path) -> None:
    rows, other = tmp_path / "rows.jsonl", tmp_path / "other.jsonl"
    rows.write_text('{"id": "a", "text": "缴费满15年"}\n', encoding="utf-8")
    other.write_text("keep me", encoding="utf-8")
    assert wenlu("values", "--input", str(tmp_path / "missing.jsonl"), "--output", str(other)).returncode == 2
    assert other.read_text(encoding="utf-8") == "keep me"
    assert wenlu("values", "--input", str(rows), "--output", str(rows)).returncode == 0
    assert json.loads(rows.read_text(encoding="utf-8"))["values"]
    assert wenlu("values", "--input", str(rows), "--output", "/dev/null").returncode == 2, "the row is no longer a text"


def test_a_full_disk_ends_in_one_line(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"id": "a", "text": "缴费满15年"}\n', encoding="utf-8")
    done = wenlu("values", "--input", str(rows), "--output", "/dev/full")
    assert done.returncode == 2
    assert done.stderr.decode().splitlines() == ["wenlu: /dev/full: cannot be written: No space left on device"]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "nlp", "values", "满15年"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 2
    message = "output: cannot be written: No space left on device; what stands there is incomplete"
    assert done.stderr.decode().splitlines() == [f"wenlu: {message}"]


def test_relative_dates_count_from_the_reference() -> None:
    data = printed(wenlu("analyze", "去年3月起社保断缴了怎么办", "--reference", "2024-05-01", "--json"))
    assert [e["value"] for e in data["entities"] if e["type"] == "date"] == ["2023-03"]


def test_an_index_of_own_entries_answers(tmp_path: Path) -> None:
    entries = tmp_path / "mine.jsonl"
    rows = [{"id": str(n), "question": f"第{n}号窗口办什么", "answer": f"办理{n}类业务"} for n in range(1, 4)]
    entries.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in [*rows, {"id": "x"}]), encoding="utf-8")
    built = wenlu("index", "build", str(entries), "--output", str(tmp_path / "index"))
    assert built.returncode == 2
    assert "mine.jsonl:4" in built.stderr.decode()
    assert "3 entries" in built.stderr.decode()
    data = printed(wenlu("answer", "2号窗口办什么呀", "--index", str(tmp_path / "index"), "--json"))
    assert data["answers"][0]["id"] == "2"


def test_data_check_prints_every_problem(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text('{"id": "1", "text": "问", "topic": "tax"}\n{"id": "2", "text": ""}\n', encoding="utf-8")
    done = wenlu("data", "check", str(path), "--schema", "datasets/policy_questions/schema.toml")
    assert done.returncode == 2
    lines = done.stdout.decode().splitlines()
    assert [line.split(": ")[:2] for line in lines] == [[f"{path}:1", "topic"], [f"{path}:2", "text"]]


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty gold rows with topics."""
    path = tmp_path_factory.mktemp("gold") / "few.jsonl"
    lines = (ROOT / "datasets/policy_questions/dev.jsonl").read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([line for line in lines if json.loads(line)["topic"]][::10][:40]) + "\n", encoding="utf-8")
    return path


def test_evaluate_writes_a_report(few: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra `train` is not installed")
    report = printed(wenlu("evaluate", "models/policy", str(few), "--output", str(tmp_path / "report"), "--json"))
    written = json.loads((tmp_path / "report/report.json").read_text(encoding="utf-8"))
    assert {name: written[name] for name in report} == report
    assert report["rows"] == 40
    assert report["topic_accuracy_lenient"] >= report["topic_accuracy"] > 0.5
    assert (tmp_path / "report/confusions.png").exists()
    pretty = wenlu("evaluate", "models/policy", str(few), "--against", "models/policy", "--pretty").stdout.decode()
    assert "policy (2)" in pretty
    assert "+0.0000 … +0.0000" in pretty


def test_evaluate_measures_routing(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra `train` is not installed")
    queries = tmp_path / "queries.jsonl"
    entry = json.loads((ROOT / "datasets/policy_answers/entries.jsonl").read_text(encoding="utf-8").splitlines()[0])
    rows = [{"query": entry["question"], "gold": [entry["id"]]}, {"query": "周末去哪儿钓鱼", "gold": []}]
    queries.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    report = printed(wenlu("evaluate", "--routing", str(queries), "--output", str(tmp_path / "report"), "--json"))
    assert report["kinds"]["answerable"]["recall_at_1"] == 1
    assert report["outcomes"]["no_answer"] == {"out_of_scope": 1}
    assert json.loads((tmp_path / "report/routing.json").read_text(encoding="utf-8"))["questions"] == 2
    assert "answerable" in wenlu("evaluate", "--routing", str(queries), "--pretty").stdout.decode()
    strange = tmp_path / "strange.jsonl"
    strange.write_text('{"query": "问", "gold": ["nowhere"]}\n', encoding="utf-8")
    for wrong, message in (
        (("evaluate", "--routing", str(strange)), "1 of 1 entries are not in the index, such as 'nowhere'"),
        (("evaluate", "--routing", str(queries), "models/policy", str(queries)), "and no gold file"),
        (("evaluate", "models/policy"), "expected a model and a gold file"),
        (("evaluate", "models/policy", str(queries), "--index", "x"), "which alone takes an --index"),
    ):
        done = wenlu(*wrong)
        assert done.returncode == 2
        assert message in done.stderr.decode()


def test_evaluate_fits_thresholds_into_a_bundle(few: Path, tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="the extra `train` is not installed")
    bundle = tmp_path / "mine"
    shutil.copytree(ROOT / "models/policy", bundle)
    arguments = ("evaluate", str(bundle), str(few), "--reference", "2026-06-30", "--json")
    fitted = printed(wenlu(*arguments, "--fit", "--max-error", "0.4", "--in-scope-recall", "0.9"))
    assert fitted["thresholds"]["target"] == {"max_error": 0.4, "confidence": 0.9, "in_scope_recall": 0.9}
    again = printed(wenlu(*arguments))
    assert again["acceptance"] == fitted["acceptance"]
    for wrong, message in (
        (("evaluate", "baseline:datasets/policy_questions", str(few), "--fit"), "this is none; give a bundle folder"),
        ((*arguments, "--fit", "--max-error", "5"), "max_error = 5.0: expected a share"),
        ((*arguments, "--output", str(few)), "cannot be written"),
    ):
        done = wenlu(*wrong)
        assert done.returncode == 2
        assert message in done.stderr.decode()
