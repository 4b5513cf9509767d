"""What a data set covers, whether its labels agree with each other, and how distinct its texts are."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nlp.config import load_schema
from nlp.data.corpus import read_entries, read_examples
from nlp.data.duplicates import NEAR, similar_pairs
from nlp.data.pairs import PAIR_KINDS, Pair, read_pairs
from nlp.data.plan import SPLITS, load_dataset_plan
from nlp.schema import NATIONAL, Entity, Entry, Example, LabelSchema, RegionValue, Value
from nlp.text.gazetteer import level

NO_TOPIC = "(answers)"
RULE_LEVELS = ("nation", "province", "city", "county", "unknown")
LENGTHS = (15, 40, 80, 160)  # characters; bounds of the bands
CLOSEST = 10  # pairs shown
SHORTEST, LONGEST = 2, 20  # characters of a surface looked for where it is not tagged
# How a number is written, the first that fits; what has no numeral (今年, 一半) is a word.
_WRITINGS = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("masked", r"[XxＸ×*＊某]"),
        ("wide", r"[０-９]"),  # ５００
        ("latin unit", r"\d\s*[kKwW]"),  # 3w
        ("grouped", r"\d,\d{3}"),  # 12,000
        ("mixed", r"\d\s*[十百千万亿]"),  # 1.2万
        ("arabic", r"\d"),
        ("formal", r"[壹贰叁肆伍陆柒捌玖拾佰仟]"),
        ("vague", r"[几数多余]"),  # 十几, 八千多
        ("digit by digit", r"[〇零一二三四五六七八九]{3,}"),  # 二〇二四
        ("short", r"(?:万[一二三四五六七八九]|千[一二三四五六七八九]|百[一二三四五六七八九])(?![十百千])"),  # 两万五
        ("chinese", r"[〇零一二三四五六七八九十百千万两俩仨廿卅半]"),
    )
)
_NUMERAL = re.compile(r"[\d.,〇零一二三四五六七八九十百千万亿两几多]+")
WRITINGS = (*(name for name, _ in _WRITINGS), "word")
REGION_LEVELS = ("province", "city", "county", "group", "undecided", "masked", "unknown")


@dataclass(frozen=True, slots=True)
class Table:
    """Counts of two facets against each other; `rows` and `columns` are in the order to show."""

    name: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: Mapping[tuple[str, str], int]

    def to_dict(self) -> dict[str, Any]:
        return {row: {c: self.counts.get((row, c), 0) for c in self.columns} for row in self.rows}


@dataclass(frozen=True, slots=True)
class Inconsistency:
    """A surface with several labels, or tagged here and not there.

    Attributes:
        surface: The characters of the span.
        labels: How often it is tagged with each type.
        untagged: At how many places it is not tagged.
        ids: Some rows of the rarer sort.
    """

    surface: str
    labels: Mapping[str, int]
    untagged: int
    ids: tuple[str, ...]

    @property
    def doubtful(self) -> int:
        """How many places would have to change at least for the surface to be consistent."""
        counts = [*self.labels.values(), self.untagged]
        return sum(counts) - max(counts)

    def to_dict(self) -> dict[str, Any]:
        return {"surface": self.surface, "labels": dict(self.labels), "untagged": self.untagged, "ids": list(self.ids)}


@dataclass(frozen=True, slots=True)
class Distinctness:
    """Nearness of texts.

    Attributes:
        nearest: For each topic the mean cosine of a row to its nearest neighbour in that topic (TF-IDF of character 1- to 3-grams).
        near_share: Share of rows that resemble another row with a Jaccard index of at least `NEAR`.
        closest: The pairs of one topic with the highest cosine.
        conflicts: Near pairs of different topics, with their Jaccard index.
    """

    nearest: Mapping[str, float]
    near_share: float
    closest: tuple[tuple[float, Example, Example], ...]
    conflicts: tuple[tuple[float, Example, Example], ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "nearest": {topic: round(mean, 3) for topic, mean in self.nearest.items()},
            "near_share": self.near_share,
            "closest": [_pair_row(*pair) for pair in self.closest],
            "conflicts": [_pair_row(*pair) for pair in self.conflicts],
        }


def _pair_row(similarity: float, a: Example, b: Example) -> dict[str, Any]:
    return {"similarity": round(similarity, 3), "rows": [{"id": e.id, "topic": e.topic, "text": e.text} for e in (a, b)]}


@dataclass(frozen=True, slots=True)
class Description:
    """What a data set holds; archives and pairs have tables only. `units` counts the administrative units named."""

    tables: tuple[Table, ...]
    units: int = 0
    doubts: tuple[Inconsistency, ...] = ()
    distinctness: Distinctness | None = None

    def to_dict(self) -> dict[str, Any]:
        row: dict[str, Any] = {"tables": {table.name: table.to_dict() for table in self.tables}}
        if self.distinctness:
            row.update(units=self.units, doubts=[d.to_dict() for d in self.doubts], distinctness=self.distinctness.to_dict())
        return row


def describe(folder: Path) -> Description:
    """Describes the built files of a data set folder.

    Raises:
        DataError, RecipeError, InputError: A file is missing or not valid.
    """
    plan = load_dataset_plan(folder)
    if plan.archive:
        return Description(tuple(pair_tables([p for name in SPLITS for p in read_pairs(folder / f"{name}.jsonl")])))
    if not plan.tags:
        return Description(tuple(entry_tables(read_entries(folder / "entries.jsonl"))))
    schema = load_schema(folder / "schema.toml")
    splits = {name: read_examples(folder / f"{name}.jsonl", schema) for name in SPLITS}
    rows = [example for examples in splits.values() for example in examples]
    doubts = tuple(inconsistencies(rows))
    return Description(tuple(coverage(splits, schema)), units_named(rows), doubts, distinctness(rows))


def coverage(splits: Mapping[str, Sequence[Example]], schema: LabelSchema) -> list[Table]:
    """Tables of topic, split, register, length, entity type, region role, region level and writing of numbers against each other."""
    rows = [example for examples in splits.values() for example in examples]
    topics, types = (*schema.topic_ids(), NO_TOPIC), schema.type_ids()
    registers = sorted({e.register for e in rows})
    roles = list(dict.fromkeys(role for label in schema.types for role in label.roles))
    texts = [(topic_of(r), r.register, length_band(len(r.text))) for r in rows]
    spans = [(r, e, _kind(schema, e)) for r in rows for e in r.entities]
    regions = [(topic_of(r), r.register, e.role or "", region_level(e.value)) for r, e, kind in spans if kind == "region"]
    numbers = [(r.register, e, writing(r.text[e.start : e.end])) for r, e, kind in spans if kind not in (None, "region")]
    tables = [
        _table("topic × split", topics, list(splits), ((topic_of(e), name) for name, es in splits.items() for e in es)),
        _table("topic × register", topics, registers, ((topic, register) for topic, register, _ in texts)),
        _table("topic × length", topics, length_bands(), ((topic, band) for topic, _, band in texts)),
        _table("register × length", registers, length_bands(), ((register, band) for _, register, band in texts)),
        _table("topic × entity type", topics, types, ((topic_of(r), e.type) for r, e, _ in spans)),
        _table("topic × region role", topics, roles, ((topic, role) for topic, _, role, _ in regions)),
        _table("region level × role", REGION_LEVELS, roles, ((tier, role) for _, _, role, tier in regions)),
        _table("register × region level", registers, REGION_LEVELS, ((register, tier) for _, register, _, tier in regions)),
        _table("number writing × entity type", WRITINGS, types, ((written, e.type) for _, e, written in numbers)),
        _table("number writing × register", WRITINGS, registers, ((written, register) for register, _, written in numbers)),
        _table(
            "value × entity type", ("read", "none"), types, (("read" if e.value else "none", e.type) for _, e, _ in numbers)
        ),
    ]
    return [table for table in tables if table.counts and table.columns]


def entry_tables(entries: Sequence[Entry]) -> list[Table]:
    """What an archive covers: topics by the widest level of the rule and by length of the answer, entries by place."""
    rows = [(e.topic or NO_TOPIC, _rule_level(e), length_band(len(e.answer))) for e in entries]
    topics = sorted({topic for topic, _, _ in rows})
    places = sorted({r for e in entries for r in e.regions}, key=lambda r: (r != NATIONAL, r))
    return [
        _table("topic × level of the rule", topics, RULE_LEVELS, ((topic, tier) for topic, tier, _ in rows)),
        _table("topic × length of the answer", topics, length_bands(), ((topic, band) for topic, _, band in rows)),
        _table("place", places, ("entries",), ((r, "entries") for e in entries for r in e.regions)),
    ]


def _rule_level(entry: Entry) -> str:
    levels = {level(code) for code in entry.regions}
    return next((name for name in RULE_LEVELS if name in levels), "unknown")


def pair_tables(pairs: Sequence[Pair]) -> list[Table]:
    """What a set of pairs covers: kinds by split and by topic."""
    topics = sorted({p.topic or NO_TOPIC for p in pairs})
    return [
        _table("kind × split", PAIR_KINDS, SPLITS, ((p.kind, p.split) for p in pairs)),
        _table("topic × kind", topics, PAIR_KINDS, ((p.topic or NO_TOPIC, p.kind) for p in pairs)),
    ]


def units_named(examples: Iterable[Example]) -> int:
    """How many different administrative units the examples name."""
    return len({c for e in examples for s in e.entities if isinstance(s.value, RegionValue) for c in s.value.resolved})


def topic_of(example: Example) -> str:
    return example.topic or NO_TOPIC


def length_bands() -> tuple[str, ...]:
    """All bands, shortest first."""
    return tuple(length_band(n) for n in (0, *(bound + 1 for bound in LENGTHS)))


def length_band(length: int) -> str:
    """The band of a length in characters, such as `16-40`."""
    low = next((bound + 1 for bound in reversed(LENGTHS) if length > bound), 0)
    high = next((bound for bound in LENGTHS if length <= bound), None)
    return f"{low}-{high}" if high else f"over {low - 1}"


def region_level(value: Value | None) -> str:
    """`province`, `city` or `county`; `group` of several units, `undecided` between readings, `masked`, `unknown` to the tables."""
    if not isinstance(value, RegionValue):
        return "unknown"
    if len(value.resolved) == 1:
        return level(value.resolved[0])
    return "group" if value.resolved else "undecided" if value.candidates else "masked"


def writing(surface: str) -> str:
    """How the number of a surface is written: `arabic`, `mixed`, `chinese`, …, `word` where there is no numeral."""
    return next((name for name, pattern in _WRITINGS if pattern.search(surface)), "word")


def _kind(schema: LabelSchema, entity: Entity) -> str | None:
    label = schema.type(entity.type)
    return label.value if label else None


def _table(name: str, rows: Sequence[str], columns: Sequence[str], pairs: Iterable[tuple[str, str]]) -> Table:
    counts = Counter(pairs)
    used = {part for pair in counts for part in pair}
    shown = tuple(r for r in rows if r in used), tuple(c for c in columns if c in used)
    return Table(name, *shown, counts)


def inconsistencies(examples: Sequence[Example]) -> list[Inconsistency]:
    """Surfaces whose tags disagree, the most doubtful first.

    Roles are left out, since they depend on the sentence. A surface inside a longer entity is no untagged place, nor are bare numerals.
    """
    tagged: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for example in examples:
        for entity in example.entities:
            tagged[example.text[entity.start : entity.end]][entity.type].append(example.id)
    untagged: dict[str, list[str]] = defaultdict(list)
    for example in examples:
        for surface in _untagged(example, lambda word: word in tagged and not _NUMERAL.fullmatch(word)):
            untagged[surface].append(example.id)
    found = []
    for surface, by_type in tagged.items():
        sorts = sorted([*by_type.values(), untagged[surface]], key=len)
        rare = [identifier for ids in sorts[:-1] for identifier in ids]
        if rare:
            labels = {kind: len(ids) for kind, ids in sorted(by_type.items(), key=lambda item: -len(item[1]))}
            found.append(Inconsistency(surface, labels, len(untagged[surface]), tuple(dict.fromkeys(rare))[:CLOSEST]))
    return sorted(found, key=lambda i: (-i.doubtful, i.surface))


def _untagged(example: Example, known: Callable[[str], bool]) -> Iterator[str]:
    """Known surfaces at places that no entity touches; of overlapping ones the longest."""
    gaps = [0, *(edge for e in example.entities for edge in (e.start, e.end)), len(example.text)]
    for start, end in zip(gaps[::2], gaps[1::2], strict=True):
        while start < end:
            sizes = range(min(LONGEST, end - start), SHORTEST - 1, -1)
            size = next((n for n in sizes if known(example.text[start : start + n])), 0)
            if size:
                yield example.text[start : start + size]
            start += size or 1


def distinctness(examples: Sequence[Example]) -> Distinctness:
    """Measures how near the texts lie to each other; see the class."""
    similar = similar_pairs([e.text for e in examples], NEAR)
    near = {number for a, b, _ in similar for number in (a, b)}
    conflicts = tuple((s, examples[a], examples[b]) for a, b, s in similar if _conflict(examples[a], examples[b]))
    topics: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        topics[topic_of(example)].append(example)
    nearest: dict[str, float] = {}
    pairs: list[tuple[float, Example, Example]] = []
    for topic, rows in sorted(topics.items()):
        if len(rows) > 1:
            found = _nearest([e.text for e in rows])
            nearest[topic] = sum(cosine for cosine, _ in found) / len(found)
            # Two rows that are each other's nearest count once.
            pairs += [(c, rows[n], rows[k]) for n, (c, k) in enumerate(found) if n < k or found[k][1] != n]
    closest = sorted(pairs, key=lambda pair: -pair[0])[:CLOSEST]
    return Distinctness(nearest, len(near) / max(1, len(examples)), tuple(closest), conflicts)


def _conflict(a: Example, b: Example) -> bool:
    """Whether neither topic is acceptable for the other example."""
    return a.topic != b.topic and a.topic not in b.also and b.topic not in a.also


def _nearest(texts: Sequence[str]) -> list[tuple[float, int]]:
    """For each text the cosine to its nearest neighbour and the number of that."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.neighbors import NearestNeighbors

    vectors = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True).fit_transform(texts)
    distances, numbers = NearestNeighbors(n_neighbors=1, metric="cosine").fit(vectors).kneighbors()
    return [(1 - float(distance), int(number)) for distance, number in zip(distances[:, 0], numbers[:, 0], strict=True)]
