from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models

from nlp.errors import BundleError
from nlp.model.alignment import TextEncoder, load_encoder
from nlp.model.vocabulary import Lexicon, gb2312_characters, piece_lexicon, read_vocabulary

TEXTS = ["北京医保卡", "医保卡在北京能用吗", "ＡＢ公司拖欠工资", "拖欠工资20万"]
PIECES = ["北京", "医保", "医保卡", "公司", "拖欠", "工资", "ab", "20", "万"]


def base(folder: Path) -> Path:
    singles = sorted({c for c in "".join(TEXTS).lower() + "ab" if c not in "ＡＢａｂ"})
    vocabulary = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("<mask>", 0.0)]
    vocabulary += [(c, -9.0) for c in singles] + [(f"▁{PIECES[0]}", -8.0)] + [(p, -7.0) for p in PIECES if len(p) > 1]
    Tokenizer(models.Unigram(vocabulary, unk_id=3)).save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="module")
def lexicon(tmp_path_factory: pytest.TempPathFactory) -> Lexicon:
    return piece_lexicon(base(tmp_path_factory.mktemp("base")), TEXTS, 6)


@pytest.fixture(scope="module")
def encoder(lexicon: Lexicon) -> TextEncoder:
    return TextEncoder(lexicon.characters, 12, 2, lexicon.pieces)


def test_a_line_separator_is_a_token_like_any(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("[PAD]\n\u2028\n##\u2029\n\x85\n的\n", encoding="utf-8")
    assert read_vocabulary(tmp_path) == {"[PAD]": 0, "\u2028": 1, "##\u2029": 2, "\x85": 3, "的": 4}


def test_gb2312_is_whole() -> None:
    characters = gb2312_characters()
    assert len(characters) == len(set(characters)) == 6763
    assert characters[0] == "啊"
    assert characters[-1] == "齄"


def test_characters_and_pieces_share_one_table(lexicon: Lexicon) -> None:
    assert lexicon.pieces is not None
    characters, pieces = lexicon.characters.get_vocab(), lexicon.pieces.get_vocab()
    assert len(lexicon.rows) == len(pieces)
    assert all(pieces[token] == number for token, number in characters.items())
    assert {"医保卡", "北京", "工资"} <= pieces.keys()
    assert "20" not in pieces, "pieces with digits would hide how a number is written"


def test_each_character_knows_its_piece(encoder: TextEncoder) -> None:
    assert encoder.lexicon is not None
    encoding = encoder.encode(["北京 医保卡ＡＢ？"])[0]
    names = {number: token for token, number in encoder.lexicon.get_vocab().items()}
    assert [names[n] for n in encoding.ids[:, 1]] == ["北京"] * 2 + ["医保卡"] * 3 + ["ab"] * 2 + ["[UNK]"]
    assert encoding.ids[:, 2].tolist() == [0, 0, 1, 1, 1, 2, 2, 3]
    ids, mask = encoder.batch([encoding], encoder.windows([encoding]))
    assert ids.shape == (1, 10, 3)
    assert mask.all()
    assert ids[0, :, 2].tolist() == [0, 1, 1, 2, 2, 2, 3, 3, 4, 5]


@given(st.lists(st.text(st.characters(), max_size=60), min_size=1, max_size=3))
def test_any_text_has_a_piece_around_each_character(encoder: TextEncoder, texts: list[str]) -> None:
    encodings = encoder.encode(texts)
    for encoding in encodings:
        assert encoding.ids.shape == (len(encoding), 3)
        assert (np.diff(encoding.ids[:, 2]) >= 0).all()
        assert not len(encoding) or encoding.ids[0, 2] >= 0
    windows = encoder.windows(encodings)
    ids, mask = encoder.batch(encodings, windows)
    places = ids[..., 2] * mask
    assert (places[:, 0] == 0).all()
    assert (places >= 0).all()
    assert (places < 12).all(), "pieces are numbered from the start of the window"


def test_tokenizers_survive_a_folder(encoder: TextEncoder, tmp_path: Path) -> None:
    encoder.save(tmp_path)
    again = load_encoder(tmp_path, 12, 2)
    for one, other in zip(encoder.encode(TEXTS), again.encode(TEXTS), strict=True):
        assert np.array_equal(one.ids, other.ids)


def test_a_base_without_unigram_pieces_is_refused(tmp_path: Path) -> None:
    Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]")).save(str(tmp_path / "tokenizer.json"))
    assert json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))["model"]["type"] == "WordLevel"
    with pytest.raises(BundleError, match="expected Unigram"):
        piece_lexicon(tmp_path, TEXTS, 6)
