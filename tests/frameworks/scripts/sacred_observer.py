# mypy: ignore-errors
"""Sacred: an experiment with WandbObserver."""

from pathlib import Path
from typing import Any

import wandb
from sacred import Experiment
from wandb.integration.sacred import WandbObserver

LIBRARIES = ["sacred"]
VARIES = ["seed"]

experiment = Experiment("own", save_git_info=False)
experiment.observers.append(WandbObserver(project="sacred"))


@experiment.config
def config() -> None:
    rate = 0.1  # noqa: F841 - sacred takes it from here
    layers = [1, 2]  # noqa: F841


@experiment.main
def train(_run: Any, rate: float, layers: list) -> tuple:
    for step in range(3):
        _run.log_scalar("loss", rate / (step + 1), step)
    Path("notes.txt").write_text("x")
    experiment.add_artifact("notes.txt", name="notes")
    return 0.5, {"best": len(layers)}


experiment.run(options={"--loglevel": "ERROR", "--capture": "no"})
wandb.finish()
