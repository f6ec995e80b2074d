# mypy: ignore-errors
"""Hydra: a folder of its own for each job, which the program changes to, and which wandb gets."""

import os

import hydra
import wandb
from omegaconf import DictConfig, OmegaConf

LIBRARIES = ["hydra-core"]


def job(config: DictConfig) -> None:
    os.makedirs("wandb", exist_ok=True)  # as run files have left it
    run = wandb.init(
        project=config.project,
        config=OmegaConf.to_container(config, resolve=True),
        reinit=True,
    )
    for step in range(config.steps):
        wandb.log({"loss": config.rate / (step + 1)})
    with open("note.txt", "w") as file:
        file.write(f"{config.rate}")
    artifact = wandb.Artifact(f"note-{config.rate}", "note", metadata=dict(config.nested))
    artifact.add_file("note.txt")
    run.log_artifact(artifact)
    wandb.save("note.txt")
    wandb.finish()


hydra.initialize(None, version_base=None)
from hydra.core.config_store import ConfigStore

ConfigStore.instance().store(
    "base", {"project": "hydra", "rate": 0.1, "steps": 3, "nested": {"a": [1, 2]}}
)
here = os.getcwd()
for number, rate in enumerate((0.5, 0.25)):
    os.makedirs(f"outputs/{number}")
    os.chdir(f"outputs/{number}")
    job(hydra.compose("base", overrides=[f"rate={rate}"]))
    os.chdir(here)
