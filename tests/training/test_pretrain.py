"""The encoder job on tiny random encoders: corpus, masking, alignment with a teacher of another vocabulary, stop and resume."""

from __future__ import annotations

import dataclasses
import json
import lzma
from pathlib import Path

import numpy as np
import pytest

from nlp.config import BasePlan, BaseRecipe, PretrainRecipe, TokenRecipe
from nlp.errors import BundleError, DataError, InputError, RecipeError
from nlp.model.alignment import TextEncoder
from nlp.model.vocabulary import character_lexicon, read_vocabulary
from nlp.text.segment import split

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
transformers = pytest.importorskip("transformers", reason="the extra `train` is not installed")

LINES = ["参保人员在异地住院可以直接结算。", "用人单位应当按月支付工资，不得拖欠。", "失业保险金按月发放给失业人员。"]
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def checkpoint(folder: Path, pieces: list[str]) -> Path:
    tokens = [*SPECIALS, *pieces, *sorted(set("".join(LINES)) | set("query:"))]
    config = transformers.BertConfig(
        vocab_size=len(tokens), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32
    )
    torch.manual_seed(len(pieces))
    transformers.BertModel(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(tokens), encoding="utf-8")
    return folder


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.txt.xz"
    with lzma.open(path, "wt", encoding="utf-8") as file:
        file.write("\n".join(LINES * 8))
    return path


def plan(base: Path, teacher: Path | None, corpus: Path, steps: int) -> BasePlan:
    recipe = PretrainRecipe(
        (str(corpus),), teacher=str(teacher or ""), max_length=24, batch_size=4, max_steps=steps, save_steps=2, lr=1e-3
    )
    return BasePlan("tiny", BaseRecipe(str(base)), recipe)


def encoder_of(base: Path) -> TextEncoder:
    return TextEncoder(character_lexicon(read_vocabulary(base)).characters, 24, 0)


def test_words_are_masked_together(tmp_path: Path, corpus: Path) -> None:
    from nlp.model.network import IGNORED
    from nlp.training.pretrain import MaskingCollator, build_corpus

    base = checkpoint(tmp_path / "base", [])
    encoder, recipe = encoder_of(base), plan(base, None, corpus, 1).pretrain
    built = build_corpus(recipe, encoder, split)
    assert len(built.bounds) == len(LINES) * 8 + 1
    batch = MaskingCollator(built, encoder, recipe)(range(8))
    assert (batch["targets"][4:] == IGNORED).all(), "the second half of the rows is seen whole"
    assert (batch["targets"][:4] != IGNORED).any()
    for row in range(4):
        words = built.words[built.bounds[row] : built.bounds[row + 1]]
        masked = batch["targets"][row, 1 : len(words) + 1].numpy() != IGNORED
        for word in np.unique(words):
            assert len(set(masked[words == word])) == 1
    unmasked = torch.where(batch["targets"] == IGNORED, batch["ids"], batch["targets"])
    assert torch.equal(unmasked, batch["whole"])


def test_teacher_states_are_those_of_the_piece_around_a_character(tmp_path: Path) -> None:
    from nlp.training.pretrain import Teacher

    base, other = checkpoint(tmp_path / "base", []), checkpoint(tmp_path / "teacher", ["query"])
    encoder, teacher = encoder_of(base), Teacher(str(other), encoder_of(base))
    encoding = encoder.encode(["用人单位"])
    ids, _ = encoder.batch(encoding, encoder.windows(encoding))
    vectors, states, known = teacher(torch.from_numpy(ids))
    assert known.tolist() == [[False, True, True, True, True, False]]
    hidden, _, encodings = teacher._run(["用人单位"])
    assert len(encodings[0]) == 6, "query, :, and four characters"
    assert torch.equal(states[-1, 0, 1:5], hidden[-1][0, 3:7])
    assert torch.allclose(vectors.norm(dim=-1), torch.ones(1))
    assert torch.allclose(vectors, teacher.vectors(["用人单位"]))


def test_losses_vanish_for_a_perfect_student() -> None:
    from nlp.model.network import similarity_loss
    from nlp.training.pretrain import token_loss

    torch.manual_seed(0)
    vectors = torch.nn.functional.normalize(torch.randn(6, 16), dim=-1)
    assert float(similarity_loss(vectors * 3, vectors)) == pytest.approx(0, abs=1e-5)
    assert float(similarity_loss(-vectors, vectors)) > 1
    assert float(token_loss(vectors, vectors)) == 0


def test_a_stopped_run_goes_on_and_gives_a_base(tmp_path: Path, corpus: Path) -> None:
    from nlp.model.network import load_base
    from nlp.training.pretrain import pretrain

    base, teacher = checkpoint(tmp_path / "base", []), checkpoint(tmp_path / "teacher", ["单位", "工资"])
    pretrain(plan(base, teacher, corpus, 2), tmp_path / "first", tmp_path / "work", resume=True)
    output = pretrain(plan(base, teacher, corpus, 6), tmp_path / "out", tmp_path / "work", resume=True)
    record = json.loads((output / "training.json").read_text(encoding="utf-8"))
    assert record["history"][-1]["step"] == 6
    assert (tmp_path / "work" / "checkpoint-6").is_dir()
    vocabulary = read_vocabulary(output)
    encoder = load_base(BaseRecipe(str(output)))
    assert encoder.config.vocab_size == len(vocabulary)
    assert all(torch.isfinite(weight).all() for weight in encoder.parameters())


def test_a_written_base_is_trained_on_with_its_own_vocabulary(tmp_path: Path, corpus: Path) -> None:
    from nlp.model.network import load_base
    from nlp.training.pretrain import pretrain

    base, teacher = checkpoint(tmp_path / "base", []), checkpoint(tmp_path / "teacher", ["单位", "工资"])
    first = pretrain(plan(base, teacher, corpus, 2), tmp_path / "first", tmp_path / "work", resume=True)
    pairs = tmp_path / "pairs.jsonl"
    asked = [{"a": f"用人单位第{n}月不发工资", "b": f"失业金第{n}次怎么领", "label": 0} for n in range(4)]
    pairs.write_text("\n".join(map(json.dumps, asked)), encoding="utf-8")
    narrow = plan(first, teacher, pairs, 2)
    narrow = dataclasses.replace(narrow, pretrain=dataclasses.replace(narrow.pretrain, neurons=24))
    second = pretrain(narrow, tmp_path / "second", tmp_path / "more", resume=True)
    assert read_vocabulary(second) == read_vocabulary(first)
    assert load_base(BaseRecipe(str(second))).body.encoder.layer[0].intermediate.dense.out_features == 24
    record = json.loads((second / "training.json").read_text(encoding="utf-8"))
    assert record["before"]["recipe"]["base"]["path"] == str(base)
    card = (second / "README.md").read_text(encoding="utf-8")
    assert card.index(f"from `{base}`") < card.index(f"from `{first}`")


def unigram(folder: Path) -> Path:
    """A base of word pieces, with the tokenizer of the T5 and XLM-R families."""
    from tokenizers import Tokenizer, models

    singles = sorted(set("".join(LINES)) | set("query:"))
    tokens = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *singles, "单位", "工资", "失业", "参保人员"]
    config = transformers.BertConfig(
        vocab_size=len(tokens), hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=32
    )
    torch.manual_seed(3)
    transformers.BertModel(config).save_pretrained(folder)
    scores = [(token, -9.0 if len(token) == 1 else -5.0) for token in tokens]
    Tokenizer(models.Unigram(scores, unk_id=3)).save(str(folder / "tokenizer.json"))
    return folder


def test_a_student_with_pieces_starts_as_its_base_and_can_be_taken_up(tmp_path: Path, corpus: Path) -> None:
    from nlp.model.alignment import load_encoder
    from nlp.model.network import load_base
    from nlp.training.finetune import _tokens as tokens_for_training
    from nlp.training.pretrain import pretrain

    base = unigram(tmp_path / "base")
    whole = plan(base, base, corpus, 4)
    recipe = dataclasses.replace(whole.pretrain, pieces=3)
    output = pretrain(dataclasses.replace(whole, pretrain=recipe), tmp_path / "out", tmp_path / "work", resume=True)
    assert (output / "plots" / "loss.png").exists()
    encoder, network = load_encoder(output, 24, 0), load_base(BaseRecipe(str(output))).eval()
    assert network.character is not None
    assert network.character.weight.abs().max() > 0, "the map of characters has been trained and kept"
    encodings = encoder.encode(["用人单位应当支付工资"])
    ids, mask = encoder.batch(encodings, encoder.windows(encodings))
    states = network(torch.from_numpy(ids), torch.from_numpy(mask))
    assert states.shape == (1, ids.shape[1], 16)
    assert torch.isfinite(states).all()
    fresh = load_base(BaseRecipe(str(output), random=True)).eval()
    assert fresh(torch.from_numpy(ids), torch.from_numpy(mask)).shape == states.shape
    with pytest.raises(RecipeError, match=r'tokens\.unit = "piece"'):
        tokens_for_training(output, TokenRecipe("piece"))


def test_a_masked_character_takes_its_piece_along(tmp_path: Path, corpus: Path) -> None:
    from nlp.model.network import IGNORED
    from nlp.training.pretrain import MaskingCollator, _tokens, build_corpus

    whole = plan(unigram(tmp_path / "base"), None, corpus, 1)
    recipe = dataclasses.replace(whole.pretrain, pieces=4, masked_share=1.0)
    encoder, _ = _tokens(Path(whole.base.path), recipe)
    batch = MaskingCollator(build_corpus(recipe, encoder, split), encoder, recipe)(range(12))
    masked, places = batch["targets"] != IGNORED, batch["whole"][..., 2]
    assert masked.any()
    for row in range(12):
        for place in places[row, 1 : int(batch["mask"][row].sum()) - 1].unique():
            assert masked[row][(places[row] == place) & (batch["mask"][row] == 1)].unique().numel() == 1
    hidden = batch["ids"][..., 0] == encoder.mask
    assert (batch["ids"][..., 1][hidden] == encoder.mask).all()


def test_layers_are_compared_at_the_same_depth() -> None:
    from nlp.training.pretrain import pairs

    assert pairs(7, 13) == [(6, 12), (4, 8), (2, 4)]
    assert pairs(4, 13) == [(3, 12), (1, 4)]
    assert pairs(13, 13)[0] == (12, 12)


def test_a_missing_teacher_is_found_before_the_corpus_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nlp.training.pretrain import pretrain

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    whole = plan(checkpoint(tmp_path / "base", []), tmp_path / "none", tmp_path / "none.txt", 1)
    with pytest.raises(BundleError, match=r"pretrain\.teacher .*none"):
        pretrain(whole, tmp_path / "out", tmp_path / "work", resume=True)


def test_missing_and_empty_corpora_are_named(tmp_path: Path, corpus: Path) -> None:
    from nlp.training.pretrain import build_corpus

    base = checkpoint(tmp_path / "base", [])
    with pytest.raises(InputError, match=r"none\.txt: no such file"):
        build_corpus(plan(base, None, tmp_path / "none.txt", 1).pretrain, encoder_of(base), split)
    (tmp_path / "short.txt").write_text("\n好\n", encoding="utf-8")
    with pytest.raises(InputError, match="no text of four or more tokens"):
        build_corpus(plan(base, None, tmp_path / "short.txt", 1).pretrain, encoder_of(base), split)


def test_rows_without_text_are_refused(tmp_path: Path) -> None:
    from nlp.training.pretrain import read_lines

    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "工资"}\n{"text": "工资"}\n{"txet": "工资"}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"rows.jsonl:3: text: expected a string"):
        list(read_lines(path))
    path.write_text('{"text": "工资"}\n{"text": ', encoding="utf-8")
    with pytest.raises(DataError, match=r"rows.jsonl:2: .*not JSON"):
        list(read_lines(path))


def test_a_base_with_pieces_of_its_own_takes_no_others(tmp_path: Path, corpus: Path) -> None:
    from nlp.errors import RecipeError
    from nlp.training.pretrain import pretrain

    whole = plan(unigram(tmp_path / "base"), None, corpus, 1)
    first = pretrain(
        dataclasses.replace(whole, pretrain=dataclasses.replace(whole.pretrain, pieces=4)),
        tmp_path / "first",
        tmp_path / "work",
        resume=True,
    )
    again = plan(first, None, corpus, 1)
    with pytest.raises(RecipeError, match="has pieces of its own"):
        pretrain(
            dataclasses.replace(again, pretrain=dataclasses.replace(again.pretrain, pieces=4)),
            tmp_path / "second",
            tmp_path / "more",
            resume=True,
        )


def test_each_epoch_has_an_order_of_its_own_whatever_came_before() -> None:
    from nlp.training.pretrain import EpochSampler

    def order(epoch: int, *before: int) -> list[int]:
        sampler = EpochSampler(2, range(1, 41), seed=5)
        for earlier in (*before, epoch):
            sampler.set_epoch(earlier)
            found = list(sampler)
        return found

    assert order(2, 0, 1) == order(2) != order(1)


def test_characters_that_unfold_do_not_outgrow_a_sequence(tmp_path: Path) -> None:
    from nlp.training.pretrain import build_corpus

    path = tmp_path / "corpus.txt"
    path.write_text("工资" * 9 + "……。", encoding="utf-8")
    base = checkpoint(tmp_path / "base", [])
    recipe = PretrainRecipe((str(path),), max_length=24)
    assert np.diff(build_corpus(recipe, encoder_of(base), split).bounds).max() == 22


def test_too_small_a_corpus_is_refused(tmp_path: Path) -> None:
    from nlp.training.pretrain import pretrain

    path = tmp_path / "corpus.txt"
    path.write_text(LINES[0], encoding="utf-8")
    with pytest.raises(RecipeError, match="1 sequences, expected at least a batch of 4"):
        pretrain(plan(checkpoint(tmp_path / "base", []), None, path, 1), tmp_path / "out", tmp_path / "work", resume=True)
