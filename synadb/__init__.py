"""SynaDB keeps machine-learning runs on the user's own disk, in one file.

``ExperimentTracker`` is the native API; ``synadb.wandb_compat`` is a drop-in for wandb. Nothing is
loaded until it is asked for: importing this package costs a few milliseconds at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synadb import media
    from synadb.errors import (
        ArtifactNotFoundError,
        RunEndedError,
        RunNotFoundError,
        StorageError,
        SynaDBError,
    )
    from synadb.run import Run
    from synadb.tracker import ExperimentTracker

__version__ = "0.1.0"

__all__ = [
    "ArtifactNotFoundError",
    "ExperimentTracker",
    "Run",
    "RunEndedError",
    "RunNotFoundError",
    "StorageError",
    "SynaDBError",
    "media",
]

_HOME = {
    "ArtifactNotFoundError": "synadb.errors",
    "ExperimentTracker": "synadb.tracker",
    "Run": "synadb.run",
    "RunEndedError": "synadb.errors",
    "RunNotFoundError": "synadb.errors",
    "StorageError": "synadb.errors",
    "SynaDBError": "synadb.errors",
    "media": "",
}


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'synadb' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(home), name) if home else import_module(f"synadb.{name}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
