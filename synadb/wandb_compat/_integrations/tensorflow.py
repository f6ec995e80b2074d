"""TensorFlow: a hook for sessions of its first version."""

from __future__ import annotations

from typing import Any

import synadb.wandb_compat as wandb
from synadb.wandb_compat._integrations.library import active_run, library

__all__ = ["WandbHook"]

_train: Any = library("tensorflow", "wandb.integration.tensorflow").compat.v1.train


class WandbHook(_train.SessionRunHook):  # type: ignore[misc]
    """Logs the summaries of a session each `steps_per_log` steps; Error before `wandb.init`."""

    def __init__(
        self, summary_op: Any = None, steps_per_log: int = 1000, history: Any = None
    ) -> None:
        self._summary_op = summary_op
        self._steps_per_log = steps_per_log

    def begin(self) -> None:
        """Take all summaries of the graph, where none was given."""
        active_run("WandbHook()")
        if self._summary_op is None:
            summary = library("tensorflow", "wandb.integration.tensorflow").compat.v1.summary
            self._summary_op = summary.merge_all()

    def before_run(self, run_context: Any) -> Any:
        """Ask for the summaries and the step."""
        return _train.SessionRunArgs(
            {"summary": self._summary_op, "global_step": _train.get_global_step()}
        )

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Log them, at every so many steps."""
        step = int(run_values.results["global_step"])
        if step % self._steps_per_log == 0:
            from synadb.wandb_compat.integration.tensorboard import tf_summary_to_dict

            found = tf_summary_to_dict(run_values.results["summary"])
            wandb.log({**(found or {}), "global_step": step})
