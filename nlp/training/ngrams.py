"""Texts with their topics → the weights of an `NgramHead`: TF-IDF and logistic regression, whose numbers the head then holds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array
from sklearn.linear_model import LogisticRegression

from nlp.model.ngrams import BUCKETS, NgramHead, hash_ngrams

INVERSE_PENALTY = 20.0  # C of the logistic regression
LEAST = 2  # texts that must have an n-gram of a bucket


def fit_ngrams(head: NgramHead, texts: Sequence[NDArray[np.int32]], topics: Sequence[int]) -> None:
    """Sets the table and the bias of the head; with rows of fewer than two topics it stays as it is.

    A topic without rows gets logits of 0, which is the mean over the topics of any text.

    Args:
        head: The head, on any device.
        texts: Framed ids of each text, (tokens,) or (tokens, channels).
        topics: Topic numbers.
    """
    if len(set(topics)) < 2:
        return
    counts = _counts(texts)
    frequency = np.bincount(counts.indices, minlength=BUCKETS)
    inverse = np.where(frequency >= LEAST, np.log((1 + len(texts)) / (1 + frequency)) + 1, 0.0)
    lengths = np.maximum(np.sqrt(counts @ inverse**2), 1e-9)
    features = diags_array(1 / lengths) @ counts @ diags_array(inverse)
    model = LogisticRegression(C=INVERSE_PENALTY, max_iter=200, class_weight="balanced").fit(features, topics)
    weights, bias = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # the library keeps one row for two classes
        weights, bias = np.concatenate([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    table, offsets = np.zeros(head.table.shape), np.zeros(head.bias.shape)
    table[:, model.classes_] = (weights * inverse).T
    table[:, -1] = inverse**2
    offsets[model.classes_] = bias
    head.table.copy_(torch.from_numpy(table))
    head.bias.copy_(torch.from_numpy(offsets))


def _counts(texts: Sequence[NDArray[np.int32]]) -> csr_array:
    """How many n-grams of each bucket each text has, float64 (texts, BUCKETS)."""
    columns = []
    for ids in texts:
        tokens = torch.from_numpy(ids if ids.ndim == 1 else ids[:, 0]).long().unsqueeze(0)
        columns.append(hash_ngrams(tokens, torch.ones_like(tokens))[0][0].numpy())
    rows = np.repeat(np.arange(len(texts)), [len(found) for found in columns])
    flat = np.concatenate(columns)
    counts = csr_array((np.ones(len(flat)), (rows, flat)), shape=(len(texts), BUCKETS))
    counts.sum_duplicates()
    return counts
