"""Keras: WandbModelCheckpoint."""

from __future__ import annotations

import os
import string
from typing import Any, Literal

import synadb.wandb_compat as wandb
from synadb.wandb_compat._integrations.keras_base import callbacks
from synadb.wandb_compat._integrations.library import active_run
from synadb.wandb_compat._term import termwarn

__all__ = ["Mode", "SaveStrategy", "WandbModelCheckpoint"]

Mode = Literal["auto", "min", "max"]
SaveStrategy = Literal["epoch"]


class WandbModelCheckpoint(callbacks.ModelCheckpoint):  # type: ignore[misc]
    """Keras' ModelCheckpoint; each checkpoint is a version of the artifact `run_<id>_model` too.

    Its aliases are `latest` and `epoch_<n>`, or `epoch_<n>_batch_<n>` for one in the middle of an
    epoch. Without placeholders in `filepath` an epoch that saves nothing has the checkpoint of the
    last one that did.

    The arguments are those of ModelCheckpoint. Raises Error before `wandb.init`.
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: Mode = "auto",
        save_freq: SaveStrategy | int = "epoch",
        initial_value_threshold: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            filepath=filepath,
            monitor=monitor,
            verbose=verbose,
            save_best_only=save_best_only,
            save_weights_only=save_weights_only,
            mode=mode,
            save_freq=save_freq,
            initial_value_threshold=initial_value_threshold,
            **kwargs,
        )
        active_run("WandbModelCheckpoint()")
        self.save_weights_only = save_weights_only
        placeholders = [part[1] for part in string.Formatter().parse(self.filepath)]
        if save_best_only and not any(part is not None for part in placeholders):
            termwarn(
                "WandbModelCheckpoint: with save_best_only, filepath should have a placeholder, "
                "such as {epoch:02d}: without one, an epoch that is not better is given the "
                "checkpoint of an earlier one",
                repeat=False,
            )

    def _save_model(self, epoch: int, batch: int | None, logs: dict[str, Any] | None) -> None:
        # Every way to a checkpoint leads through here.
        super()._save_model(epoch=epoch, batch=batch, logs=logs)
        path = self._get_file_path(epoch=epoch, batch=batch, logs=logs)
        name = f"epoch_{epoch}" if batch is None else f"epoch_{epoch}_batch_{batch}"
        self._log_ckpt_as_artifact(path, aliases=["latest", name])

    def _log_ckpt_as_artifact(self, filepath: str, aliases: list[str] | None = None) -> None:
        run = active_run("WandbModelCheckpoint()")
        artifact = wandb.Artifact(f"run_{run.id}_model", type="model")
        if os.path.isdir(filepath):
            artifact.add_dir(filepath)
        elif os.path.isfile(filepath):
            artifact.add_file(filepath)
        else:
            return  # not the best one: nothing was saved
        run.log_artifact(artifact, aliases=aliases or [])
