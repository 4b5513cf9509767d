"""The n-gram head: what is fitted is what it computes, whatever the padding, and it takes no part where there is nothing to fit."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from nlp.model.alignment import pad_rows  # noqa: E402
from nlp.model.ngrams import BUCKETS, NgramHead, hash_ngrams  # noqa: E402
from nlp.training.ngrams import fit_ngrams  # noqa: E402

CLS, SEP = 2, 3


def frame(*ids: int) -> np.ndarray:
    return np.array([CLS, *ids, SEP], dtype=np.int32)


def logits(head: NgramHead, *texts: np.ndarray) -> np.ndarray:
    ids, mask = pad_rows(texts, 0)
    return head(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()


@pytest.fixture
def rows() -> tuple[list[np.ndarray], list[int]]:
    rng = np.random.default_rng(1)
    texts, topics = [], []
    for number in range(90):
        topic = number % 3
        words = rng.integers(10 + 20 * topic, 30 + 20 * topic, 6)  # topics have characters of their own
        texts.append(frame(*words, *rng.integers(100, 120, 4)))
        topics.append(topic)
    return texts, topics


def test_a_head_that_is_not_fitted_adds_nothing() -> None:
    assert not logits(NgramHead(4), frame(5, 6, 7)).any()


def test_fitted_topics_are_told_apart_on_new_texts(rows: tuple[list[np.ndarray], list[int]]) -> None:
    head = NgramHead(3)
    fit_ngrams(head, *rows)
    new = [frame(12, 14, 17, 111), frame(33, 35, 41, 111), frame(52, 66, 57, 111)]
    assert logits(head, *new).argmax(axis=1).tolist() == [0, 1, 2]


def test_padding_and_neighbours_change_no_logit(rows: tuple[list[np.ndarray], list[int]]) -> None:
    head = NgramHead(3)
    fit_ngrams(head, *rows)
    short, long = frame(12, 14), frame(*range(30, 70))
    np.testing.assert_allclose(logits(head, short, long)[0], logits(head, short)[0], atol=1e-6)


def test_the_head_computes_what_was_fitted(rows: tuple[list[np.ndarray], list[int]], monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn.linear_model import LogisticRegression

    seen = {}
    fit = LogisticRegression.fit

    def spy(self: LogisticRegression, features: object, targets: object) -> LogisticRegression:
        seen["model"], seen["features"] = fit(self, features, targets), features
        return self

    monkeypatch.setattr(LogisticRegression, "fit", spy)
    head = NgramHead(3)
    fit_ngrams(head, *rows)
    expected = seen["model"].decision_function(seen["features"])
    np.testing.assert_allclose(logits(head, *rows[0]), expected, atol=1e-4)


def test_two_topics_and_an_unseen_one(rows: tuple[list[np.ndarray], list[int]]) -> None:
    pairs = [(text, topic) for text, topic in zip(*rows, strict=True) if topic]
    head = NgramHead(4)
    fit_ngrams(head, [text for text, _ in pairs], [topic for _, topic in pairs])
    found = logits(head, frame(33, 35, 41), frame(52, 66, 57))
    assert found.argmax(axis=1).tolist() == [1, 2]
    assert (found[:, [0, 3]] < found.max(axis=1, keepdims=True) - 0.5).all()


def test_one_topic_leaves_the_head_as_it_is() -> None:
    head = NgramHead(2)
    fit_ngrams(head, [frame(5, 6)], [1])
    assert not head.table.any()


def test_all_lengths_are_hashed_within_the_table() -> None:
    characters = torch.randint(0, 2**31, (2, 9))
    buckets, known = hash_ngrams(characters, torch.ones_like(characters))
    assert buckets.shape == known.shape == (2, 9 + 8 + 7)
    assert int(buckets.min()) >= 0
    assert int(buckets.max()) < BUCKETS
