"""What a trial finds in its environment: who it is, and its parameters in a file."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synadb.records import TrialRecord

__all__ = ["changed", "files_of", "variables"]


def files_of(trial: TrialRecord) -> tuple[str, str]:
    """The paths of a trial's parameters, as YAML and as JSON, below WANDB_DIR or the folder.

    Where no file can be written there, they are in a temporary folder.
    """
    base = os.environ.get("WANDB_DIR") or os.getcwd()
    folder = os.path.join(os.path.abspath(base), "wandb", f"sweep-{trial.sweep_id}")
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError:
        import tempfile

        folder = tempfile.mkdtemp(prefix=f"sweep-{trial.sweep_id}-")
    stem = os.path.join(folder, f"config-{trial.run_id}")
    return stem + ".yaml", stem + ".json"


def variables(trial: TrialRecord, database: str, *, with_json: bool = False) -> dict[str, str]:
    """Write the files of a trial and return the variables that lead to them.

    SYNADB_PATH sends the trial's run to the database of the sweep, wherever the trial runs.
    """
    import yaml

    path, json_path = files_of(trial)
    values: dict[str, Any] = {key: {"value": value} for key, value in trial.params.items()}
    with open(path, "w", encoding="utf-8") as file:
        yaml.safe_dump({"wandb_version": 1, **values}, file, sort_keys=False, allow_unicode=True)
    if with_json:
        with open(json_path, "w", encoding="utf-8") as file:
            json.dump(trial.params, file)
    found = {
        "WANDB_RUN_ID": trial.run_id,
        "WANDB_SWEEP_ID": trial.sweep_id,
        "WANDB_SWEEP_PARAM_PATH": path,
        "SYNADB_PATH": database,
    }
    if "WANDB_DIR" not in os.environ:
        found["WANDB_DIR"] = os.getcwd()
    if trial.properties.get("resume"):
        found["WANDB_RESUME"] = "allow"  # the run that was preempted goes on
    return found


@contextlib.contextmanager
def changed(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables of this process for a `with` block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
