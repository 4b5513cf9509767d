"""What our speed is measured against: transformers pipelines of bert-base size, with untrained weights, as only speed counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def bert_pipelines(texts: Sequence[str]) -> tuple[Any, Any]:
    """A text-classification and a token-classification pipeline of bert-base size that know the characters of `texts`.

    They read one text at a time, as by default: on a CPU that is several times as fast as batches padded to their longest text.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import (
        BertConfig,
        BertForSequenceClassification,
        BertForTokenClassification,
        PreTrainedTokenizerFast,
        pipeline,
    )

    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(set("".join(texts)))]
    tokenizer = Tokenizer(models.WordLevel({piece: n for n, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=512)
    topic = BertForSequenceClassification(BertConfig(vocab_size=21_128, num_labels=15))
    tags = BertForTokenClassification(BertConfig(vocab_size=21_128, num_labels=31))
    first = pipeline("text-classification", model=topic, tokenizer=fast, device=-1, truncation=True)
    second = pipeline("token-classification", model=tags, tokenizer=fast, device=-1, aggregation_strategy="simple")
    return first, second
