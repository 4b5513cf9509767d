"""TOML → frozen dataclasses, strictly: an unknown key, a missing key or a wrong type stops with its path before anything heavy is imported.

models/x/train.toml: train.batch_size: expected int, got "32"
"""

from __future__ import annotations

import dataclasses
import math
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from nlp.errors import RecipeError
from nlp.schema import VALUE_KINDS, EntityLabel, LabelSchema, TopicLabel

T = TypeVar("T")


def _check(recipe: object, least: float, most: float, *names: str) -> None:
    for name in names:
        value = getattr(recipe, name)
        if not least <= value <= most:
            expected = f"{least:g} or more" if most == math.inf else f"{least:g} to {most:g}"
            raise RecipeError(f"{name}: expected {expected}, got {value:g}")


@dataclass(frozen=True, slots=True)
class BaseRecipe:
    """Where the encoder comes from: a hub id or a folder.

    `layers` keeps that many evenly spaced layers (0 keeps all); `random` starts from random weights of the same shape; `heads` are bundles
    with weights, made from this base, whose encoder and whose rows for labels that are still there are taken over, of several their mean.
    """

    path: str
    layers: int = 0
    random: bool = False
    heads: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check(self, 0, math.inf, "layers")


@dataclass(frozen=True, slots=True)
class TokenRecipe:
    """`character`: one token a code point, entities always align; `piece`: the base's own tokenizer. `max_length` counts tokens of a
    window, two special ones included; the next window begins `stride` tokens before its end."""

    unit: Literal["character", "piece"] = "character"
    max_length: int = 256
    stride: int = 64

    def __post_init__(self) -> None:
        _check(self, 4, math.inf, "max_length")
        _check(self, 0, self.max_length - 3, "stride")


@dataclass(frozen=True, slots=True)
class DataRecipe:
    """The data set folder with schema.toml, train.jsonl, dev.jsonl and test.jsonl; more files of the same labels to train on; files to fit
    the calibration of topics on instead of dev; and a file of question pairs for the sentence vector."""

    path: str
    extra_train: tuple[str, ...] = ()
    calibration: tuple[str, ...] = ()
    pairs: str = ""


@dataclass(frozen=True, slots=True)
class TrainRecipe:
    """The training run. Learning rates are peaks of a linear schedule with warm-up; `teacher` keeps the sentence vectors near those of a
    frozen encoder with weight `vector_weight`. Each text with places has so many `variants` with other places, which are drawn half of
    the time; 0 for none. At the end `ngrams` adds to the topic logits those of a linear model over character n-grams, and where the data
    have question pairs, `pair_steps` steps on them tune the map from the pooled states to the vector. Each time that a text is drawn, a
    share of its tokens from 0 to `masking` is hidden. A run ends early when dev has not improved for `patience` epochs; with 0 epochs the
    network stays what the base makes it, and all that follows is done."""

    epochs: float = 6.0
    batch_size: int = 32
    lr: float = 5e-5
    head_lr: float = 1e-3
    weight_decay: float = 0.01
    warmup: float = 0.1
    dropout: float = 0.1
    label_smoothing: float = 0.05
    also_share: float = 0.2
    topic_weight: float = 1.0
    tag_weight: float = 1.0
    role_weight: float = 1.0
    vector_weight: float = 0.0
    teacher: str = ""
    variants: int = 0
    ngrams: bool = True
    pair_steps: int = 600
    masking: float = 0.0
    patience: int = 3
    precision: Literal["fp32", "bf16"] = "fp32"
    seed: int = 13

    def __post_init__(self) -> None:
        _check(self, 1, math.inf, "batch_size", "patience")
        _check(self, 0, 1, "dropout", "label_smoothing", "masking")
        _check(self, 0, 0.49, "also_share")  # the topic of a row is the one of the largest share
        _check(self, 0, 0.99, "warmup")
        _check(self, 0, math.inf, "epochs", "lr", "head_lr", "weight_decay", "variants", "pair_steps")
        _check(self, 0, math.inf, "topic_weight", "tag_weight", "role_weight", "vector_weight")
        if self.vector_weight and not self.teacher:
            raise RecipeError(f"vector_weight: {self.vector_weight:g} without a teacher, name one or leave the weight out")


@dataclass(frozen=True, slots=True)
class ExportRecipe:
    """What the bundle holds: `weights` (fp16 safetensors), `fp32` and `int8` (ONNX); parity is measured on `parity_rows` rows of dev."""

    files: tuple[Literal["weights", "fp32", "int8"], ...] = ("weights", "fp32", "int8")
    parity_rows: int = 200

    def __post_init__(self) -> None:
        _check(self, 1, math.inf, "parity_rows")
        if not self.files:
            raise RecipeError("files: expected at least one of weights, fp32, int8")


@dataclass(frozen=True, slots=True)
class CardRecipe:
    """What the card says besides figures: what the model is for, licence, what it was made of, and what it cannot do."""

    description: str = ""
    licence: str = ""
    origin: str = ""
    limits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole `train.toml`."""

    name: str
    base: BaseRecipe
    data: DataRecipe
    tokens: TokenRecipe = TokenRecipe()
    train: TrainRecipe = TrainRecipe()
    export: ExportRecipe = ExportRecipe()
    card: CardRecipe = CardRecipe()

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


@dataclass(frozen=True, slots=True)
class PretrainRecipe:
    """Masked-language-model training of a character encoder, with a teacher's token states and sentence vectors distilled into it.

    `corpus` are text files: `.txt`, `.txt.xz`, a paragraph a line, or `.jsonl` with `text`, or with the `a` and `b` of pairs; `shares` says
    which part of each to read. With `pieces` the characters carry a lexicon of so many pieces of the base's tokenizer; a base that an
    earlier run wrote keeps its own. With `neurons` the feed-forward part of each layer starts with so many of its own. A `masked_share` of
    the rows of a batch is masked at `mask_rate`, the others are seen whole. The loss is the weighted sum of its three parts.
    """

    corpus: tuple[str, ...]
    shares: tuple[float, ...] = ()
    teacher: str = ""
    pieces: int = 0
    neurons: int = 0
    max_length: int = 96
    batch_size: int = 32
    max_steps: int = 4000
    lr: float = 3e-4
    weight_decay: float = 0.01
    warmup: float = 0.05
    masked_share: float = 0.5
    mask_rate: float = 0.25
    masked_weight: float = 0.2
    token_weight: float = 1.0
    vector_weight: float = 1.0
    save_steps: int = 200
    precision: Literal["fp32", "bf16"] = "fp32"
    seed: int = 13

    def __post_init__(self) -> None:
        _check(self, 8, math.inf, "max_length")
        _check(self, 1, math.inf, "batch_size", "max_steps", "save_steps")
        _check(self, 0, math.inf, "lr", "weight_decay", "pieces", "neurons", "masked_weight", "token_weight", "vector_weight")
        _check(self, 0, 1, "masked_share", "mask_rate")
        _check(self, 0, 0.99, "warmup")
        if self.shares and len(self.shares) != len(self.corpus):
            raise RecipeError(f"shares: expected as many as corpus has files, {len(self.corpus)}, got {len(self.shares)}")
        if not all(0 <= share <= 1 for share in self.shares):
            raise RecipeError(f"shares: expected 0 to 1 each, got {list(self.shares)}")


@dataclass(frozen=True, slots=True)
class BasePlan:
    """A whole `pretrain.toml`: what to start from and how to train it."""

    name: str
    base: BaseRecipe
    pretrain: PretrainRecipe
    card: CardRecipe = CardRecipe()

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def read_toml(path: Path) -> dict[str, Any]:
    """Reads a TOML file.

    Raises:
        RecipeError: The file is missing, not UTF-8 or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: not UTF-8 at byte {error.start}") from None
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path}: {error}") from None


def load_plan(path: Path, overrides: Sequence[str] = ()) -> Recipe | BasePlan:
    """Reads a recipe; one with a section `pretrain` makes an encoder, any other a joint model.

    Args:
        path: The TOML file.
        overrides: `section.key=value` with TOML values (a bare word counts as a string), which win over the file.

    Raises:
        RecipeError: See the module.
    """
    data = read_toml(path)
    for override in overrides:
        _override(data, override)
    if "pretrain" in data:
        return parse(BasePlan, data, str(path))
    return parse(Recipe, data, str(path))


def _override(data: dict[str, Any], override: str) -> None:
    dotted, equals, raw = override.partition("=")
    keys = dotted.strip().split(".")
    if not equals or not all(keys):
        raise RecipeError(f"--set {override}: expected section.key=value")
    try:
        value = tomllib.loads(f"v = {raw}")["v"]
    except tomllib.TOMLDecodeError:
        value = raw
    table = data
    for key in keys[:-1]:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            raise RecipeError(f"--set {override}: {key} is a value, not a section")
    table[keys[-1]] = value


def parse(kind: type[T], data: Any, where: str) -> T:
    """Turns a parsed TOML table into the frozen dataclass `kind`.

    Args:
        kind: A dataclass whose fields are scalars, tuples, literals or such dataclasses.
        data: The table.
        where: Path for messages, such as `models/x/train.toml`.

    Raises:
        RecipeError: An unknown or missing key, or a wrong type, with its path.
    """
    if not isinstance(data, Mapping):
        raise RecipeError(f"{where}: expected a section, got {data!r}")
    hints = typing.get_type_hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(data) - set(fields))
    if unknown:
        raise RecipeError(f"{where}: {unknown[0]}: unknown key, expected one of {', '.join(fields)}")
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name in data:
            values[name] = _convert(hints[name], data[name], _inside(where, name))
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise RecipeError(f"{where}: {name}: missing")
    try:
        return kind(**values)
    except RecipeError as error:
        raise RecipeError(_inside(where, str(error))) from None


def _inside(where: str, name: str) -> str:
    return f"{where}: {name}" if where.endswith(".toml") else f"{where}.{name}"


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin = typing.get_origin(hint)
    if dataclasses.is_dataclass(hint):
        return parse(typing.cast(type[Any], hint), value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise RecipeError(f"{where}: expected a list, got {_shown(value)}")
        return tuple(_convert(typing.get_args(hint)[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is Literal:
        if value not in typing.get_args(hint):
            raise RecipeError(f"{where}: expected one of {', '.join(map(repr, typing.get_args(hint)))}, got {_shown(value)}")
        return value
    if origin in (typing.Union, types.UnionType):
        return _convert(next(a for a in typing.get_args(hint) if a is not type(None)), value, where)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise RecipeError(f"{where}: expected {hint.__name__}, got {_shown(value)}")
    return value


def _shown(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


@dataclass(frozen=True, slots=True)
class _TopicTable:
    name: str
    description: str = ""
    out_of_scope: bool = False


@dataclass(frozen=True, slots=True)
class _TypeTable:
    name: str
    description: str = ""
    value: str = ""
    roles: tuple[str, ...] = ()


def load_schema(path: Path) -> LabelSchema:
    """Reads `schema.toml`: tables `[topics.<id>]` and `[types.<id>]`.

    Raises:
        RecipeError: A table is malformed, there is no topic, or a value kind is unknown.
    """
    return schema_from_dict(read_toml(path), str(path))


def schema_from_dict(data: Mapping[str, Any], where: str) -> LabelSchema:
    """Turns `{"topics": {id: {...}}, "types": {id: {...}}}` into a LabelSchema; `where` names the file in messages."""
    unknown = sorted(set(data) - {"topics", "types"})
    if unknown:
        raise RecipeError(f"{where}: {unknown[0]}: unknown key, expected topics, types")
    for name in ("topics", "types"):
        if not isinstance(data.get(name, {}), Mapping):
            raise RecipeError(f"{where}: {name}: expected tables [{name}.<id>], got {_shown(data[name])}")
    topics = {key: parse(_TopicTable, t, f"{where}: topics.{key}") for key, t in data.get("topics", {}).items()}
    if not topics:
        raise RecipeError(f"{where}: topics: missing, expected at least one [topics.<id>]")
    outside = [key for key, table in topics.items() if table.out_of_scope]
    if len(outside) > 1:
        raise RecipeError(
            f"{where}: topics.{outside[1]}.out_of_scope: topics.{outside[0]} is out of scope already, expected one at most"
        )
    kinds = {key: parse(_TypeTable, t, f"{where}: types.{key}") for key, t in data.get("types", {}).items()}
    for key, table in kinds.items():
        if ":" in key or any(":" in role for role in table.roles):
            raise RecipeError(
                f"{where}: types.{key}: expected ids of type and roles without a colon, which parts the two in a tag"
            )
        if table.value and table.value not in VALUE_KINDS:
            raise RecipeError(
                f"{where}: types.{key}.value: expected one of {', '.join(VALUE_KINDS)}, got {_shown(table.value)}"
            )
    return LabelSchema(
        tuple(TopicLabel(key, t.name, t.description, t.out_of_scope) for key, t in topics.items()),
        tuple(EntityLabel(key, t.name, t.description, typing.cast(Any, t.value or None), t.roles) for key, t in kinds.items()),
    )


def schema_to_dict(schema: LabelSchema) -> dict[str, Any]:
    """The inverse of `schema_from_dict`, for the bundle's labels.json."""
    return {
        "topics": {t.id: {"name": t.name, "description": t.description, "out_of_scope": t.out_of_scope} for t in schema.topics},
        "types": {
            t.id: {"name": t.name, "description": t.description, "value": t.value or "", "roles": list(t.roles)}
            for t in schema.types
        },
    }
