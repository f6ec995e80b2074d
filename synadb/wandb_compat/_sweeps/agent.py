"""`wandb.agent`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from synadb.settings import database_path

__all__ = ["agent"]


def agent(
    sweep_id: str,
    function: Callable[[], Any] | None = None,
    entity: str | None = None,
    project: str | None = None,
    count: int | None = None,
    forward_signals: bool = False,
    term_timeout: int | None = None,
    max_consecutive_failed_runs: int | None = None,
) -> None:
    """Run trials of a sweep: call `function` for each, or run the sweep's program.

    Returns when the sweep is over, `count` trials have been run or too many of them have failed.
    Any number of agents may run at once, in any number of processes. CommError for a sweep that is
    not there or has ended.
    """
    if max_consecutive_failed_runs is not None:
        if isinstance(max_consecutive_failed_runs, bool) or not isinstance(
            max_consecutive_failed_runs, int
        ):
            raise TypeError("max_consecutive_failed_runs must be an integer or None")
        if max_consecutive_failed_runs < 1:
            raise ValueError("max_consecutive_failed_runs must be at least 1")
    if function is not None and not callable(function):
        raise TypeError("function parameter must be callable!")
    options: dict[str, Any] = {
        "database": database_path(),
        "project": project,
        "count": count,
        "max_consecutive_failed_runs": max_consecutive_failed_runs,
    }
    if entity:
        os.environ["WANDB_ENTITY"] = entity
    if project:
        os.environ["WANDB_PROJECT"] = project
    if function is not None:
        from synadb.wandb_compat._sweeps.function_agent import FunctionAgent

        FunctionAgent(function, sweep_id, **options).run()
        return
    from synadb.wandb_compat._sweeps.command_agent import CommandAgent

    CommandAgent(
        sweep_id, forward_signals=forward_signals, term_timeout=term_timeout, **options
    ).run()
