"""What all integrations need: the library they are for, and an active run."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import synadb.wandb_compat as wandb
from synadb.wandb_compat._term import termwarn

__all__ = ["active_run", "best_is", "library", "not_local"]


def library(name: str, user: str, install: str | None = None) -> Any:
    """The module `name`; ModuleNotFoundError where it is missing: who needs it, how to get it."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        top = name.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != top:
            raise  # it is there, and misses something itself
        raise ModuleNotFoundError(
            f"{user} needs {name}, which is not installed or too old: pip install {install or top}",
            name=error.name,
        ) from error


def active_run(user: str) -> Any:
    """The active run; Error without one."""
    if wandb.run is None:
        raise wandb.Error(f"You must call wandb.init() before {user}")
    return wandb.run


def not_local(call: str, reason: str) -> None:
    """Say, once, that a call does nothing here."""
    termwarn(f"{call}: has no effect with SynaDB, {reason}", repeat=False)


def best_is(metric: str, smaller: frozenset[str], larger: frozenset[str]) -> str | None:
    """Whether the best value of a metric is its "min" or its "max"; None for one not known."""
    metric = metric.lower()
    if "loss" in metric or metric in smaller:
        return "min"
    return "max" if metric in larger else None
