"""The index on disk: what is found, what is refused, and how it grows."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nlp.errors import ArchiveError, InputError
from nlp.retrieval.index import AnswerIndex
from nlp.retrieval.info import METADATA
from nlp.schema import Entry, Hit
from nlp.text.segment import segment

Make = Callable[..., AnswerIndex]
Vectorize = Callable[[str], np.ndarray]


def test_words_find_an_entry(make_index: Make) -> None:
    hits = make_index().search(segment("节假日加班给多少工资"))
    assert hits[0].entry.id == "law-overtime"
    assert hits[0].features["lexical"] > 0
    assert 0 < hits[0].features["coverage"] <= 1


def test_vectors_find_an_entry(make_index: Make, vectorize: Vectorize) -> None:
    hits = make_index().search([], vectorize("杭州高龄津贴每月发多少？"))
    assert hits[0].entry.id == "hz-elder"
    assert hits[0].features["closeness"] == max(hit.features["closeness"] for hit in hits)


def test_the_place_asked_about_comes_to_the_fore(make_index: Make) -> None:
    index = make_index()
    for code, expected in (("330106", "hz-card"), ("440100", "gz-card")):
        assert index.search(segment("社保卡"), regions=[code])[0].entry.id == expected


def test_a_topic_filters(make_index: Make, vectorize: Vectorize) -> None:
    hits = make_index().search(segment("杭州社保卡"), vectorize("杭州社保卡"), topic="subsidies")
    assert {hit.entry.topic for hit in hits} <= {"subsidies", None}


def test_rows_kept_in_memory_and_rows_read_from_disk_are_the_same(
    make_index: Make, vectorize: Vectorize, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(index: AnswerIndex) -> list[Hit]:
        return index.search(segment("杭州社保卡怎么补"), vectorize("杭州社保卡怎么补"), regions=["330100"])

    index = make_index().remove(["gz-card"])
    from_memory = ask(index)
    monkeypatch.setattr("nlp.retrieval.index.RESIDENT_ROWS", 0)
    assert ask(AnswerIndex.open(index.path)) == from_memory != []


def test_quotes_and_operators_are_only_words(make_index: Make) -> None:
    index = make_index()
    assert index.search(["it's", "quoted", "OR", "*", '"', "\\"], topic="a' OR '1'='1") is not None
    assert [e.id for e in index.entries(["quote", "x' OR '1'='1"])] == ["quote"]


def test_entries_come_back_as_they_went_in(make_index: Make, archive: tuple[Entry, ...]) -> None:
    back = {entry.id: entry for entry in make_index().entries()}
    assert back["law-overtime"] == archive[2]
    assert back["hz-elder"] == archive[3]
    assert back["quote"].answer.endswith("?"), "UTF-8 has no lone surrogates"


def test_an_entry_without_places_gets_those_it_names(make_index: Make) -> None:
    assert make_index().entries(["letter"])[0].regions == ("B市",)


def test_another_encoder_is_refused_with_both_names(make_index: Make) -> None:
    path = make_index().path
    with pytest.raises(ArchiveError, match=r"characters.*other"):
        AnswerIndex.open(path, "other")
    assert len(AnswerIndex.open(path)) == 6


def test_a_vector_of_another_width_is_refused(make_index: Make) -> None:
    with pytest.raises(InputError, match=r"\(3,\).*\(64,\)"):
        make_index().search(["卡"], np.ones(3, np.float32))


def test_missing_and_damaged_folders(make_index: Make, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="no such index"):
        AnswerIndex.open(tmp_path / "nothing")
    path = make_index().path
    metadata = json.loads((path / METADATA).read_text(encoding="utf-8"))
    for text in ("{", "[]", json.dumps(metadata | {"format": 99}), json.dumps({"format": 1})):
        (path / METADATA).write_text(text, encoding="utf-8")
        with pytest.raises(ArchiveError):
            AnswerIndex.open(path)
    assert len(make_index()) == 6, "and can be built again"


def test_lost_table_files_are_an_archive_error(make_index: Make) -> None:
    path = make_index().path
    (table,) = path.glob("entries-*.lance")
    for file in (table / "data").iterdir():
        file.write_bytes(b"\0" * 10)
    with pytest.raises(ArchiveError, match="build the index again"):
        AnswerIndex.open(path).search(segment("社保卡"))
    for file in (table / "_versions").iterdir():
        file.unlink()
    with pytest.raises(ArchiveError, match="missing or damaged"):
        AnswerIndex.open(path)


def test_build_refuses_what_it_would_destroy(tmp_path: Path, archive: tuple[Entry, ...]) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "mail.txt").write_text("keep me")
    with pytest.raises(ArchiveError, match="not an index"):
        AnswerIndex.build(tmp_path / "letters", archive, np.ones((6, 4), np.float32), "x")
    assert (tmp_path / "letters" / "mail.txt").read_text() == "keep me"
    (tmp_path / "letters" / METADATA).write_text('{"mine": "precious"}')
    with pytest.raises(ArchiveError, match="not an index"):
        AnswerIndex.build(tmp_path / "letters", archive, np.ones((6, 4), np.float32), "x")
    assert (tmp_path / "letters" / METADATA).read_text() == '{"mine": "precious"}'


@pytest.mark.parametrize(
    ("entries", "rows"), [((), 0), ((Entry("a", "q", "a"),), 2), ((Entry("a", "q", "a"), Entry("a", "r", "b")), 2)]
)
def test_build_refuses_bad_input(tmp_path: Path, entries: tuple[Entry, ...], rows: int) -> None:
    with pytest.raises(InputError):
        AnswerIndex.build(tmp_path / "index", entries, np.ones((rows, 4), np.float32), "x")
    assert list(tmp_path.iterdir()) == []


def test_build_replaces_an_index_while_others_read_it(make_index: Make, archive: tuple[Entry, ...]) -> None:
    first = make_index()
    second = make_index(archive[:2])
    assert len(AnswerIndex.open(second.path)) == 2
    assert first.search(segment("加班工资"))[0].entry.id == "law-overtime"
    third = make_index(archive[:3])
    assert len(list(third.path.glob("entries-*.lance"))) == 2, (
        "the table of the first is gone, that of the second may be in use"
    )
    assert [p.name for p in third.path.parent.iterdir()] == ["index"]


def test_a_build_that_dies_leaves_the_old_index(make_index: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_index().path

    def die(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("nlp.retrieval.tables.write_info", die)
    with pytest.raises(ArchiveError, match="no space left"):
        make_index()
    monkeypatch.undo()
    assert len(AnswerIndex.open(path)) == 6
    make_index()
    assert len(list(path.glob("entries-*.lance"))) == 2


def test_add_update_and_remove(make_index: Make, vectorize: Vectorize, archive: tuple[Entry, ...]) -> None:
    old = make_index()
    new = [Entry("rent", "公租房租金怎么交？", "按月交。"), replace(archive[1], answer="到银行网点补领。")]
    index = old.add(new, np.stack([vectorize(entry.question) for entry in new]))
    assert len(index) == 7
    assert len(old) == 6
    assert index.search(segment("公租房租金"))[0].entry.id == "rent"
    assert index.entries(["gz-card"])[0].answer == "到银行网点补领。"
    assert index.search([], vectorize("公租房租金怎么交？"))[0].entry.id == "rent"
    less = index.remove(["rent", "never there"])
    assert len(less) == 6
    assert not less.entries(["rent"])
    assert old.search(segment("社保卡")), "the index opened before stays readable"


def test_a_small_index_has_the_scales_it_is_given_until_it_has_grown(tmp_path: Path) -> None:
    def some(first: int, last: int) -> tuple[list[Entry], np.ndarray]:
        vectors = np.random.default_rng(first).normal(size=(last - first, 8)).astype(np.float32)
        return [Entry(str(n), f"第{n}问", "答") for n in range(first, last)], vectors

    given = {"vector": (0.8, 0.02)}
    index = AnswerIndex.build(tmp_path / "index", *some(0, 1), "x", scales=given)
    assert index.info.scales == given
    assert index.add(*some(1, 20)).info.scales == given
    grown = AnswerIndex.open(tmp_path / "index").add(*some(20, 90))
    mean, deviation = grown.info.scales["vector"]
    assert abs(mean) < 0.1, "unrelated vectors of this kind lie at right angles"
    assert 0.2 < deviation < 0.5
    assert grown.add(*some(90, 100)).info.scales == grown.info.scales, "measured anew only once there are twice as many"


def test_an_index_built_anew_since_it_was_opened_says_so(make_index: Make) -> None:
    old = make_index()
    make_index()
    make_index()
    with pytest.raises(ArchiveError, match="built anew since it was opened, open it again"):
        old.entries()
    assert old.latest().entries()


def test_thresholds_and_weights_are_kept(make_index: Make) -> None:
    path = make_index().keep(thresholds={"answer": 0.7}, ranker={"format": 1}).path
    info = AnswerIndex.open(path).info
    assert info.thresholds == {"answer": 0.7}
    assert info.ranker == {"format": 1}


def test_threads_share_an_index(make_index: Make, vectorize: Vectorize) -> None:
    index = make_index()
    words, vector = segment("节假日加班工资"), vectorize("节假日加班工资")
    alone = [hit.to_dict() for hit in index.search(words, vector)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda _: [hit.to_dict() for hit in index.search(words, vector)], range(12)))
    assert all(found == alone for found in together)


def test_an_empty_index_and_an_empty_question_find_nothing(make_index: Make, archive: tuple[Entry, ...]) -> None:
    index = make_index()
    assert index.search([]) == []
    assert index.remove([entry.id for entry in archive]).search(["社保卡"]) == []
