"""Archives in every format: the valid rows are read, each other row is one error."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nlp.data.encodings import decode, encoding_of
from nlp.data.sources import read_source, stream_source
from nlp.errors import DataError, InputError
from nlp.schema import Entry


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_jsonl(tmp_path: Path, encoding: str) -> None:
    rows = [
        {"id": "1", "question": "怎么办？", "answer": "去窗口。", "regions": ["330100"], "other": 1},
        {"问题": "多少钱", "答案": "一百元"},
    ]
    path = write(tmp_path / "a.jsonl", "\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding)
    reading = read_source(path)
    assert not reading.errors
    assert [(e.question, e.regions) for e in reading.entries] == [("怎么办？", ("330100",)), ("多少钱", ())]
    assert reading.entries[0].id == "1"


def test_broken_rows_of_jsonl_are_named_and_the_rest_is_read(tmp_path: Path) -> None:
    good = json.dumps({"id": "ok", "question": "问", "answer": "答"}, ensure_ascii=False)
    bad = [
        "{",
        "[1]",
        '{"id": "x", "question": "问"}',
        '{"id": "y", "question": "", "answer": "答"}',
        good,
        '{"question": 5, "answer": "答"}',
    ]
    path = write(tmp_path / "a.jsonl", "\n".join([good, *bad]))
    path.write_bytes(path.read_bytes() + b'\n{"question": "\xff\xfe", "answer": "a"}\n\n')
    reading = read_source(path)
    assert [entry.id for entry in reading.entries] == ["ok"]
    assert all(isinstance(error, DataError) for error in reading.errors)
    assert [error.line for error in reading.errors if isinstance(error, DataError)] == [2, 3, 4, 5, 6, 7, 8]
    assert str(reading.errors[2]).startswith(f"{path}:4: answer: ")


@pytest.mark.parametrize(("delimiter", "suffix"), [(",", "csv"), ("\t", "tsv"), (";", "csv")])
def test_csv(tmp_path: Path, delimiter: str, suffix: str) -> None:
    lines = [
        ["id", "问题", "答案", "地区"],
        ["1", '"两行\n问题"', "答", "330100、440100"],
        ["2", "问", "", ""],
        ["3", "问"],
        ["4", "问", "答", ""],
    ]
    path = write(tmp_path / f"a.{suffix}", "\n".join(delimiter.join(cells) for cells in lines), "gb18030")
    reading = read_source(path)
    assert [(e.id, e.question, e.regions) for e in reading.entries] == [
        ("1", "两行\n问题", ("330100", "440100")),
        ("4", "问", ()),
    ]
    assert [error.line for error in reading.errors if isinstance(error, DataError)] == [4, 5]


def test_csv_with_bytes_of_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("问题,答案\n问一,答一\n".encode() + "问二,答二\n".encode("gb18030") + "问三,答三\n".encode())
    reading = read_source(path)
    assert [entry.question for entry in reading.entries] == ["问一", "问三"]
    assert "3: 问题: " in str(reading.errors[0])


def test_parquet(tmp_path: Path) -> None:
    table = pa.table(
        {"id": [1, 2, 3], "title": ["问一", None, "问三"], "text": ["答", "答", "答"], "regions": [["330100"], [], None]}
    )
    pq.write_table(table, tmp_path / "a.parquet")
    reading = read_source(tmp_path / "a.parquet")
    assert [(e.id, e.regions) for e in reading.entries] == [("1", ("330100",)), ("3", ())]
    assert [error.line for error in reading.errors if isinstance(error, DataError)] == [2]


def test_a_folder_with_everything(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", '{"id": "same", "question": "问", "answer": "答"}')
    (tmp_path / "deep").mkdir()
    write(tmp_path / "deep" / "page.txt", "标题是什么\n\n正文在这里，有两句。")
    write(tmp_path / "b.jsonl", '{"id": "same", "question": "问", "answer": "答"}')
    write(tmp_path / "photo.jpg", "")
    write(tmp_path / "bad.parquet", "not parquet")
    write(tmp_path / ".hidden.txt", "x")
    write(tmp_path / "empty.csv", "")
    reading = read_source(tmp_path)
    assert [entry.id for entry in reading.entries] == ["same", "deep/page-01"]
    assert [page.path for page in reading.pages] == ["deep/page.txt"]
    problems = " ".join(map(str, reading.errors))
    assert len(reading.errors) == 4
    for expected in ("stands twice", "unknown format '.jpg'", "not Parquet", "empty, expected"):
        assert expected in problems


def test_a_stream_reads_no_further_than_asked(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", '{"id": "1", "question": "问", "answer": "答"}\n{\n')
    write(tmp_path / "b.parquet", "not parquet")
    items = stream_source(tmp_path)
    assert isinstance(next(items), Entry)
    (tmp_path / "b.parquet").unlink()
    problems = [str(item) for item in items]
    assert ["not JSON" in problems[0], "b.parquet: cannot be read" in problems[1]] == [True, True]


def test_what_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.csv", tmp_path):
        with pytest.raises(InputError):
            read_source(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_decode(encoding: str) -> None:
    assert decode("医保〔2024〕一号\n第二行".encode(encoding), Path("x")) == "医保〔2024〕一号\n第二行"


def test_decode_keeps_a_page_with_a_few_broken_bytes_and_refuses_what_is_no_text() -> None:
    assert decode("第一行\n第二行\n".encode() + b"\xff\n", Path("x")) == "第一行\n第二行\n\ufffd\n"
    with pytest.raises(DataError, match="neither UTF-8 nor GB18030"):
        decode(bytes(range(128, 256)) * 3, Path("x"))
    assert encoding_of(b"plain ascii") == "utf-8-sig"


def test_an_entry_without_an_id_is_named_by_what_it_says(tmp_path: Path) -> None:
    for folder, question in (("a", "失业金怎么领"), ("b", "生育津贴怎么领")):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "week.csv", f"question,answer\n退休年龄是多少,六十\n{question},到窗口\n")
    first, second = (read_source(tmp_path / folder).entries for folder in "ab")
    assert first[0].id == second[0].id
    assert len({entry.id for entry in (*first, *second)}) == 3
