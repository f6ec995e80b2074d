"""Keras: WandbEvalCallback."""

from __future__ import annotations

import abc
from typing import Any

import synadb.wandb_compat as wandb
from synadb.wandb_compat._integrations.keras_base import callbacks
from synadb.wandb_compat._integrations.library import active_run

__all__ = ["WandbEvalCallback"]


class WandbEvalCallback(callbacks.Callback, abc.ABC):  # type: ignore[misc]
    """Base class for callbacks that log what a model predicts, epoch by epoch, in tables.

    Write `add_ground_truth`, which fills `self.data_table`, and `add_model_predictions`, which
    fills `self.pred_table`. The former is stored once, as the artifact `val`; `data_table_ref` is
    the stored table, so that media in it can be used again without a second copy. The latter is
    stored each epoch, as a new version of the artifact `run_<id>_pred`.

    Args:
        data_table_columns: Columns of `data_table`.
        pred_table_columns: Columns of `pred_table`.

    Raises Error before `wandb.init`.
    """

    def __init__(
        self,
        data_table_columns: list[str],
        pred_table_columns: list[str],
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        active_run("using this callback")
        self.data_table_columns = data_table_columns
        self.pred_table_columns = pred_table_columns

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Store the ground truth."""
        self.init_data_table(column_names=self.data_table_columns)
        self.add_ground_truth(logs)
        self.log_data_table()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Store the predictions."""
        self.init_pred_table(column_names=self.pred_table_columns)
        self.add_model_predictions(epoch, logs)
        self.log_pred_table()

    @abc.abstractmethod
    def add_ground_truth(self, logs: dict[str, float] | None = None) -> None:
        """Add rows to `self.data_table`; called once, before the training."""
        raise NotImplementedError(f"{type(self).__name__}.add_ground_truth")

    @abc.abstractmethod
    def add_model_predictions(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Add rows to `self.pred_table`; called after each epoch."""
        raise NotImplementedError(f"{type(self).__name__}.add_model_predictions")

    def init_data_table(self, column_names: list[str]) -> None:
        """Begin an empty `data_table`, whose columns may mix types."""
        self.data_table = wandb.Table(columns=column_names, allow_mixed_types=True)

    def init_pred_table(self, column_names: list[str]) -> None:
        """Begin an empty `pred_table`."""
        self.pred_table = wandb.Table(columns=column_names)

    def log_data_table(
        self, name: str = "val", type: str = "dataset", table_name: str = "val_data"
    ) -> None:
        """Store `data_table` as an artifact that the run uses; `data_table_ref` is the result."""
        artifact = wandb.Artifact(name, type=type)
        artifact.add(self.data_table, table_name)
        active_run("log_data_table()").use_artifact(artifact)
        artifact.wait()
        self.data_table_ref = artifact.get(table_name)

    def log_pred_table(
        self,
        type: str = "evaluation",
        table_name: str = "eval_data",
        aliases: list[str] | None = None,
    ) -> None:
        """Store `pred_table` as a new version of the artifact of predictions."""
        run = active_run("log_pred_table()")
        artifact = wandb.Artifact(f"run_{run.id}_pred", type=type)
        artifact.add(self.pred_table, table_name)
        run.log_artifact(artifact, aliases=aliases or ["latest"])
