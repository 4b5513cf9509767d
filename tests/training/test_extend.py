"""New topics from a few examples: on made-up signals, and on the shipped bundle."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from nlp.analyzer import Analyzer
from nlp.config import load_schema
from nlp.data.corpus import read_examples
from nlp.errors import BundleError, InputError
from nlp.model.extension import Lesson, TopicExtension, load_extension
from nlp.model.store import EXTENSION, load_bundle
from nlp.schema import Example, TopicLabel

pytest.importorskip("scipy", reason="the extra `train` is not installed")
from nlp.training.extend import LEAST_KNOWN, Signals, _fit_scale, fit_lesson, introductions, learn_topics

BUNDLE = Path(__file__).resolve().parents[2] / "models" / "policy"
PASSPORT = [
    "护照丢了怎么补办",
    "护照快到期了怎么换",
    "小孩第一次办护照要带什么",
    "护照上的名字写错了能改吗",
    "办护照要多少天能拿到",
    "去香港的通行证在哪里签注",
    "港澳通行证过期了怎么续",
    "外地人能在这里办护照吗",
]


@pytest.fixture(scope="module")
def known() -> list[Example]:
    """A few rows of each topic that the shipped bundle knows."""
    data = BUNDLE.parents[1] / "datasets" / "policy_questions"
    counts: Counter[str] = Counter()
    chosen = []
    for example in read_examples(data / "dev.jsonl", load_schema(data / "schema.toml")):
        if example.topic and counts[example.topic] < 8:
            counts[example.topic] += 1
            chosen.append(example)
    return chosen


def rows(texts: list[str], topic: str) -> list[Example]:
    return [Example(f"{topic}{n}", text, topic) for n, text in enumerate(texts)]


def test_a_new_cluster_gets_its_topic_and_the_others_keep_theirs() -> None:
    rng = np.random.default_rng(3)
    centres = np.eye(12)[:3]
    targets = np.array([0] * 30 + [1] * 30 + [2] * 5)
    vectors = centres[targets] + 0.1 * rng.normal(size=(len(targets), 12))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    topics = (4 * np.eye(3)[targets][:, :2] + 0.1 * rng.normal(size=(len(targets), 2))).astype(np.float32)
    lesson = fit_lesson(Signals(topics, vectors), targets, ("new",))
    extension = TopicExtension((lesson,))
    logits = extension.logits(topics, vectors)
    assert (logits[:, :2] == topics).all()
    assert (logits.argmax(axis=1) == targets).all()
    assert lesson.compared == (0, 1)
    nothing = Lesson(("other",), (2,), np.zeros((2, lesson.weights.shape[1])), np.array([0.0, -9.0]))
    two = extension.after(nothing).logits(topics, vectors)
    assert (two[:, :3] == logits).all()
    assert two[:, 3] == pytest.approx(two[:, 2] - 9.0), "odds against what it was compared with"


def test_few_examples_are_not_held_to_be_far_away() -> None:
    rng = np.random.default_rng(5)
    targets = np.array([0] * 60 + [1] * 60 + [2] * 4)
    centres = 0.5 * np.eye(100)[:3]
    topics = np.zeros((124, 2), dtype=np.float32)
    vectors = (centres[targets] + 0.1 * rng.normal(size=(124, 100))).astype(np.float32)
    extension = TopicExtension((fit_lesson(Signals(topics, vectors), targets, ("new",)),))
    fresh = (centres[[2] * 200 + [0] * 200] + 0.1 * rng.normal(size=(400, 100))).astype(np.float32)
    new = extension.logits(np.zeros((400, 2), dtype=np.float32), fresh).argmax(axis=1) == 2
    assert new[:200].mean() > 0.98
    assert new[200:].mean() < 0.05


def test_the_shipped_bundle_learns_a_topic(tmp_path: Path, known: list[Example]) -> None:
    learnt = learn_topics(BUNDLE, rows(PASSPORT, "passport"), known, tmp_path / "more", [TopicLabel("passport", "护照")])
    assert learnt.topics == {"passport": 8}
    analyzer, before = Analyzer.from_pretrained(tmp_path / "more", threads=1), Analyzer.from_pretrained(BUNDLE, threads=1)
    assert analyzer.labels.topic_name("passport") == "护照"
    assert analyzer("护照怎么补办要几天").topic == "passport"
    assert analyzer("老板不给加班费").topic == before("老板不给加班费").topic
    assert analyzer.fingerprint == before.fingerprint
    check_second(tmp_path, known)


def check_second(tmp_path: Path, known: list[Example]) -> None:
    """A bundle that has learnt can learn again, in place."""
    pets = ["狗证在哪里办", "养狗要登记吗", "遛狗不牵绳罚多少", "大型犬能养吗"]
    learn_topics(tmp_path / "more", rows(pets, "dogs"), known, tmp_path / "more")
    bundle = load_bundle(tmp_path / "more")
    extension = load_extension(bundle)
    assert extension is not None
    assert extension.topics == ("passport", "dogs")
    assert len(bundle.manifest["learnt"]) == 2
    analyzer = Analyzer.from_pretrained(tmp_path / "more", threads=1)
    assert analyzer("养狗要登记吗").topic == "dogs"
    assert [analyzer(text).topic for text in PASSPORT] == ["passport"] * len(PASSPORT), "a topic without rows loses none"


def test_neighbouring_new_topics_do_not_count_against_each_other() -> None:
    odds = np.array([[9.0, 8.0], [9.0, 8.0], [8.0, 9.0], [-9.0, -9.0], [-9.0, -9.0]])
    slope, offsets = _fit_scale(odds, np.array([0, 0, 1, -1, -2]))
    assert slope > 0.3
    assert max(map(abs, offsets)) < 1
    assert _fit_scale(odds, np.array([0, -1, 1, -1, -2]))[0] < slope


def test_the_offset_makes_up_for_odds_that_lie_off() -> None:
    rng = np.random.default_rng(2)
    numbers = np.array([0] * 40 + [-1, -2, -3] * 200)
    odds = np.where(numbers == 0, 20.0, -20.0)[:, None] + rng.normal(scale=15, size=(640, 1)) + 60
    slope, (offset,) = _fit_scale(odds, numbers)
    assert -offset / slope == pytest.approx(60, abs=10), (
        "asked about as often as each of three others: a little above the middle"
    )


@pytest.mark.parametrize(
    "told", [TopicLabel("passport", "护照和港澳通行证"), TopicLabel("passport", "passport", "护照和港澳通行证的办理、换发")]
)
def test_what_is_told_of_a_topic_is_an_example(tmp_path: Path, known: list[Example], told: TopicLabel) -> None:
    few = rows(PASSPORT[:2], "passport")
    chances = []
    for folder, labels in (("bare", []), ("told", [told])):
        learn_topics(BUNDLE, few, known, tmp_path / folder, labels)
        found = Analyzer.from_pretrained(tmp_path / folder, threads=1)("港澳通行证过期了怎么续")
        chances.append(next(score.probability for score in found.topics if score.topic == "passport"))
    assert chances[1] > chances[0]


def test_introductions() -> None:
    assert introductions(TopicLabel("passport", "passport")) == []
    assert introductions(TopicLabel("passport", "护照")) == ["护照"]
    assert introductions(TopicLabel("passport", "护照", "办理、换发")) == ["护照", "办理、换发", "护照：办理、换发"]
    assert introductions(TopicLabel("passport", "passport", "出境证件")) == ["出境证件"]


def test_what_cannot_be_learnt(tmp_path: Path) -> None:
    known = rows(["退休金每月几号发"] * (LEAST_KNOWN - 1), "pension")
    for examples, message in [(known, "no topic that the bundle lacks"), (rows(["护照丢了"], "passport"), "1 examples")]:
        with pytest.raises(InputError, match=message):
            learn_topics(BUNDLE, examples, known, tmp_path / "x")
    with pytest.raises(InputError, match="'visa' has a name or a description"):
        learn_topics(BUNDLE, rows(PASSPORT, "passport"), known, tmp_path / "x", [TopicLabel("visa", "签证")])
    for few in (known, []):
        with pytest.raises(InputError, match=f"{len(few)} rows of . known topics"):
            learn_topics(BUNDLE, rows(PASSPORT, "passport"), few, tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_a_wrong_extension_is_refused(tmp_path: Path, known: list[Example]) -> None:
    learn_topics(BUNDLE, rows(PASSPORT, "passport"), known, tmp_path / "more")
    bundle = load_bundle(tmp_path / "more")
    extension = '{{"format": 2, "lessons": [{{"topics": ["x"], "compared": [0], "weights": {}, "bias": {}, "slope": 1, "offsets": {}}}]}}'
    for text, message in [
        ('{"topics": ["passport"]}', "not an extension"),
        ('{"format": 1, "lessons": []}', "format 1, expected 2"),
        (extension.format("[[1.0]]", "[0.0]", "[]"), "expected 2 rows"),
        (extension.format("[[1], [2]]", "[0, 0]", "[1, 2]"), "2 offsets, expected 1"),
        (extension.format("[[1], [2]]", "[0, 0]", "[0]"), "topics"),
    ]:
        (tmp_path / "more" / EXTENSION).write_text(text, encoding="utf-8")
        with pytest.raises(BundleError, match=message):
            load_extension(bundle)
