"""What the module-level names stand for: the active runs of this process, and their trackers."""

from __future__ import annotations

import atexit
import os
import sys
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synadb.tracker import ExperimentTracker
    from synadb.wandb_compat._run import Run

__all__ = ["active", "bind", "ended", "tracker_for"]

_BOUND = ("log",)

active: list[Run] = []
_trackers: dict[str, ExperimentTracker] = {}
_state = {"hooked": False, "failed": False}


def tracker_for(path: str) -> ExperimentTracker:
    """The tracker of a database, opened once a process."""
    from synadb.tracker import ExperimentTracker

    found = _trackers.get(path)
    if found is None or not os.path.exists(path):
        found = _trackers[path] = ExperimentTracker(path)
    return found


def bind(run: Run) -> None:
    """Make `run` the active one: wandb.run, wandb.config, wandb.summary, wandb.log, ..."""
    package = sys.modules[__package__]
    package.run = run  # type: ignore[attr-defined]
    package.config = run.config  # type: ignore[attr-defined]
    package.summary = run.summary  # type: ignore[attr-defined]
    for name in _BOUND:
        setattr(package, name, getattr(run, name))


def start(run: Run, *, as_global: bool) -> None:
    """Count a run as active."""
    active.append(run)
    if as_global:
        bind(run)
    if not _state["hooked"]:
        _state["hooked"] = True
        atexit.register(_finish_all)
        previous = sys.excepthook

        def note(
            kind: type[BaseException], error: BaseException, trace: TracebackType | None
        ) -> None:
            _state["failed"] = True
            previous(kind, error, trace)

        sys.excepthook = note


def ended(run: Run) -> None:
    """Forget a run; if it was the global one the module's names are as before init."""
    if run in active:
        active.remove(run)
    package = sys.modules[__package__]
    if package.run is run:
        package._unbind()


def _finish_all() -> None:
    # A forgotten finish: the interpreter is about to end.
    for run in list(reversed(active)):
        run.finish(1 if _state["failed"] else 0)
