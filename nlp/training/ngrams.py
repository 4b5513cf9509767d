"""Texts with their topics → the weights of an `NgramHead`: TF-IDF and logistic regression, whose numbers the head then holds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from nlp.model.ngrams import BUCKETS, NgramHead, hash_ngrams

INVERSE_PENALTY = 20.0  # C of the logistic regression
LEAST = 2  # texts that must have an n-gram
UNSEEN = -5.0  # bias of a topic without a row


def fit_ngrams(head: NgramHead, texts: Sequence[NDArray[np.int32]], topics: Sequence[int]) -> None:
    """Sets the table and the bias of the head; with rows of fewer than two topics it stays as it is.

    Args:
        head: The head.
        texts: Framed ids of each text, (tokens,) or (tokens, channels).
        topics: Topic numbers.
    """
    if len(set(topics)) < 2:
        return
    counts = _counts(texts)
    frequency = np.asarray((counts > 0).sum(axis=0)).ravel()
    inverse = np.where(frequency >= LEAST, np.log((1 + len(texts)) / (1 + frequency)) + 1, 0.0)
    features = counts @ csr_matrix((inverse, (range(BUCKETS), range(BUCKETS))))
    lengths = np.sqrt(counts @ inverse**2)  # of repeated n-grams too, as the head sums them
    features = csr_matrix(features.multiply(1 / np.maximum(lengths, 1e-9)[:, None]))
    model = LogisticRegression(C=INVERSE_PENALTY, max_iter=200, class_weight="balanced").fit(features, topics)
    weights, bias = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # the library keeps one row for two classes
        weights, bias = np.concatenate([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    with torch.no_grad():
        head.table.zero_()
        head.bias.fill_(UNSEEN)
        head.table[:, model.classes_] = torch.from_numpy((weights * inverse).T).float()
        head.table[:, -1] = torch.from_numpy(inverse**2).float()
        head.bias[model.classes_] = torch.from_numpy(bias).float()


def _counts(texts: Sequence[NDArray[np.int32]]) -> csr_matrix:
    """How often each text has an n-gram of each bucket, float64 (texts, BUCKETS)."""
    columns = []
    for ids in texts:
        characters = torch.from_numpy(ids if ids.ndim == 1 else ids[:, 0]).long().unsqueeze(0)
        columns.append(hash_ngrams(characters, torch.ones_like(characters))[0][0].numpy())
    rows = np.repeat(np.arange(len(texts)), [len(found) for found in columns])
    flat = np.concatenate(columns)
    return csr_matrix((np.ones(len(flat)), (rows, flat)), shape=(len(texts), BUCKETS))
