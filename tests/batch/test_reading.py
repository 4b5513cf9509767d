"""Each format, compression and encoding; and what is wrong with a record, said with its file and line."""

from __future__ import annotations

import gzip
import io
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp.batch import records, streams
from nlp.batch.reading import Reader
from nlp.batch.records import Item, Options, Record, Reject, groups
from nlp.batch.streams import SourceFile, files_of, lines_of, shards_of

QUESTIONS = ["沈阳的医保卡在大连能用吗", "低保每月多少钱", "工伤了单位不赔怎么办"]
ARTICLE = "".join(
    f"<p>第{n}条，参加职工医疗保险的人员在外地住院，应当先办理备案，出院时按照规定直接结算费用。</p>" for n in range(1, 9)
)
PAGE = (
    f"<html><head><title>备案</title></head><body><nav><a>首页</a></nav><article><h1>备案</h1>{ARTICLE}</article></body></html>"
)


def read(path: Path, **options: Any) -> tuple[list[Item], Reader]:
    settings = Options(**options)
    reader = Reader(tuple(files_of(str(path), settings.format)), settings)
    return list(reader), reader


def texts(items: list[Item]) -> list[str]:
    return [item.text for item in items if isinstance(item, Record)]


def reasons(items: list[Item]) -> list[tuple[int, str]]:
    return [(item.line, item.reason) for item in items if isinstance(item, Reject)]


def lines(questions: list[str] = QUESTIONS) -> str:
    return "".join(json.dumps({"text": question}, ensure_ascii=False) + "\n" for question in questions)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", lines()),
        ("a.ndjson", "\ufeff" + lines() + "\n \n"),
        ("a.csv", "编号,问题\n" + "".join(f"{n},{q}\n" for n, q in enumerate(QUESTIONS))),
        ("a.csv", "问题;编号\r\n" + "".join(f'"{q}";{n}\r\n' for n, q in enumerate(QUESTIONS))),
        ("a.tsv", "问题\t编号\n" + "".join(f"{q}\t{n}\n" for n, q in enumerate(QUESTIONS))),
        ("a.txt", "\n".join(QUESTIONS) + "\n\n"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_text_formats(tmp_path: Path, name: str, content: str, encoding: str) -> None:
    (tmp_path / name).write_bytes(content.removeprefix("\ufeff" if encoding == "gb18030" else "").encode(encoding))
    items, reader = read(tmp_path / name)
    assert texts(items) == QUESTIONS
    assert reader.encodings == [encoding]
    assert reader.position == (tmp_path / name).stat().st_size


def test_utf_16(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines().encode("utf-16"))
    items, reader = read(tmp_path / "a.jsonl")
    assert texts(items) == QUESTIONS
    assert reader.encodings == ["utf-16"]


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress, lambda data: _zstandard(data)], ids=["gz", "xz", "zst"])
@pytest.mark.parametrize("parts", [1, 2])
def test_compression_is_told_by_its_bytes(tmp_path: Path, compress: Callable[[bytes], bytes], parts: int) -> None:
    data = lines().encode()
    half = data.index(b"\n") + 1
    pieces = [data] if parts == 1 else [data[:half], data[half:]]
    (tmp_path / "a.jsonl.gz").write_bytes(b"".join(map(compress, pieces)))
    items, reader = read(tmp_path / "a.jsonl.gz")
    assert texts(items) == QUESTIONS
    assert reader.position == (tmp_path / "a.jsonl.gz").stat().st_size


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress, lambda data: _zstandard(data)], ids=["gz", "xz", "zst"])
def test_a_damaged_archive_gives_what_stands_before_the_damage(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    good, cut = compress(lines().encode()), compress(lines(QUESTIONS * 2000).encode())
    (tmp_path / "a.jsonl").write_bytes(cut[: len(cut) // 2])
    (tmp_path / "b.jsonl").write_bytes(good)
    items, _ = read(tmp_path)
    assert [item.reason.partition(":")[0] for item in items if isinstance(item, Reject)][-1:] == ["unreadable from here on"]
    assert texts(items)[-3:] == QUESTIONS


def _zstandard(data: bytes) -> bytes:
    import pyarrow as pa

    return bytes(pa.compress(data, "zstd", asbytes=True))


def test_parquet(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(
        {"question": [*QUESTIONS, None], "id": [1, 2, None, 4], "when": [None, None, None, 7], "big": ["x" * 99] * 4}
    )
    pq.write_table(table, tmp_path / "a.parquet")
    items, _ = read(tmp_path / "a.parquet", keep=("when",))
    assert texts(items) == QUESTIONS
    assert [item.id for item in items if isinstance(item, Record)] == ["1", "2", "a.parquet:3"]
    assert reasons(items) == [(4, "text: missing; the record has ['id', 'when']")]
    (tmp_path / "a.parquet").write_bytes(b"PAR1 no")
    assert "not Parquet" in reasons(read(tmp_path / "a.parquet")[0])[0][1]


def test_pages_and_folders_of_them(tmp_path: Path) -> None:
    from nlp.batch.worker import extracted

    pytest.importorskip("trafilatura")
    (tmp_path / "城市").mkdir()
    (tmp_path / "城市/page.html").write_bytes(PAGE.encode("gb18030"))
    (tmp_path / "empty.htm").write_bytes(b"")
    (tmp_path / ".hidden.html").write_bytes(b"x")
    (tmp_path / "notes.docx").write_bytes(b"PK")
    items, reader = read(tmp_path)
    assert [item.file for item in items] == ["empty.htm", "notes.docx", "城市/page.html"]
    assert "unknown format" in reasons(items)[0][1]
    assert reader.encodings == ["utf-8", "gb18030"]
    page = extracted(items[2], Options())  # type: ignore[arg-type]
    assert isinstance(page, Record)
    assert "第1条" in page.text
    assert "首页" not in page.text
    empty = extracted(items[0], Options())  # type: ignore[arg-type]
    assert isinstance(empty, Reject)
    assert isinstance(extracted(items[2], Options(max_characters=20)), Reject)  # type: ignore[arg-type]


def test_warc(tmp_path: Path) -> None:
    pytest.importorskip("warcio")
    bodies = (("text/html; charset=gbk", PAGE.encode("gbk")), ("image/png", b"\x89PNG"), ("text/html", PAGE.encode()))
    (tmp_path / "crawl.warc.gz").write_bytes(b"".join(gzip.compress(_response(kind, body)) for kind, body in bodies))
    items, _ = read(tmp_path / "crawl.warc.gz")
    assert [(item.line, item.id, item.html) for item in items if isinstance(item, Record)] == [
        (1, "http://example.org/text", True),
        (3, "http://example.org/text", True),
    ]
    assert texts(items) == [PAGE, PAGE]
    (tmp_path / "bad.warc").write_bytes(b"nonsense\n" * 9)
    assert "not WARC" in reasons(read(tmp_path / "bad.warc")[0])[0][1]


def _response(kind: str, body: bytes) -> bytes:
    """A record of ISO 28500 that holds an HTTP response."""
    http = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n".encode() + body
    head = "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://example.org/text\r\nContent-Type: application/http\r\n"
    return f"{head}Content-Length: {len(http)}\r\n\r\n".encode() + http + b"\r\n\r\n"


def test_columns_are_chosen(tmp_path: Path) -> None:
    row = {"留言主题": "低保", "留言内容": "怎么申请", "回复": "到街道", "单号": 7, "id": "x"}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    items, _ = read(tmp_path / "a.jsonl", text_columns=("留言主题", "留言内容"), id_column="单号", keep=("回复", "none"))
    assert items == [Record("a.jsonl", 1, "7", "低保\n怎么申请", fields='{"回复": "到街道"}')]
    assert reasons(read(tmp_path / "a.jsonl", text_columns=("text",))[0])[0][1].startswith("text: missing; the record has")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": 7}', "text: expected a string, got 7"),
        (b'{"text": null}', "text: expected a string, got None"),
        (b'{"text": " "}', "text: empty"),
        (b'{"text": "\xff"}', "bytes that are not of the file's encoding"),
        (b"[1, 2]", "expected an object, got [1, 2]"),
        (b'{"text": "a"', "not JSON: Expecting ',' delimiter: line 2 column 1 (char 13)"),
        (b"[" * 100_000, "not usable JSON: nested too deeply"),
        (b'{"text": ' + b"9" * 9_000 + b"}", "not JSON: Exceeds the limit"),
        (b'{"text": "' + b"x" * 101 + b'"}', "text: too long: 101 characters, at most 100 are allowed"),
        (b'{"x": 1}', "text: missing; the record has ['x']"),
    ],
    ids=range(10),
)
def test_bad_lines_are_rejected_and_the_next_one_read(tmp_path: Path, line: bytes, reason: str) -> None:
    (tmp_path / "a.jsonl").write_bytes(line + b"\n" + lines().encode())
    items, _ = read(tmp_path / "a.jsonl", max_characters=100)
    assert reasons(items)[0][0] == 1
    assert reasons(items)[0][1].startswith(reason)
    assert texts(items) == QUESTIONS


def test_values_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a\\ud800\\u0000", "n": NaN, "id": [1]}\n', encoding="utf-8")
    items, _ = read(tmp_path / "a.jsonl", keep=("n",))
    assert items == [Record("a.jsonl", 1, "a.jsonl:1", "a\ud800\0", fields='{"n": null}')]


def test_broken_csv_rows(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(
        'id,text\n1,a,b\n2,"多\n行"\n3,"x"y\n4,好\n'.encode() + b"5,\xff\n6," + b"y" * 200_000 + b"\n7,z\n"
    )
    items, _ = read(tmp_path / "a.csv")
    assert [(item.line, item.text) for item in items if isinstance(item, Record)] == [(3, "多\n行"), (6, "好"), (9, "z")]
    assert [line for line, _ in reasons(items)] == [2, 5, 7, 8]


def test_a_broken_heading_costs_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"id\rtext\n1,a\n")
    assert "not CSV: the heading" in reasons(read(tmp_path / "a.csv")[0])[0][1]


def test_a_line_without_end_is_never_held_whole() -> None:
    stream = io.StringIO("a" * 25 + "\nb\n" + "c" * 10)
    assert list(lines_of(stream, 10)) == [("a" * 10, False), ("b\n", True), ("c" * 10, False)]


def test_shards_depend_on_sizes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "SHARD_BYTES", 10)
    files = [SourceFile(name, name, "text", size) for name, size in (("a", 4), ("b", 5), ("c", 3), ("d", 90), ("e", 1))]
    assert [[file.name for file in shard] for shard in shards_of(files)] == [["a", "b"], ["c"], ["d"], ["e"]]


def test_a_chunk_holds_little_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "CHUNK_CHARACTERS", 100)
    items = [Record("f", n, str(n), "x" * 60) for n in range(5)]
    assert [len(group) for group in groups(items, 10)] == [2, 2, 1]
    assert [len(group) for group in groups(items, 1)] == [1] * 5


@settings(max_examples=150, deadline=None)
@given(
    data=st.lists(st.binary(max_size=60)).map(b"\n".join),
    format=st.sampled_from(records.FORMATS),
)
def test_any_bytes_end_in_items(tmp_path_factory: pytest.TempPathFactory, data: bytes, format: str) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "a"
    path.write_bytes(data)
    items, _ = read(path, format=format)
    assert all(isinstance(item, Record | Reject) for item in items)
    if format == "jsonl":
        filled = [n for n, line in enumerate(data.split(b"\n"), 1) if line.strip(b" \t\r\n\x0b\x0c\x1c\x1d\x1e\x1f\x85")]
        assert set(filled) >= {item.line for item in items} or b"\0" in data or data.startswith((b"\xff\xfe", b"\xfe\xff"))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters(), max_size=30), st.lists, max_leaves=5
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["text", "id", "x", "问题"]), JSON), max_size=8))
def test_every_object_is_a_record_or_a_reject(
    tmp_path_factory: pytest.TempPathFactory, given_rows: list[dict[str, Any]]
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in given_rows), encoding="utf-8")
    items, _ = read(path, keep=("x",))
    assert [item.line for item in items] == list(range(1, len(given_rows) + 1))
    for item, row in zip(items, given_rows, strict=True):
        if isinstance(item, Record):
            assert item.text == row.get("text", row.get("问题"))
