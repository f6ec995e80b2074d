"""`wandb.agents.pyagent`: the agent that calls a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from synadb.settings import database_path
from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._sweeps import loop
from synadb.wandb_compat._sweeps.function_agent import FunctionAgent, is_running

__all__ = ["Agent", "Job", "RunStatus", "is_running", "pyagent"]


class RunStatus:
    """The states that wandb's agent gives its runs."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    STOPPED = "STOPPED"
    ERRORED = "ERRORED"
    DONE = "DONE"


class Job:
    """A command for an agent."""

    def __init__(self, command: Mapping[str, Any]) -> None:
        self.command = command
        self.type = command.get("type")
        self.run_id = command.get("run_id")
        self.config = command.get("args")

    def __repr__(self) -> str:
        if self.type == "run":
            return f"Job({self.run_id},{self.config})"
        return f"stop({self.run_id})" if self.type == "stop" else "exit"


class Agent:
    """An agent that calls a function; `run` may be called again."""

    FLAPPING_MAX_SECONDS = loop.FLAPPING_SECONDS
    FLAPPING_MAX_FAILURES = loop.FLAPPING_FAILURES
    MAX_INITIAL_FAILURES = loop.INITIAL_FAILURES
    HEARTBEAT_SLEEP_SECONDS = loop.ASK_SECONDS

    def __init__(
        self,
        sweep_id: str | None = None,
        project: str | None = None,
        entity: str | None = None,
        function: Callable[[], Any] | None = None,
        count: int | None = None,
        max_consecutive_failed_runs: int | None = None,
    ) -> None:
        self._sweep_id = sweep_id
        self._project = project
        self._entity = entity
        self._function = function
        self._count = count
        self._most = max_consecutive_failed_runs

    def run(self) -> None:
        """Run trials until the sweep, `count` or a rule ends it."""
        if not callable(self._function):
            raise TypeError("function parameter must be callable!")
        found = FunctionAgent(
            self._function,
            self._sweep_id or "",
            database=database_path(),
            project=self._project,
            count=self._count,
            max_consecutive_failed_runs=self._most,
        )
        found.ask_seconds = self.HEARTBEAT_SLEEP_SECONDS
        found.run()


def pyagent(
    sweep_id: str,
    function: Callable[[], Any],
    entity: str | None = None,
    project: str | None = None,
    count: int | None = None,
    max_consecutive_failed_runs: int | None = None,
) -> None:
    """Call `function` for each trial of a sweep."""
    Agent(sweep_id, project, entity, function, count, max_consecutive_failed_runs).run()


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
