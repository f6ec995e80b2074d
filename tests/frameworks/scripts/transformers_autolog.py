# mypy: ignore-errors
"""transformers: a pipeline, whose calls are logged as tables."""

import wandb
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    PreTrainedTokenizerFast,
    pipeline,
)
from wandb.integration.huggingface import autolog

LIBRARIES = ["transformers", "torch"]
VARIES = ["text-classification", "own"]  # tables with times and ids

words = Tokenizer(models.WordLevel({"[PAD]": 0, "[UNK]": 1, "good": 2, "bad": 3}, "[UNK]"))
words.pre_tokenizer = pre_tokenizers.Whitespace()
model = BertForSequenceClassification(
    BertConfig(
        vocab_size=4,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
    )
)
classify = pipeline(
    "text-classification",
    model=model,
    tokenizer=PreTrainedTokenizerFast(tokenizer_object=words, pad_token="[PAD]"),
)
autolog({"project": "transformers"})
classify("good")
classify(["bad", "good bad"])
wandb.log({"ids": len(autolog.get_latest_id())})
autolog.disable()
wandb.init(project="transformers")
classify("good")
wandb.log({"end": 1})
wandb.finish()
