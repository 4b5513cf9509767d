"""Text corpus → character encoder: whole-word masked language modelling, with a teacher's token states and sentence vectors distilled."""

from __future__ import annotations

import json
import lzma
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset
from transformers import AutoModel, PreTrainedModel, Trainer, TrainingArguments

from nlp.config import BasePlan, PretrainRecipe
from nlp.errors import InputError
from nlp.model.alignment import (
    Encoding,
    TextEncoder,
    Window,
    character_rows,
    character_tokenizer,
    piece_tokenizer,
    read_vocabulary,
)
from nlp.model.card import encoder_card
from nlp.model.network import IGNORED, load_base, mean_pool
from nlp.text.segment import split

SIMILARITY_TEMPERATURE = 0.05  # as in the contrastive training of E5 (Wang et al. 2024, Multilingual E5, section 2), softened
MASKED_AS_MASK, MASKED_AS_RANDOM = 0.8, 0.1  # shares of BERT (Devlin et al. 2019, section 3.1); the rest stays as it is


@dataclass(frozen=True, slots=True)
class Corpus:
    """All sequences end to end: token ids (tokens,), word number of each token (tokens,), and where each sequence starts (n + 1,)."""

    ids: NDArray[np.int32]
    words: NDArray[np.int32]
    bounds: NDArray[np.int64]

    def save(self, path: Path) -> None:
        with path.open("wb") as file:
            np.savez(file, ids=self.ids, words=self.words, bounds=self.bounds)

    @classmethod
    def load(cls, path: Path) -> Corpus:
        with np.load(path) as data:
            return cls(data["ids"], data["words"], data["bounds"])


def read_lines(path: Path) -> Iterator[str]:
    """The paragraphs of a `.txt`, `.txt.xz` or `.jsonl` file.

    Raises:
        InputError: There is no such file.
    """
    if not path.exists():
        raise InputError(f"pretrain.corpus: {path}: no such file")
    with lzma.open(path, "rt", encoding="utf-8") if path.suffix == ".xz" else path.open(encoding="utf-8") as file:
        for line in file:
            text = json.loads(line)["text"] if path.suffix == ".jsonl" else line.strip()
            if text:
                yield text


def build_corpus(recipe: PretrainRecipe, encoder: TextEncoder, cut: Callable[[str], Sequence[str]]) -> Corpus:
    """Reads, samples, tokenises and cuts the corpus; `cut` segments a text into words, whose characters are masked together."""
    rng = random.Random(recipe.seed)
    ids: list[NDArray[np.int32]] = []
    words: list[NDArray[np.int32]] = []
    for number, name in enumerate(recipe.corpus):
        share = recipe.shares[number] if number < len(recipe.shares) else 1.0
        chosen = [
            piece for line in read_lines(Path(name)) for piece in _pieces(line, recipe.max_length - 2) if rng.random() < share
        ]
        for piece, encoding in zip(chosen, encoder.encode(chosen), strict=True):
            if len(encoding) >= 4:
                ids.append(encoding.ids)
                words.append(_word_numbers(piece, encoding.starts, cut))
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
    """The numbers of the sequences; the collator reads them, so that a batch is made in one go."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> int:
        return index


class MaskingCollator:
    """Sequence numbers → padded ids, mask, targets; the first half of the rows is masked by whole words."""

    def __init__(self, corpus: Corpus, encoder: TextEncoder, recipe: PretrainRecipe) -> None:
        self.corpus, self.encoder, self.recipe = corpus, encoder, recipe
        self.vocabulary = encoder.tokenizer.get_vocab_size()

    def __call__(self, numbers: Sequence[int]) -> dict[str, Tensor]:
        rng = np.random.default_rng((self.recipe.seed, *numbers))
        bounds = self.corpus.bounds
        width = max(int(bounds[n + 1] - bounds[n]) for n in numbers) + 2
        ids = np.full((len(numbers), width), self.encoder.pad, dtype=np.int64)
        targets = np.full_like(ids, IGNORED)
        for row, number in enumerate(numbers):
            tokens = self.corpus.ids[bounds[number] : bounds[number + 1]]
            ids[row, 0], ids[row, len(tokens) + 1] = self.encoder.cls, self.encoder.sep
            ids[row, 1 : len(tokens) + 1] = tokens
        whole = torch.from_numpy(ids.copy())
        for row, number in enumerate(numbers[: (len(numbers) + 1) // 2]):
            words = self.corpus.words[bounds[number] : bounds[number + 1]]
            chosen = np.flatnonzero((rng.random(words.max() + 1) < self.recipe.mask_rate)[words]) + 1
            targets[row, chosen] = ids[row, chosen]
            dice = rng.random(len(chosen))
            ids[row, chosen[dice < MASKED_AS_MASK]] = self.encoder.mask
            random_places = chosen[(dice >= MASKED_AS_MASK) & (dice < MASKED_AS_MASK + MASKED_AS_RANDOM)]
            ids[row, random_places] = rng.integers(5, self.vocabulary, len(random_places))
        inputs = torch.from_numpy(ids)
        mask = (inputs != self.encoder.pad).long()
        return {"ids": inputs, "mask": mask, "targets": torch.from_numpy(targets), "whole": whole}


class Teacher:
    """A frozen encoder of any vocabulary; texts are put together again from character ids, so that its pieces can be aligned with them.

    Args:
        path: Folder of the teacher.
        encoder: The student's tokenizer.
        prefix: What the teacher expects before a text.
    """

    def __init__(self, path: str, encoder: TextEncoder, prefix: str = "query: ") -> None:
        self.network = AutoModel.from_pretrained(path, dtype=torch.bfloat16).eval()
        self.pieces = TextEncoder(piece_tokenizer(Path(path)), 512, 0)
        self.prefix = prefix
        self.characters = [""] * encoder.tokenizer.get_vocab_size()
        for token, number in encoder.tokenizer.get_vocab().items():
            self.characters[number] = token if len(token) == 1 else ""
        self.characters[encoder.unk] = "□"  # any one character, so that places stay aligned

    @torch.no_grad()
    def __call__(self, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Reads the texts whose character ids, special tokens included, are `ids` (batch, length).

        Returns:
            Unit vectors (batch, width); for each character the state of the piece that it lies in (batch, length, width); and which
            characters lie in one (batch, length), bool.
        """
        texts = ["".join(self.characters[n] for n in row) for row in ids.tolist()]
        hidden, mask, encodings = self._run(texts)
        places = np.full(ids.shape, -1, dtype=np.int64)
        for row, encoding in enumerate(encodings):
            for piece, (start, end) in enumerate(zip(encoding.starts, encoding.ends, strict=True)):
                # Both sides begin with one special token, hence the + 1 on both.
                places[row, max(0, start - len(self.prefix)) + 1 : max(0, end - len(self.prefix)) + 1] = piece + 1
        chosen = torch.from_numpy(places).to(hidden.device)
        states = hidden.gather(1, chosen.clamp(min=0).unsqueeze(-1).expand(-1, -1, hidden.shape[-1]))
        return functional.normalize(mean_pool(hidden, mask), dim=-1), states, chosen >= 0

    @torch.no_grad()
    def vectors(self, texts: Sequence[str]) -> Tensor:
        """Unit vectors (texts, width) of plain texts, float32."""
        hidden, mask, _ = self._run(texts)
        return functional.normalize(mean_pool(hidden, mask), dim=-1)

    def _run(self, texts: Sequence[str]) -> tuple[Tensor, Tensor, list[Encoding]]:
        encodings = self.pieces.encode([self.prefix + text for text in texts])
        windows = [Window(n, 0, min(len(e), self.pieces.max_length - 2)) for n, e in enumerate(encodings)]
        device = next(self.network.parameters()).device
        ids, mask = (torch.from_numpy(a).to(device) for a in self.pieces.batch(encodings, windows))
        return self.network(input_ids=ids, attention_mask=mask).last_hidden_state.float(), mask, encodings


class MaskedEncoder(nn.Module):
    """An encoder with the masked-language-model head of BERT (tied to the embeddings) and the three losses of the recipe."""

    def __init__(self, encoder: PreTrainedModel, recipe: PretrainRecipe, teacher: Teacher | None) -> None:
        super().__init__()
        width = int(encoder.config.hidden_size)
        self.encoder, self.recipe = encoder, recipe
        self.transform = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width))
        self.bias = nn.Parameter(torch.zeros(encoder.config.vocab_size))
        self._teacher = [teacher]  # in a list, so that it is neither trained nor saved

    def forward(self, ids: Tensor, mask: Tensor, targets: Tensor, whole: Tensor) -> dict[str, Tensor]:
        """Returns `loss` and its parts as scalars: `masked`, and with a teacher `tokens` and `vectors`."""
        hidden = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        chosen = targets != IGNORED
        logits = functional.linear(self.transform(hidden[chosen]), self.encoder.get_input_embeddings().weight, self.bias)
        masked = functional.cross_entropy(logits.float(), targets[chosen])
        loss = self.recipe.masked_weight * masked
        parts = {"masked": masked.detach()}
        teacher = self._teacher[0]
        if teacher is not None:
            vectors, states, known = teacher(whole)
            token = token_loss(hidden[known], states[known])
            vector = similarity_loss(mean_pool(hidden, mask), vectors)
            loss = loss + self.recipe.token_weight * token + self.recipe.vector_weight * vector
            parts |= {"tokens": token.detach(), "vectors": vector.detach()}
        return {"loss": loss, **parts}


def token_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared difference of token states (tokens, width), each dimension in units of its spread over the teacher's tokens.

    Without that, the few dimensions of large values that such encoders have would be all that is learnt.
    """
    spread = teacher.std(dim=0, keepdim=True).clamp(min=1e-3)
    return ((student.float() - teacher) / spread).pow(2).mean()


def similarity_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """How far student vectors (batch, width) are from the teacher's unit vectors, each alone and in their similarities to one another."""
    student = functional.normalize(student.float(), dim=-1)
    alone = (1 - (student * teacher).sum(dim=-1)).mean()
    itself = torch.eye(len(student), dtype=torch.bool, device=student.device)
    ours, theirs = ((v @ v.T / SIMILARITY_TEMPERATURE).masked_fill(itself, -1e4) for v in (student, teacher))
    together = functional.kl_div(ours.log_softmax(-1), theirs.log_softmax(-1), log_target=True, reduction="batchmean")
    return 10 * alone + together


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
    vocabulary = read_vocabulary(Path(plan.base.path))
    encoder = TextEncoder(character_tokenizer(vocabulary), recipe.max_length, 0)
    work.mkdir(parents=True, exist_ok=True)
    cache = work / "corpus.npz"
    if not cache.exists():
        build_corpus(recipe, encoder, split).save(cache)
    corpus = Corpus.load(cache)
    teacher = Teacher(recipe.teacher, encoder) if recipe.teacher else None
    base = load_base(plan.base, character_rows(vocabulary))
    for module in base.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0  # one pass over a corpus cannot overfit, and drawing the masks takes a seventh of the time
    network = MaskedEncoder(base, recipe, teacher)
    trainer = Trainer(
        model=network,
        args=_arguments(recipe, work),
        train_dataset=Sequences(len(corpus.bounds) - 1),
        data_collator=MaskingCollator(corpus, encoder, recipe),
    )
    checkpoints = sorted(work.glob("checkpoint-*"))
    trainer.train(resume_from_checkpoint=True if resume and checkpoints else None)
    _save(network.encoder, encoder, plan, trainer.state.log_history, output)
    return output


def _arguments(recipe: PretrainRecipe, work: Path) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(work),
        max_steps=recipe.max_steps,
        per_device_train_batch_size=recipe.batch_size,
        learning_rate=recipe.lr,
        weight_decay=recipe.weight_decay,
        warmup_steps=math.ceil(recipe.warmup * recipe.max_steps),
        bf16=recipe.precision == "bf16",
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=torch.cuda.is_available(),
        save_steps=recipe.save_steps,
        save_total_limit=2,
        logging_steps=50,
        remove_unused_columns=False,
        seed=recipe.seed,
        dataloader_drop_last=True,
    )


def _save(network: PreTrainedModel, encoder: TextEncoder, plan: BasePlan, history: list[dict[str, Any]], output: Path) -> None:
    output.mkdir(parents=True, exist_ok=True)
    network.half().save_pretrained(output)
    encoder.tokenizer.save(str(output / "tokenizer.json"))
    record = {"recipe": plan.to_dict(), "history": history}
    (output / "README.md").write_text(encoder_card(record), encoding="utf-8")
    (output / "training.json").write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
