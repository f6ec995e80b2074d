"""Sacred: the observer that records an experiment."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any

import synadb.wandb_compat as wandb
from synadb.wandb_compat._integrations.library import library
from synadb.wandb_compat.util import is_numpy_array

__all__ = ["WandbObserver"]

_observers: Any = library("sacred.observers", "wandb.integration.sacred", "sacred")


class WandbObserver(_observers.RunObserver):  # type: ignore[misc]
    """Records an experiment: its configuration, metrics, artifacts and results.

    The arguments are those of `wandb.init`, which it calls.
    """

    def __init__(self, **kwargs: Any) -> None:
        self.run = wandb.init(**kwargs)
        self.resources: dict[str, str] = {}

    def started_event(
        self,
        ex_info: Any,
        command: Any,
        host_info: Any,
        start_time: Any,
        config: Mapping[str, Any],
        meta_info: Any,
        _id: Any,
    ) -> None:
        """Take the configuration over."""
        for name, value in config.items():
            self.run.config[name] = value
        self.run.config["resources"] = []

    def completed_event(self, stop_time: Any, result: Any) -> None:
        """Log the result: numbers as `result_<n>`, dicts as rows, files as artifacts."""
        if is_numpy_array(result) or result:
            results = result if isinstance(result, tuple) else (result,)
            for number, one in enumerate(results):
                self._log_result(f"result_{number}", one)

    def _log_result(self, name: str, result: Any) -> None:
        if isinstance(result, int | float):
            wandb.log({name: float(result)})
        elif isinstance(result, Mapping):
            wandb.log(dict(result))
        elif is_numpy_array(result):
            wandb.log({name: wandb.Image(result)})
        elif isinstance(result, str | os.PathLike) and os.path.isfile(result):
            self.artifact_event(f"{name}.pkl", os.fspath(result), content_type="result")
        else:
            warnings.warn(
                f"WandbObserver: a result of type {type(result)} cannot be logged; it is left out",
                stacklevel=2,
            )

    def artifact_event(
        self,
        name: str,
        filename: str,
        metadata: Mapping[str, Any] | None = None,
        content_type: str | None = None,
    ) -> None:
        """Store a file as an artifact, with its content type as type."""
        artifact = wandb.Artifact(name, type=content_type or "file")
        artifact.add_file(filename)
        self.run.log_artifact(artifact)

    def resource_event(self, filename: str) -> None:
        """Note a file that the experiment has opened."""
        if filename not in self.resources:
            digest = library("sacred.dependencies", "wandb.integration.sacred", "sacred").get_digest
            self.resources[filename] = digest(filename)

    def log_metrics(self, metrics_by_name: Mapping[str, Any], info: Any) -> None:
        """Log what `_run.log_scalar` was given, a row a value."""
        for name, metric in metrics_by_name.items():
            for value in metric["values"]:
                wandb.log({name: wandb.Image(value) if is_numpy_array(value) else value})
