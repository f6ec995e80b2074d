# mypy: ignore-errors
"""Stable-Baselines3: a policy that is watched, and saved with the run."""

import os

import torch
import wandb
from stable_baselines3 import A2C
from wandb.integration.sb3 import WandbCallback

LIBRARIES = ["stable-baselines3", "gymnasium"]
# Texts of objects, with their addresses, and a clock.
VARIES = [
    "start_time",
    "env",
    "policy",
    "rollout_buffer",
    "lr_schedule",
    "policy_kwargs",
    "_logger",
]

torch.set_num_threads(1)
run = wandb.init(project="sb3", config={"verbose": 7})
model = A2C("MlpPolicy", "CartPole-v1", seed=0, n_steps=8, device="cpu")
model.learn(
    64,
    callback=WandbCallback(
        model_save_path="saved", model_save_freq=16, gradient_save_freq=2, log="gradients"
    ),
)
wandb.log({"saved": os.path.exists(os.path.join(run.dir, "model.zip"))})
wandb.finish()

wandb.init(project="sb3")
model = A2C("MlpPolicy", "CartPole-v1", seed=0, n_steps=8, device="cpu")
model.learn(16, callback=WandbCallback(verbose=2, log="nothing"))
wandb.log({"end": 1})
wandb.finish()
