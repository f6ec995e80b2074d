"""Keras: WandbMetricsLogger."""

from __future__ import annotations

from typing import Any, Literal

import synadb.wandb_compat as wandb
from synadb.wandb_compat._integrations.keras_base import callbacks, learning_rate
from synadb.wandb_compat._integrations.library import active_run
from synadb.wandb_compat._term import termerror

__all__ = ["LogStrategy", "WandbMetricsLogger"]

LogStrategy = Literal["epoch", "batch"]


class WandbMetricsLogger(callbacks.Callback):  # type: ignore[misc]
    """Logs what a model is compiled to measure, and the learning rate.

    Each epoch is a row, with keys `epoch/<name>`, `epoch/epoch` and `epoch/learning_rate`; with a
    `log_freq` each so many batches as well, with `batch/<name>`, `batch/batch_step` and
    `batch/learning_rate`.

    Args:
        log_freq: "epoch", "batch", or a number of batches.
        initial_global_step: How many batches earlier trainings have had: for a schedule of the
            learning rate, where `fit` goes on at an `initial_epoch`.

    Raises Error before `wandb.init`.
    """

    def __init__(
        self,
        log_freq: LogStrategy | int = "epoch",
        initial_global_step: int = 0,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        active_run("WandbMetricsLogger()")
        if log_freq == "batch":
            log_freq = 1
        self.logging_batch_wise = isinstance(log_freq, int)
        self.log_freq: int | None = log_freq if isinstance(log_freq, int) else None
        self.global_batch = 0
        self.global_step = initial_global_step
        axis = "batch/batch_step" if self.logging_batch_wise else "epoch/epoch"
        wandb.define_metric(axis)
        wandb.define_metric(f"{axis.partition('/')[0]}/*", step_metric=axis)

    def _log(self, prefix: str, logs: dict[str, Any] | None, axis: str, value: int) -> None:
        row: dict[str, Any] = {f"{prefix}/{name}": one for name, one in (logs or {}).items()}
        row[f"{prefix}/{axis}"] = value
        try:
            row[f"{prefix}/learning_rate"] = learning_rate(self.model.optimizer, self.global_step)
        except Exception as error:  # noqa: BLE001 - an optimizer of any make: no reason to stop
            termerror(f"Unable to log learning rate: {error}", repeat=False)
        wandb.log(row)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Log the epoch."""
        self._log("epoch", logs, "epoch", epoch)

    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Log the batch, where it is one to log."""
        self.global_step += 1
        if self.log_freq is not None and batch % self.log_freq == 0:
            self._log("batch", logs, "batch_step", self.global_batch)
            self.global_batch += self.log_freq

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Log the batch, where it is one to log."""
        self.on_batch_end(batch, logs)
