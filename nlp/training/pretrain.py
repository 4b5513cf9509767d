"""Text corpus → character encoder: whole-word masked language modelling, with a teacher's token states and sentence vectors distilled."""

from __future__ import annotations

import json
import lzma
import math
import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset
from transformers import AutoModel, Trainer, TrainingArguments
from transformers.trainer_pt_utils import LengthGroupedSampler

from nlp.config import BasePlan, PretrainRecipe, TrainRecipe
from nlp.data.corpus import read_rows
from nlp.errors import BundleError, DataError, InputError, RecipeError
from nlp.model.alignment import Encoding, TextEncoder, Window, load_encoder, pad_rows
from nlp.model.card import LOSS_PLOT, encoder_card
from nlp.model.network import IGNORED, TokenEncoder, checkpoint_folder, load_base, mean_pool, save_base, similarity_loss
from nlp.model.store import PIECES
from nlp.model.vocabulary import SPECIALS, Lexicon, character_lexicon, piece_lexicon, piece_tokenizer, read_vocabulary
from nlp.text.segment import split
from nlp.training.checkpoints import CORPUS, begin, essence, traces
from nlp.training.curves import draw_curves
from nlp.training.pruning import prune_neurons

PIECE_SAMPLE, PIECE_SAMPLE_LINE = 4000, 400  # lines of each corpus file, and characters of a line, in which pieces are counted
RECORD = "training.json"
PRUNING_BATCHES = 16  # of the corpus, in which neurons are weighed
SHORTEST = 4  # tokens of a sequence that is worth reading
MASKED_AS_MASK, MASKED_AS_RANDOM = 0.8, 0.1  # shares of BERT (Devlin et al. 2019, section 3.1); the rest stays as it is


@dataclass(frozen=True, slots=True)
class Corpus:
    """All sequences end to end: ids (tokens,) or with a lexicon (tokens, 3), word number of each token (tokens,), and where each sequence
    starts (n + 1,)."""

    ids: NDArray[np.int32]
    words: NDArray[np.int32]
    bounds: NDArray[np.int64]

    def save(self, path: Path) -> None:
        """Writes all of it or nothing: a run that is stopped here begins with the corpus again."""
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            np.savez(file, ids=self.ids, words=self.words, bounds=self.bounds)
        os.replace(part, path)

    @classmethod
    def load(cls, path: Path) -> Corpus:
        with np.load(path) as data:
            return cls(data["ids"], data["words"], data["bounds"])


def read_lines(path: Path) -> Iterator[str]:
    """The paragraphs of a `.txt` or `.txt.xz` file; of a `.jsonl` file each `text`, or `a` and `b` of pairs, once.

    Raises:
        InputError: There is no such file.
        DataError: A row is broken, or has none of these fields.
    """
    if not path.exists():
        raise InputError(f"pretrain.corpus: {path}: no such file")
    if path.suffix == ".jsonl":
        yield from dict.fromkeys(_read_texts(path))
        return
    with lzma.open(path, "rt", encoding="utf-8") if path.suffix == ".xz" else path.open(encoding="utf-8") as file:
        yield from filter(None, map(str.strip, file))


def _read_texts(path: Path) -> Iterator[str]:
    for number, row in read_rows(path):
        if isinstance(row, DataError):
            raise row
        texts = [row[name] for name in ("text", "a", "b") if row.get(name)]
        if not texts or not all(isinstance(text, str) for text in texts):
            raise DataError(path, number, "text", f"expected a string, or `a` and `b` of a pair, got {row!r:.60}")
        yield from texts


def build_corpus(recipe: PretrainRecipe, encoder: TextEncoder, cut: Callable[[str], Sequence[str]]) -> Corpus:
    """Reads, samples, tokenises and cuts the corpus; `cut` segments a text into words, whose characters are masked together."""
    rng = random.Random(recipe.seed)
    ids: list[NDArray[np.int32]] = []
    words: list[NDArray[np.int32]] = []
    for number, name in enumerate(recipe.corpus):
        share = recipe.shares[number] if recipe.shares else 1.0
        chosen = [
            piece for line in read_lines(Path(name)) for piece in _pieces(line, recipe.max_length - 2) if rng.random() < share
        ]
        for piece, encoding in zip(chosen, encoder.encode(chosen), strict=True):
            if len(encoding) >= SHORTEST:
                room = slice(recipe.max_length - 2)  # NFKC makes several characters of some
                ids.append(encoding.ids[room])
                words.append(_word_numbers(piece, encoding.starts[room], cut))
    if not ids:
        raise InputError(f"pretrain.corpus: no text of four or more tokens in {', '.join(recipe.corpus)}")
    bounds = np.concatenate([[0], np.cumsum([len(i) for i in ids])])
    return Corpus(np.concatenate(ids), np.concatenate(words), bounds)


def _pieces(line: str, size: int) -> Iterator[str]:
    """Cuts a paragraph at sentence ends into pieces of at most `size` characters."""
    start = 0
    while start < len(line):
        end = min(start + size, len(line))
        if end < len(line):
            stop = max(line.rfind(mark, start + size // 3, end) for mark in "。！？；!?;")
            end = stop + 1 if stop > start else end
        yield line[start:end]
        start = end


def _word_numbers(text: str, starts: NDArray[np.int32], cut: Callable[[str], Sequence[str]]) -> NDArray[np.int32]:
    lengths = [len(word) for word in cut(text)]
    return np.searchsorted(np.cumsum(lengths), starts, side="right").astype(np.int32)


class Sequences(Dataset[int]):
    """The numbers of the sequences and their lengths in tokens; the collator reads the rest, so that a batch is made in one go."""

    def __init__(self, lengths: NDArray[np.int64]) -> None:
        self.lengths = lengths.tolist()

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> int:
        return index


class MaskingCollator:
    """Sequence numbers → padded ids, mask, targets; a share of the rows is masked, by whole words and all the pieces that these touch."""

    def __init__(self, corpus: Corpus, encoder: TextEncoder, recipe: PretrainRecipe) -> None:
        self.corpus, self.encoder, self.recipe = corpus, encoder, recipe
        self.vocabulary = encoder.tokenizer.get_vocab_size()

    def __call__(self, numbers: Sequence[int]) -> dict[str, Tensor]:
        rng = np.random.default_rng((self.recipe.seed, *numbers))
        bounds = self.corpus.bounds
        masked_rows = math.ceil(self.recipe.masked_share * len(numbers))
        wholes, inputs, targets = [], [], []
        for row, number in enumerate(numbers):
            ids = self.corpus.ids[bounds[number] : bounds[number + 1]]
            changed, target = ids.copy(), np.full(len(ids), IGNORED, dtype=np.int32)
            if row < masked_rows:
                self._mask(changed, target, self.corpus.words[bounds[number] : bounds[number + 1]], rng)
            wholes.append(self.encoder.frame(ids))
            inputs.append(self.encoder.frame(changed))
            targets.append(np.concatenate([[IGNORED], target, [IGNORED]]))
        whole, mask = pad_rows(wholes, self.encoder.pad)
        padded = np.full(mask.shape, IGNORED, dtype=np.int64)
        for row, wanted in enumerate(targets):
            padded[row, : len(wanted)] = wanted
        arrays = {"ids": pad_rows(inputs, self.encoder.pad)[0], "mask": mask, "targets": padded, "whole": whole}
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def _mask(
        self, ids: NDArray[np.int32], target: NDArray[np.int32], words: NDArray[np.int32], rng: np.random.Generator
    ) -> None:
        """Changes `ids` in place and writes what stood there to `target`."""
        chosen = (rng.random(words.max() + 1) < self.recipe.mask_rate)[words]
        if ids.ndim == 2:  # a piece with one masked character would tell it
            chosen = np.isin(ids[:, 2], ids[chosen, 2])
        places = np.flatnonzero(chosen)
        characters = ids if ids.ndim == 1 else ids[:, 0]
        target[places] = characters[places]
        dice = rng.random(len(places))
        hidden = places[dice < MASKED_AS_MASK]
        swapped = places[(dice >= MASKED_AS_MASK) & (dice < MASKED_AS_MASK + MASKED_AS_RANDOM)]
        strangers = rng.integers(len(SPECIALS), self.vocabulary, len(swapped))
        for channel in [ids] if ids.ndim == 1 else [ids[:, 0], ids[:, 1]]:
            channel[hidden] = self.encoder.mask
            channel[swapped] = strangers


class Teacher:
    """A frozen encoder of any vocabulary; texts are put together again from character ids, so that its pieces can be aligned with them.

    Args:
        path: Folder or hub id of the teacher.
        encoder: The student's tokenizer.
        prefix: What the teacher expects before a text.
        key: Of the recipe that names it, for messages.

    Raises:
        BundleError: There is no such checkpoint, or it has no tokenizer.
    """

    def __init__(self, path: str, encoder: TextEncoder, prefix: str = "query: ", key: str = "teacher") -> None:
        folder = checkpoint_folder(path, key)
        try:
            self.network = AutoModel.from_pretrained(folder, dtype=torch.bfloat16).eval()
        except (OSError, ValueError) as error:
            raise BundleError(f"{key} {path!r}: {error}; expected a folder with config.json and weights") from None
        self.pieces = TextEncoder(piece_tokenizer(folder), 512, 0)
        self.prefix = prefix
        self.characters = [""] * encoder.tokenizer.get_vocab_size()
        for token, number in encoder.tokenizer.get_vocab().items():
            self.characters[number] = token if len(token) == 1 else ""
        self.characters[encoder.unk] = "□"  # any one character, so that places stay aligned

    @torch.no_grad()
    def __call__(self, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Reads the texts whose character ids, special tokens included, are `ids` (batch, length) or the first channel of them.

        Returns:
            Unit vectors (batch, width); for each character the states of the piece that it lies in, after the embedding and after each
            layer (layers + 1, batch, length, width); and which characters lie in one (batch, length), bool.
        """
        characters = ids if ids.dim() == 2 else ids[..., 0]
        texts = ["".join(self.characters[n] for n in row) for row in characters.tolist()]
        layers, mask, encodings = self._run(texts)
        places = np.full(characters.shape, -1, dtype=np.int64)
        for row, encoding in enumerate(encodings):
            for piece, (start, end) in enumerate(zip(encoding.starts, encoding.ends, strict=True)):
                # Both sides begin with one special token, hence the + 1 on both.
                places[row, max(0, start - len(self.prefix)) + 1 : max(0, end - len(self.prefix)) + 1] = piece + 1
        chosen = torch.from_numpy(places).to(mask.device)
        index = chosen.clamp(min=0).unsqueeze(-1).expand(-1, -1, layers[-1].shape[-1])
        states = torch.stack([layer.gather(1, index) for layer in layers])
        return functional.normalize(mean_pool(layers[-1].float(), mask), dim=-1), states, chosen >= 0

    @torch.no_grad()
    def vectors(self, texts: Sequence[str]) -> Tensor:
        """Unit vectors (texts, width) of plain texts, float32."""
        layers, mask, _ = self._run(texts)
        return functional.normalize(mean_pool(layers[-1].float(), mask), dim=-1)

    def _run(self, texts: Sequence[str]) -> tuple[tuple[Tensor, ...], Tensor, list[Encoding]]:
        encodings = self.pieces.encode([self.prefix + text for text in texts])
        windows = [Window(n, 0, min(len(e), self.pieces.max_length - 2)) for n, e in enumerate(encodings)]
        device = next(self.network.parameters()).device
        ids, mask = (torch.from_numpy(a).to(device) for a in self.pieces.batch(encodings, windows))
        layers = self.network(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
        return layers, mask, encodings


class MaskedEncoder(nn.Module):
    """An encoder with the masked-language-model head of BERT (tied to the rows of the characters) and the three losses of the recipe.

    Args:
        encoder: The student.
        characters: Number of its characters and special tokens, which are the first rows of its table.
        recipe: Weights of the losses.
        teacher: What is distilled; None trains on masked characters alone.
    """

    def __init__(self, encoder: TokenEncoder, characters: int, recipe: PretrainRecipe, teacher: Teacher | None) -> None:
        super().__init__()
        width = int(encoder.config.hidden_size)
        self.encoder, self.recipe = encoder, recipe
        self.transform = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width))
        self.bias = nn.Parameter(torch.zeros(characters))
        self._teacher = [teacher]  # in a list, so that it is neither trained nor saved

    def forward(self, ids: Tensor, mask: Tensor, targets: Tensor, whole: Tensor) -> dict[str, Tensor]:
        """Returns `loss` and its parts as scalars: `masked`, and with a teacher `tokens` and `vectors`."""
        layers = self.encoder.layers(ids, mask)
        chosen = targets != IGNORED
        logits = self.guess(layers[-1][chosen])
        masked = functional.cross_entropy(logits, targets[chosen], reduction="sum") / chosen.sum().clamp(min=1)
        loss = self.recipe.masked_weight * masked
        parts = {"masked": masked.detach()}
        teacher = self._teacher[0]
        if teacher is not None:
            teacher.network.to(whole.device)  # where the Trainer has put the student
            vectors, states, known = teacher(whole)
            token = torch.stack(
                [token_loss(layers[a][known], states[b][known]) for a, b in pairs(len(layers), len(states))]
            ).mean()
            vector = similarity_loss(mean_pool(layers[-1], mask), vectors)
            loss = loss + self.recipe.token_weight * token + self.recipe.vector_weight * vector
            parts |= {"tokens": token.detach(), "vectors": vector.detach()}
        return {"loss": loss, **parts}

    def guess(self, states: Tensor) -> Tensor:
        """Logits (tokens, characters), float32, of the characters that stood where the states (tokens, width) are."""
        table = self.encoder.rows.weight[: len(self.bias)]
        return functional.linear(self.transform(states), table, self.bias).float()


def pairs(student: int, teacher: int) -> list[tuple[int, int]]:
    """Which layers are compared, of so many states each (the embedding's first): every second one of the student, the last included, with
    the one as deep in the teacher (Jiao et al. 2020, TinyBERT, section 3.1)."""
    return [(k, round(k * (teacher - 1) / (student - 1))) for k in range(student - 1, 0, -2)]


def token_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared difference of token states (tokens, width), each dimension in units of its spread over the teacher's tokens.

    Without that, the few dimensions of large values that such encoders have would be all that is learnt.
    """
    teacher = teacher.float()
    spread = teacher.std(dim=0, keepdim=True).clamp(min=1e-3)
    return ((student.float() - teacher) / spread).pow(2).mean()


def pretrain(plan: BasePlan, output: Path, work: Path, resume: bool) -> Path:
    """Trains the encoder of a plan and writes it to `output` as a checkpoint that any recipe can name as its base.

    Args:
        plan: The recipe.
        output: Folder for config.json, model.safetensors, tokenizer files and the run's record.
        work: Folder for the tokenised corpus and checkpoints.
        resume: Go on from the last checkpoint under `work`, if there is one.

    Returns:
        `output`.
    """
    recipe = plan.pretrain
    before = _record_of(Path(plan.base.path), plan)
    encoder, rows = _tokens(checkpoint_folder(plan.base.path, "base.path"), recipe)
    teacher = Teacher(recipe.teacher, encoder, key="pretrain.teacher") if recipe.teacher else None
    torch.manual_seed(recipe.seed)  # of a random base
    student = load_base(plan.base, rows, lexicon=encoder.lexicon is not None)
    longest = student.longest
    if recipe.max_length > longest:
        raise RecipeError(
            f"pretrain.max_length = {recipe.max_length}: {plan.base.path} has {longest} positions, expected at most that"
        )
    base = "" if Path(plan.base.path).resolve() == output.resolve() else plan.base.path  # which the run replaces at its end
    made_of = traces(*recipe.corpus, base, recipe.teacher)
    going_on = begin(work, {"recipe": essence(plan.to_dict()), "made_of": made_of}, resume)
    own = {"max_steps": recipe.max_steps, "save_steps": recipe.save_steps, "logging_steps": 50, "dataloader_drop_last": True}
    arguments = run_arguments(recipe, work, own)
    with arguments.main_process_first(desc="the corpus"):  # the others read what the first has written
        if not (work / CORPUS).exists():
            build_corpus(recipe, encoder, split).save(work / CORPUS)
    corpus = Corpus.load(work / CORPUS)
    if len(corpus.bounds) - 1 < recipe.batch_size:
        raise RecipeError(
            f"pretrain.corpus: {len(corpus.bounds) - 1} sequences, expected at least a batch of {recipe.batch_size}"
        )
    student.set_dropout(0.0)  # one pass over a corpus cannot overfit, and drawing the masks takes a seventh of the time
    collator = MaskingCollator(corpus, encoder, recipe)
    if recipe.neurons:
        prune_neurons(student, recipe.neurons, _samples(corpus, collator, recipe))
    network = MaskedEncoder(student, encoder.tokenizer.get_vocab_size(), recipe, teacher)
    trainer = LengthGroupedTrainer(
        model=network,
        args=arguments,
        train_dataset=Sequences(np.diff(corpus.bounds)),
        data_collator=collator,
    )
    trainer.train(resume_from_checkpoint=True if going_on else None)
    if trainer.is_world_process_zero():
        _save(student, encoder, {"recipe": plan.to_dict(), "history": trainer.state.log_history, "before": before}, output)
    return output


class EpochSampler(LengthGroupedSampler):  # type: ignore[misc]  # the library ships no types
    """Draws another order each epoch, and the same one whether or not the run was stopped before: the Trainer names the epoch."""

    def __init__(self, batch_size: int, lengths: Sequence[int], seed: int) -> None:
        super().__init__(batch_size, lengths=list(lengths), generator=torch.Generator())
        self.seed = seed
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        self.generator.manual_seed(self.seed + epoch)


class LengthGroupedTrainer(Trainer):  # type: ignore[misc]  # the library ships no types
    """The library Trainer with batches of similar length: most texts are short, a few are long, and padding would be most of the work.

    Its training set has `lengths`, in tokens.
    """

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthGroupedSampler:
        return EpochSampler(self.args.train_batch_size, self.train_dataset.lengths, self.args.seed)


def run_arguments(recipe: PretrainRecipe | TrainRecipe, work: Path, own: Mapping[str, Any]) -> TrainingArguments:
    """What the Trainer is told: what every run has, and what is a run's own."""
    return TrainingArguments(
        output_dir=str(work),
        per_device_train_batch_size=recipe.batch_size,
        learning_rate=recipe.lr,
        weight_decay=recipe.weight_decay,
        warmup_steps=recipe.warmup,  # below 1, so a share of all
        bf16=recipe.precision == "bf16",
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=torch.cuda.is_available(),
        save_total_limit=2,
        remove_unused_columns=False,
        seed=recipe.seed,
        **own,
    )


def _tokens(folder: Path, recipe: PretrainRecipe) -> tuple[TextEncoder, tuple[int, ...] | None]:
    """The tokenizers, and the rows of the base's embedding to keep; a base that an earlier run wrote keeps its own, whole."""
    if (folder / PIECES).exists():
        if recipe.pieces:
            raise RecipeError(f"pretrain.pieces = {recipe.pieces}: {folder} has pieces of its own, leave the number out")
        return load_encoder(folder, recipe.max_length, 0), None
    lexicon = _lexicon(folder, recipe)
    return TextEncoder(lexicon.characters, recipe.max_length, 0, lexicon.pieces), lexicon.rows


def _lexicon(folder: Path, recipe: PretrainRecipe) -> Lexicon:
    if not recipe.pieces:
        return character_lexicon(read_vocabulary(folder))
    sample = (line[:PIECE_SAMPLE_LINE] for name in recipe.corpus for line in islice(read_lines(Path(name)), PIECE_SAMPLE))
    return piece_lexicon(folder, sample, recipe.pieces)


def _samples(corpus: Corpus, collator: MaskingCollator, recipe: PretrainRecipe) -> Iterator[tuple[Tensor, Tensor]]:
    """Ids and masks of a few unmasked batches from all over the corpus."""
    numbers = np.random.default_rng(recipe.seed).permutation(len(corpus.bounds) - 1)[: PRUNING_BATCHES * recipe.batch_size]
    for start in range(0, len(numbers), recipe.batch_size):
        batch = collator(numbers[start : start + recipe.batch_size].tolist())
        yield batch["whole"], batch["mask"]


def _record_of(folder: Path, plan: BasePlan) -> dict[str, Any] | None:
    """The record of the run that made a base; None where there is none, or where it is that of this very run, done before."""
    path = folder / RECORD
    record: dict[str, Any] | None = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    own = json.loads(json.dumps(plan.to_dict()))
    return record.get("before") if record is not None and record["recipe"] == own else record


def _save(student: TokenEncoder, encoder: TextEncoder, record: dict[str, Any], output: Path) -> None:
    card = encoder_card(record)
    output.mkdir(parents=True, exist_ok=True)
    save_base(student, output)
    encoder.save(output)
    draw_curves(record["history"], ("loss",), output / LOSS_PLOT)
    (output / "README.md").write_text(card, encoding="utf-8")
    (output / RECORD).write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
