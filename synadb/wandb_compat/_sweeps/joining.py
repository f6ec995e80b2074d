"""What `wandb.init` does about a sweep: its run belongs to it, and to the sweep's project."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synadb.errors import SweepNotFoundError, SynaDBError
from synadb.wandb_compat._term import termwarn

if TYPE_CHECKING:
    from synadb.run import Run as NativeRun
    from synadb.tracker import ExperimentTracker
    from synadb.wandb_compat._settings import Settings

__all__ = ["join", "project_of", "without_place"]

_PLACE = ("project", "entity", "run_id")


def without_place(
    own: Mapping[str, Any], given: Settings | None
) -> tuple[dict[str, Any], Settings | None]:
    """Arguments and settings of init without those that the sweep decides, each with a warning."""
    kept = dict(own)
    settings = None if given is None else given.copy()
    for name in _PLACE:
        value = kept.get(name)
        if value is None and settings is not None and name in settings._given:
            value = getattr(settings, name)
        if settings is not None:
            settings.__dict__.pop(name, None)
        kept[name] = None
        if value is not None:
            termwarn(f"Ignoring {name} {value!r} when running a sweep.")
    return kept, settings


def project_of(tracker: ExperimentTracker, sweep_id: str, project: str, is_chosen: bool) -> str:
    """The project of a new run: the sweep's, unless it is by hand that the run joins the sweep."""
    if is_chosen and os.environ.get("WANDB_SWEEP_ID") != sweep_id:
        return project
    try:
        return tracker.sweep(sweep_id).project
    except SweepNotFoundError:
        return project


def join(tracker: ExperimentTracker, native: NativeRun, sweep_id: str) -> None:
    """Let a run know its sweep, and the sweep a run that no agent was given."""
    native.update(metadata={"sweep": sweep_id})
    try:
        with tracker._store.sweeps() as tables:
            if tables.trial_of(native.run_id, sweep_id) is not None:
                return
        if os.path.basename(os.environ.get("WANDB_SWEEP_PARAM_PATH", "")) == (
            f"config-{native.run_id}.yaml"
        ):
            termwarn("the agent of this trial has died, and the trial was handed to another one")
            return
        tracker.sweep(sweep_id).controller.add_run(tracker.get_run(native.run_id))
    except SynaDBError as error:
        termwarn(f"the run is recorded, but not as a part of the sweep: {error}")
