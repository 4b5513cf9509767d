"""An archive grows, changes and shrinks, with readers looking on and processes dying."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from nlp.archive import Changes, add_entries, build_index
from nlp.errors import InputError
from nlp.index_cli import index_app
from nlp.retrieval.index import AnswerIndex
from nlp.schema import Analysis, Entry, LabelSchema, TopicScore
from nlp.text.normalize import normalize
from nlp.text.regions import find_regions
from nlp.text.segment import segment

ROOT = Path(__file__).resolve().parents[1]
ENTRIES = tuple(Entry(f"e{n}", f"第{n}号事项怎么办理？", f"带材料到第{n}窗口。") for n in range(40))


class Letters:
    """Knows which characters a text has."""

    labels = LabelSchema((), ())
    fingerprint = "letters"

    def __init__(self) -> None:
        self.router: Mapping[str, Any] = {}
        self.most = 0

    def pipe(self, texts: Iterable[str], /, *, entities: bool = True) -> Iterator[Analysis]:
        together = list(texts)
        self.most = max(self.most, len(together))
        for text in together:
            vector = np.zeros(32, np.float32)
            for character in text:
                vector[ord(character) % 32] += 1
            yield Analysis(text, (TopicScore("civil", 0.9),), (), vector)


@pytest.fixture
def index(tmp_path: Path) -> AnswerIndex:
    return build_index(tmp_path / "index", ENTRIES[:20], Letters())


def ids(index: AnswerIndex) -> list[str]:
    return sorted(entry.id for entry in index.entries())


def test_a_build_holds_one_chunk_at_a_time(tmp_path: Path) -> None:
    analyzer = Letters()
    index = build_index(tmp_path / "index", iter(ENTRIES), analyzer, chunk=7)
    assert analyzer.most == 7
    assert ids(index) == sorted(entry.id for entry in ENTRIES)
    assert index.search(segment(ENTRIES[39].question))[0].entry.id == "e39"
    assert index.info.scales == build_index(tmp_path / "other", ENTRIES, analyzer).info.scales


def test_an_id_twice_in_different_chunks_leaves_no_index(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="more than once"):
        build_index(tmp_path / "index", [*ENTRIES[:6], ENTRIES[2]], Letters(), chunk=3)
    assert not list((tmp_path / "index").glob("entries-*"))
    assert len(build_index(tmp_path / "index", ENTRIES[:6], Letters())) == 6


def test_only_new_entries_are_analysed_and_added(index: AnswerIndex) -> None:
    analyzer = Letters()
    grown, changes = add_entries(index, ENTRIES, analyzer)
    assert changes == Changes(added=20, unchanged=20)
    assert analyzer.most == 20
    assert len(grown) == 40
    again, changes = add_entries(grown, ENTRIES, analyzer, chunk=9)
    assert changes == Changes(unchanged=40)
    assert ids(again) == ids(grown)


def test_other_content_is_a_conflict_unless_updated(index: AnswerIndex) -> None:
    changed = replace(ENTRIES[3], answer="网上办理。")
    same, changes = add_entries(index, [changed], Letters())
    assert changes == Changes(conflicts=("e3",))
    assert same.entries(["e3"])[0].answer == ENTRIES[3].answer
    newer, changes = add_entries(index, [changed], Letters(), update=True)
    assert changes == Changes(updated=1)
    assert newer.entries(["e3"])[0].answer == "网上办理。"
    assert len(newer) == 20
    assert str(changes) == "0 added, 1 updated, 0 unchanged, 0 conflicts, 0 duplicates"


def test_what_was_filled_in_is_no_change(tmp_path: Path) -> None:
    bare = Entry("a", "杭州社保卡怎么补办？", "到网点\ud800。")
    index = build_index(tmp_path / "index", [bare], Letters())
    assert index.entries()[0].regions == ("330100",)
    assert index.entries()[0].topic == "civil"
    assert add_entries(index, [bare], Letters())[1] == Changes(unchanged=1)
    assert add_entries(index, [replace(bare, topic="other")], Letters())[1].conflicts == ("a",)


class Roles(Letters):
    """Takes a place behind 在 for one of treatment, and others for ones where people are insured."""

    def pipe(self, texts: Iterable[str], /, *, entities: bool = True) -> Iterator[Analysis]:
        for analysis in super().pipe(texts):
            places = find_regions(normalize(analysis.text)) if entities else ()
            roles = ["care" if analysis.text[: place.start].endswith("在") else "insured" for place in places]
            yield replace(analysis, entities=tuple(replace(p, role=r) for p, r in zip(places, roles, strict=True)))


def test_an_entry_states_the_rule_of_the_insured_place(tmp_path: Path) -> None:
    entries = [
        Entry("there", "北京医保在河北住院能报销吗", "能。"),
        Entry("back", "河北医保在北京住院能报销吗", "能。"),
        Entry("care", "在北京看病要带什么", "带医保卡。"),
        Entry("given", "上海医保在天津住院", "能。", regions=("310000", "120000")),
    ]
    index = build_index(tmp_path / "index", entries, Roles())
    stated = {entry.id: entry.regions for entry in index.entries()}
    assert stated == {"there": ("110000",), "back": ("130000",), "care": ("110000",), "given": ("310000", "120000")}
    assert add_entries(index, [replace(entries[0], id="again")], Roles())[1].duplicates == (("again", "there"),)


def test_duplicates_are_told(index: AnswerIndex) -> None:
    twin, own = replace(ENTRIES[5], id="twin"), Entry("x", "新问题", "答")
    _, changes = add_entries(index, [twin, own, replace(own, id="y")], Letters(), chunk=2)
    assert changes.added == 3
    assert changes.duplicates == (("twin", "e5"), ("y", "x"))


def test_latest_is_the_index_itself_until_something_changes(index: AnswerIndex) -> None:
    assert index.latest() is index
    grown, _ = add_entries(index, ENTRIES[20:], Letters())
    assert grown.version != index.version
    assert index.latest().version == grown.version
    assert len(index.latest()) == 40
    assert grown.keep(thresholds={"answer": 0.7}).version == grown.version
    assert grown.latest().info.thresholds == {"answer": 0.7}
    built = build_index(str(index.path), ENTRIES[:2], Letters())
    assert len(index.latest()) == len(built) == 2


WRITER = """
import sys
sys.path.insert(0, {tests!r})
from test_archive import ENTRIES, Letters
from nlp.archive import add_entries
from nlp.retrieval.index import AnswerIndex
add_entries(AnswerIndex.open(sys.argv[1]), ENTRIES[int(sys.argv[2]):int(sys.argv[3])], Letters(), chunk=2)
"""


def write_elsewhere(index: AnswerIndex, first: int, last: int) -> subprocess.Popen[bytes]:
    code = WRITER.format(tests=str(Path(__file__).parent))
    return subprocess.Popen([sys.executable, "-c", code, str(index.path), str(first), str(last)], cwd=ROOT)


def test_an_index_stays_readable_while_other_processes_write(index: AnswerIndex) -> None:
    writers = [write_elsewhere(index, 20, 30), write_elsewhere(index, 25, 40)]
    seen = []
    while any(writer.poll() is None for writer in writers):
        assert index.search(segment("第7号事项"))[0].entry.id == "e7"
        assert ids(index) == sorted(entry.id for entry in ENTRIES[:20])
        seen.append(len(AnswerIndex.open(index.path)))
    assert [writer.wait() for writer in writers] == [0, 0]
    assert seen == sorted(seen)
    assert ids(index.latest()) == sorted(entry.id for entry in ENTRIES), "nothing twice, although both wrote the same"


def test_killed_while_adding(index: AnswerIndex, tmp_path: Path) -> None:
    before = tmp_path / "before"
    shutil.copytree(index.path, before)
    rng = random.Random(7)
    versions = index.path / f"{index.info.table}.lance" / "_versions"
    for writes in (1, 4, 8):
        shutil.rmtree(index.path)
        shutil.copytree(before, index.path)
        first = len(list(versions.iterdir()))
        writer = write_elsewhere(index, 20, 40)
        while writer.poll() is None and len(list(versions.iterdir())) < first + writes:
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.02))
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        found = AnswerIndex.open(index.path)
        assert len(set(ids(found))) == len(ids(found)) >= 20
        assert len(found) % 2 == 0
        assert found.search(segment("第7号事项"))[0].entry.id == "e7"
        grown, changes = add_entries(found, ENTRIES, Letters())
        assert ids(grown) == sorted(entry.id for entry in ENTRIES)
        assert changes.conflicts == ()


def test_a_killed_build_can_be_repeated(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    (folder / "entries-0123456789ab.lance" / "data").mkdir(parents=True)
    (folder / "lock").touch()
    assert len(build_index(folder, ENTRIES[:3], Letters())) == 3
    assert [path.name for path in folder.glob("entries-*")] == [f"{AnswerIndex.open(folder).info.table}.lance"]


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nlp.analyzer.Analyzer.from_pretrained", lambda _: Letters())
    folder = str(tmp_path / "index")

    def wenlu(*arguments: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(index_app, arguments)
        return done.exit_code, done.stdout, done.stderr

    def write(*entries: Entry) -> str:
        lines = [json.dumps(entry.to_dict(), ensure_ascii=False) + "\n" for entry in entries]
        (tmp_path / "rows.jsonl").write_text("".join(lines), encoding="utf-8")
        return str(tmp_path / "rows.jsonl")

    assert wenlu("build", write(*ENTRIES[:5]), "-o", folder)[0] == 0
    code, printed, told = wenlu("add", folder, write(replace(ENTRIES[4], answer="别的"), *ENTRIES[5:8]), "--json")
    assert (code, json.loads(printed)["added"], json.loads(printed)["conflicts"]) == (2, 3, ["e4"])
    assert "index update" in told
    old = replace(ENTRIES[4], answer="别的", as_of="2019-05-01")
    code, printed, _ = wenlu("update", folder, write(old), "--chunk", "1", "--json")
    assert (code, json.loads(printed)["updated"]) == (0, 1)
    code, _, told = wenlu("remove", folder, "e0", "nobody")
    assert (code, "no entry 'nobody'" in told, "1 entries removed, 7 left" in told) == (2, True, True)
    code, printed, _ = wenlu("check", folder, "--today", "2026-01-01", "--max-age", "36", "--json")
    assert (code, json.loads(printed)["outdated"]) == (2, ["e4"])
    assert "outdated: e4" in wenlu("check", folder, "--pretty")[1]
    assert wenlu("check", folder, "--today", "2020-01-01")[0] == 0
