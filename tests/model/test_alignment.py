from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.config import load_schema
from nlp.errors import BundleError
from nlp.model.alignment import TextEncoder, entities_of, tag_names, tags_of
from nlp.model.decoding import decode_spans
from nlp.model.vocabulary import character_lexicon
from nlp.schema import Entity, EntityLabel, Example, LabelSchema, TopicLabel

VOCABULARY = {
    t: n for n, t in enumerate(["[PAD]", "x", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "京", "##医", "保", "▁3", "ab", "卡", " "])
}
SCHEMA = LabelSchema(
    (TopicLabel("t", "题"),), (EntityLabel("region", "地区", roles=("insured", "care")), EntityLabel("insurance", "险种"))
)
LEXICON = character_lexicon(VOCABULARY)
ENCODER = TextEncoder(LEXICON.characters, 16, 4)


def test_rows_and_tokens_agree() -> None:
    rows = LEXICON.rows
    names = {row: token for token, row in VOCABULARY.items()}
    vocabulary = ENCODER.tokenizer.get_vocab()
    assert len(rows) == len(vocabulary)
    for token, number in vocabulary.items():
        assert names[rows[number]].removeprefix("##").removeprefix("▁") == token


def test_vocabulary_without_special_tokens_is_refused() -> None:
    with pytest.raises(BundleError, match=r"\[PAD\]"):
        character_lexicon({"京": 0})


@given(st.lists(st.text(st.characters(), max_size=60), min_size=1, max_size=4))
def test_offsets_are_exact_for_any_unicode(texts: list[str]) -> None:
    for text, encoding in zip(texts, ENCODER.encode(texts), strict=True):
        assert len(encoding.ids) == len(encoding.starts) == len(encoding.ends)
        assert (encoding.starts < encoding.ends).all()
        assert (np.diff(encoding.starts) >= 0).all()
        assert not len(encoding) or (encoding.starts[0] >= 0 and encoding.ends[-1] <= len(text))
        assert (encoding.ends - encoding.starts == 1).all(), "a token is one code point"


@given(st.integers(0, 80))
def test_windows_cover_every_token_once_or_more(length: int) -> None:
    encoding = ENCODER.encode(["京" * length])[0]
    windows = ENCODER.windows([encoding])
    covered = [n for w in windows for n in range(w.start, w.end)]
    assert set(covered) == set(range(length))
    assert all(w.end - w.start <= 14 for w in windows)
    ids, mask = ENCODER.batch([encoding], windows)
    assert ids.shape == mask.shape == (len(windows), max(w.end - w.start for w in windows) + 2)
    assert mask.sum() == len(covered) + 2 * len(windows)


@st.composite
def examples(draw: st.DrawFn) -> Example:
    text = draw(st.text(alphabet="京医保卡 3x", min_size=1, max_size=40))
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8, unique=True)))
    tags = [("region", "insured"), ("region", "care"), ("insurance", None)]
    entities = [
        Entity(a, b, *draw(st.sampled_from(tags)))
        for a, b in zip(cuts[::2], cuts[1::2], strict=False)
        if not text[a].isspace() and not text[b - 1].isspace()
    ]
    return Example("1", text, "t", entities=tuple(entities))


@given(examples())
def test_entities_survive_tags_and_decoding(example: Example) -> None:
    names = tag_names(SCHEMA)
    encoding = ENCODER.encode([example.text])[0]
    tags, lost = tags_of(example, encoding, names)
    assert lost == 0
    logits = 9 * np.eye(len(names), dtype=np.float32)[tags]
    found = entities_of(decode_spans(logits, names), encoding)
    assert [(e.start, e.end, e.type, e.role) for e in found] == [(e.start, e.end, e.type, e.role) for e in example.entities]


def test_default_schema_has_a_tag_for_each_role(root: object) -> None:
    schema = load_schema(root / "datasets/policy_questions/schema.toml")  # type: ignore[operator]
    assert len(tag_names(schema)) == 1 + 4 * (6 + 10)


def test_names_of_special_tokens_are_plain_text() -> None:
    encoding = ENCODER.encode(["[MASK]京[SEP]"])[0]
    assert len(encoding) == len("[MASK]京[SEP]")
    assert not {ENCODER.mask, ENCODER.sep} & set(encoding.ids.tolist())


def test_a_character_that_unfolds_is_in_one_entity() -> None:
    (encoding,) = ENCODER.encode(["㍿保"])  # four characters in one
    assert len(encoding) > 2
    spans = [(0, 1, "insurance", 0.9), (2, len(encoding) - 1, "insurance", 0.8)]
    assert [(e.start, e.end) for e in entities_of(spans, encoding)] == [(0, 1)]
