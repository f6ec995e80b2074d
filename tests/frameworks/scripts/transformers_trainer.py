# mypy: ignore-errors
"""transformers' Trainer: training and evaluation, watched, each checkpoint an artifact."""

import os

import torch
import wandb
from torch.utils.data import Dataset
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

LIBRARIES = ["transformers", "accelerate", "torch"]
VARIES = ["*runtime", "*per_second", "logging_dir"]
# With times in them, or as pickle has it.
FILES_VARY = ["*trainer_state.json", "*.bin", "*.pt", "*.pth"]


class Sums(Dataset):
    def __init__(self, seed: int) -> None:
        draw = torch.Generator().manual_seed(seed)
        self.words = torch.randint(0, 9, (32, 6), generator=draw)

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, place: int) -> dict:
        words = self.words[place]
        return {"input_ids": words, "labels": int(words.sum() > 24)}


def trainer(folder: str, **options) -> Trainer:
    torch.manual_seed(0)
    model = BertForSequenceClassification(
        BertConfig(
            vocab_size=9,
            hidden_size=8,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=8,
        )
    )
    settings = TrainingArguments(
        folder,
        per_device_train_batch_size=8,
        num_train_epochs=3,
        logging_steps=2,
        eval_strategy="epoch",
        save_strategy="epoch",
        report_to="wandb",
        disable_tqdm=True,
        use_cpu=True,
        **options,
    )
    return Trainer(
        model,
        settings,
        train_dataset=Sums(0),
        eval_dataset=Sums(1),
        compute_metrics=lambda found: {
            "accuracy": float((found.predictions.argmax(-1) == found.label_ids).mean())
        },
    )


os.environ["WANDB_LOG_MODEL"] = "checkpoint"
os.environ["WANDB_WATCH"] = "all"
one = trainer("first", run_name="first")
one.train()
one.evaluate()
one.predict(Sums(2))
wandb.finish()

# The best model at the end, in a run that the script has begun by itself.
os.environ["WANDB_LOG_MODEL"] = "end"
os.environ["WANDB_WATCH"] = "false"
with wandb.init(project="own", name="second", config={"mine": 1}):
    trainer("second", load_best_model_at_end=True, metric_for_best_model="accuracy").train()
