"""Stable-Baselines3: the callback that records a training."""

from __future__ import annotations

import logging
import os
from typing import Any

import synadb.wandb_compat as wandb
from synadb.wandb_compat._integrations.library import active_run, library
from synadb.wandb_compat._term import termwarn

__all__ = ["WandbCallback"]

logger = logging.getLogger(__name__)
_callbacks: Any = library(
    "stable_baselines3.common.callbacks", "wandb.integration.sb3", "stable-baselines3"
)
_LOG = ("gradients", "parameters", "all", None)


class WandbCallback(_callbacks.BaseCallback):  # type: ignore[misc]
    """Records what an agent is trained with, and keeps its model.

    The config gets the attributes of the model that it does not have yet. What the library itself
    measures goes to TensorBoard, and comes from there: `wandb.init(sync_tensorboard=True)`.

    Args:
        verbose: As in the library; above 1, it says when the model is saved.
        model_save_path: Folder for the model, `model.zip`; it is saved with the run.
        model_save_freq: Save it each so many steps, and not only at the end.
        gradient_save_freq: `wandb.watch` the policy each so many batches; 0 does not.
        log: What to watch: "gradients", "parameters", "all" or None.

    Raises Error before `wandb.init`, AssertionError for a frequency without a path.
    """

    def __init__(
        self,
        verbose: int = 0,
        model_save_path: str | None = None,
        model_save_freq: int = 0,
        gradient_save_freq: int = 0,
        log: str | None = "all",
    ) -> None:
        super().__init__(verbose)
        active_run("WandbCallback()")
        self.model_save_freq = model_save_freq
        self.model_save_path = model_save_path
        self.gradient_save_freq = gradient_save_freq
        if log not in _LOG:
            termwarn(f"WandbCallback: log must be one of {_LOG}, not {log!r}; it is taken as 'all'")
            log = "all"
        self.log = log
        if model_save_path is not None:
            os.makedirs(model_save_path, exist_ok=True)
            self.path = os.path.join(model_save_path, "model.zip")
        elif model_save_freq:
            raise AssertionError(
                "WandbCallback: to use the `model_save_freq` you have to set the "
                "`model_save_path` parameter"
            )

    def _init_callback(self) -> None:
        found: dict[str, Any] = {"algo": type(self.model).__name__}
        for name, value in vars(self.model).items():
            if name not in wandb.config:
                found[name] = value if type(value) in (float, int, str) else str(value)
        if self.gradient_save_freq > 0:
            wandb.watch(self.model.policy, log_freq=self.gradient_save_freq, log=self.log)
        wandb.config.setdefaults(found)

    def _on_step(self) -> bool:
        frequency = self.model_save_freq
        if frequency > 0 and self.n_calls % frequency == 0:
            self.save_model()
        return True

    def _on_training_end(self) -> None:
        if self.model_save_path is not None:
            self.save_model()

    def save_model(self) -> None:
        """Write the model to its path, and save the file with the run."""
        self.model.save(self.path)
        wandb.save(self.path, base_path=self.model_save_path)
        if self.verbose > 1:
            logger.info("Saving model checkpoint to %s", self.path)
