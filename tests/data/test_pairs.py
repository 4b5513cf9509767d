from __future__ import annotations

from pathlib import Path

import pytest

from nlp.data.pairs import pairs_of, parse_pair, read_blocks, scan_blocks
from nlp.errors import DataError


def test_pairs_of_a_block(pairs: Path) -> None:
    block, other = read_blocks(pairs / "source" / "a.txt")
    assert (block.line, other.line) == (2, 9)
    rows = list(pairs_of(block, "e1", "medical", "g", "train"))
    first, second = block.paraphrases
    assert [(p.kind, p.label, p.a, p.b, p.entry) for p in rows] == [
        ("answer", 1, first, block.question, "e1"),
        ("answer", 1, second, block.question, "e1"),
        ("paraphrase", 1, first, second, None),
        ("region", 0, "大连医保断缴几个月清零", block.question, "e1"),
        ("region", 0, "大连医保断缴几个月清零", first, None),
        ("policy", 0, "沈阳医保断缴以后怎么补", block.question, "e1"),
        ("policy", 0, "沈阳医保断缴以后怎么补", first, None),
    ]
    assert len({p.id for p in rows}) == len(rows)
    assert all(parse_pair(p.to_dict(), pairs, 1) == p for p in rows)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("~ 没有问题\n", ["1: @: missing"]),
        ("@ 问\n!topic 别的\n", ["1: ~: missing"]),
        ("@ 问\n~ 换说法\n~\n", ["3: text: empty"]),
        ("@ 问\n~ 一样\n!policy 一样\n", ["1: text: '一样' stands twice"]),
        ("@ 问\n? 什么\n~ 说法\n", ["2: mark: '?', expected @"]),
        ("@ 问\n~ 一\n@ 问二\n~ 二\n\n\n~ 三", ["7: @: missing"]),
        ("", []),
    ],
)
def test_broken_blocks_are_named(tmp_path: Path, text: str, problems: list[str]) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8")
    found = [str(block) for _, block in scan_blocks(path) if isinstance(block, DataError)]
    assert len(found) == len(problems)
    for message, problem in zip(found, problems, strict=True):
        assert message.startswith(f"{path}:{problem}")
    if problems:
        with pytest.raises(DataError):
            list(read_blocks(path))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"a": ""}, "a"),
        ({"kind": "other"}, "kind"),
        ({"label": 0}, "label"),
        ({"label": True}, "label"),
        ({"entry": 5}, "entry"),
    ],
)
def test_rows_are_checked(change: dict[str, object], field: str) -> None:
    row = {"id": "1", "a": "甲", "b": "乙", "entry": None, "label": 1, "kind": "answer"} | change
    with pytest.raises(DataError, match=f":3: {field}: "):
        parse_pair(row, Path("a.jsonl"), 3)
