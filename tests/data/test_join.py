"""Labels kept apart from their texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from nlp.data.corpus import text_id, write_rows
from nlp.data.join import join_texts
from nlp.errors import DataError, InputError


def files(folder: Path, *rows: dict[str, object]) -> tuple[Path, Path]:
    texts, labels = folder / "texts.jsonl", folder / "labels.jsonl"
    write_rows(texts, [{"text": "兰州医保能用吗", "source": "x"}, {"text": "😀工资不发"}])
    write_rows(labels, rows)
    return labels, texts


def test_labels_meet_their_texts_and_the_others_are_named(tmp_path: Path) -> None:
    first = {
        "id": text_id("😀工资不发"),
        "topic": "labor_law",
        "also": [],
        "entities": [{"start": 1, "end": 3, "type": "benefit"}],
    }
    labels, texts = files(tmp_path, first, {"id": "0123456789", "topic": "family"})
    joined = join_texts(labels, [texts])
    assert [(e.text, e.topic) for e in joined.examples] == [("😀工资不发", "labor_law")]
    span = joined.examples[0].entities[0]
    assert joined.examples[0].text[span.start : span.end] == "工资"
    assert joined.missing == ("0123456789",)


def test_a_topic_gives_no_more_than_its_share(tmp_path: Path) -> None:
    rows = [{"id": text_id(text), "topic": "labor_law"} for text in ("兰州医保能用吗", "😀工资不发")]
    labels, texts = files(tmp_path, *rows)
    joined = join_texts(labels, [texts], per_topic=1)
    assert [e.text for e in joined.examples] == ["兰州医保能用吗"]
    assert [e.text for e in joined.rest] == ["😀工资不发"]


def test_entities_outside_the_text_are_refused(tmp_path: Path) -> None:
    row = {"id": text_id("兰州医保能用吗"), "topic": None, "entities": [{"start": 5, "end": 9, "type": "region"}]}
    labels, texts = files(tmp_path, row)
    with pytest.raises(DataError, match=r"labels.jsonl:1: entities\[0\]: span 5-9"):
        join_texts(labels, [texts])


def test_texts_without_text_are_refused(tmp_path: Path) -> None:
    labels, texts = files(tmp_path)
    write_rows(texts, [{"question": "x"}])
    with pytest.raises(DataError, match=r"texts.jsonl:1: text"):
        join_texts(labels, [texts])


def test_texts_that_no_label_is_about_are_refused(tmp_path: Path) -> None:
    labels, texts = files(tmp_path, {"id": "0123456789", "topic": "family"})
    with pytest.raises(InputError, match=r"none of the 1 labels is about a text of .*texts.jsonl"):
        join_texts(labels, [texts])
