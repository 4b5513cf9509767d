from __future__ import annotations

from pathlib import Path

import pytest

from nlp.data.markup import parse_marked, read_marked
from nlp.errors import DataError

TAGS = {"i": "insurance", "ri": "region:insured", "rc": "region:care"}


def test_marks_become_entities_with_offsets() -> None:
    text, entities = parse_marked("{沈阳|ri}的{医保|i}在{大连|rc}能刷吗", TAGS)
    assert text == "沈阳的医保在大连能刷吗"
    assert [(text[e.start : e.end], e.type, e.role) for e in entities] == [
        ("沈阳", "region", "insured"),
        ("医保", "insurance", None),
        ("大连", "region", "care"),
    ]


@pytest.mark.parametrize(
    ("line", "problem"), [("{沈阳|x}", "unknown tag 'x'"), ("沈阳|ri}", "stray '}'"), ("{沈阳", "stray '{'")]
)
def test_broken_marks_are_named(tmp_path: Path, line: str, problem: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(f"#topic t\n\n{line}\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        list(read_marked(path, TAGS))
    assert str(caught.value).startswith(f"{path}:3: text: ")
    assert problem in str(caught.value)


def test_headers_groups_and_also(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(
        "// a note\n#topic a\n#register story\n第一句\\n第二行\n+@topic=b {沈阳|ri}变体 @@ c, d\n另一组\n#topic none\n答复里的一句\n",
        encoding="utf-8",
    )
    first, second, third, fourth = (example for _, example in read_marked(path, TAGS))
    assert first.text == "第一句\n第二行"
    assert (first.topic, first.register, first.source) == ("a", "story", "a")
    assert (second.topic, second.also, second.group) == ("b", ("c", "d"), first.group)
    assert third.group != first.group
    assert fourth.topic is None


def test_unknown_header(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("#topics a\n", encoding="utf-8")
    with pytest.raises(DataError, match="header: unknown 'topics'"):
        list(read_marked(path, TAGS))
