# mypy: ignore-errors
"""trl: fine-tuning with an adapter of peft, and GRPO, whose completions are logged as tables."""

import os

import torch
import wandb
from datasets import Dataset
from peft import LoraConfig
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer

LIBRARIES = ["trl", "peft"]
VARIES = ["*_runtime", "*/runtime", "*_per_second", "*_time", "profiling/*", "logging_dir"]
FILES_VARY = ["*.safetensors", "*.bin", "*.json"]

os.environ.update(WANDB_PROJECT="trl", WANDB_LOG_MODEL="end", WANDB_WATCH="all")
words = ["<pad>", "<eos>", "<unk>", *"abcdefghijklmnopqrstuvwxyz"]
letters = Tokenizer(
    models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="<unk>")
)
letters.pre_tokenizer = pre_tokenizers.Split("", "isolated")
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=letters, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
)
common = {
    "report_to": "wandb",
    "logging_steps": 1,
    "max_steps": 3,
    "save_steps": 2,
    "seed": 3,
    "use_cpu": True,
    "bf16": False,
    "gradient_checkpointing": False,
}


def small_model():
    torch.manual_seed(1)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(words),
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=2,
            pad_token_id=0,
            eos_token_id=1,
            bos_token_id=1,
        )
    )


texts = Dataset.from_dict({"text": ["abc", "bcd", "cde", "def"]})
SFTTrainer(
    small_model(),
    SFTConfig("sft", run_name="sft", eval_strategy="steps", eval_steps=1, **common),
    train_dataset=texts,
    eval_dataset=texts,
    processing_class=tokenizer,
    peft_config=LoraConfig(target_modules=["q_proj"], r=2),
).train()
wandb.finish()

os.environ["WANDB_LOG_MODEL"] = "false"
GRPOTrainer(
    small_model(),
    reward_funcs=lambda completions, **_: [float(len(text)) for text in completions],
    args=GRPOConfig(
        "grpo",
        run_name="grpo",
        per_device_train_batch_size=4,
        num_generations=2,
        max_completion_length=6,
        log_completions=True,
        **common,
    ),
    train_dataset=Dataset.from_dict({"prompt": ["ab", "cd", "ef", "gh"]}),
    processing_class=tokenizer,
).train()
wandb.finish()
