"""`wandb.controller`: a sweep whose trials are chosen here, and not by the agents."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synadb.errors import InvalidValueError
from synadb.settings import database_path
from synadb.sweeps.controller import OPEN_STATES, Controller, is_local
from synadb.wandb_compat import _session
from synadb.wandb_compat._sweeps import create as creating

if TYPE_CHECKING:
    from synadb.records import RunRecord, SweepRecord, TrialRecord

__all__ = ["ControllerError", "LocalController", "SweepRun", "controller"]

STEP_SECONDS = 1.0
_STATES = ("pending", "running", "finished", "failed", "crashed", "killed", "preempted", "stopped")

Search = Callable[[dict[str, Any], list["SweepRun"]], Any]
Stopping = Callable[[dict[str, Any], list["SweepRun"]], Sequence["SweepRun"]]


class ControllerError(Exception):
    """A controller was used in a way that makes no sense."""


class SweepRun:
    """A run of a sweep, as a search sees it; `config` is `{name: {"value": value}}`."""

    def __init__(
        self,
        name: str | None = None,
        config: Mapping[str, Any] | None = None,
        state: str = "pending",
        summary_metrics: Mapping[str, Any] | None = None,
        history: Callable[[], list[dict[str, Any]]] | None = None,
        *,
        stopped: bool = False,
        should_stop: bool = False,
    ) -> None:
        self.name = name
        self.config = dict(config or {})
        self.state = state
        self.summary_metrics = dict(summary_metrics or {})
        self.stopped = stopped
        self.should_stop = should_stop
        self.early_terminate_info: dict[str, Any] | None = None
        self.search_info: dict[str, Any] | None = None
        self._history = history

    @property
    def history(self) -> list[dict[str, Any]]:
        """The rows that the run has logged so far."""
        return self._history() if self._history is not None else []

    def metric_history(self, metric_name: str) -> list[Any]:
        """The values of one metric."""
        return [row[metric_name] for row in self.history if metric_name in row]

    def summary_metric(self, metric_name: str) -> Any:
        """The summary of one metric; KeyError."""
        return self.summary_metrics[metric_name]

    def __repr__(self) -> str:
        return f"SweepRun(name={self.name!r}, state={self.state!r}, config={self.config!r})"


class LocalController:
    """Configures, creates and steers one sweep; ControllerError where that makes no sense."""

    def __init__(
        self,
        sweep_id_or_config: str | Mapping[str, Any] | None = None,
        entity: str | None = None,
        project: str | None = None,
    ) -> None:
        if entity:
            os.environ["WANDB_ENTITY"] = entity
        if project:
            os.environ["WANDB_PROJECT"] = project
        self._project = project
        self._config: dict[str, Any] = {}
        self._search: Search | None = None
        self._stop: Stopping | None = None
        self._id: str | None = None
        self._started = False
        self._controller: Controller | None = None
        self._actions: list[str] = []
        self._said = ""
        if isinstance(sweep_id_or_config, str):
            self._open(sweep_id_or_config)
        elif isinstance(sweep_id_or_config, Mapping):
            self._take(sweep_id_or_config)
            self.create()
        elif sweep_id_or_config is not None:
            raise ControllerError(
                "wandb.controller() takes the id of a sweep or a config, not "
                f"{sweep_id_or_config!r}"
            )

    def _open(self, path: str) -> str:
        found = creating.find(_session.tracker_for(database_path()), path, self._project)
        self._id, self._controller = found.sweep_id, found.controller
        return found.sweep_id

    # -- configuring -----------------------------------------------------------------------------

    def configure_search(self, search: str | Search) -> None:
        """The name of a method, or a function (config, runs) -> the run to schedule, or None."""
        self._changeable()
        if isinstance(search, str):
            self._config["method"] = search
        elif callable(search):
            self._config["method"] = "custom"
            self._search = search
        else:
            raise ControllerError(f"configure_search() takes a name or a function, not {search!r}")

    def configure_stopping(
        self, stopping: str | Callable[[dict[str, Any]], Stopping], **kwargs: Any
    ) -> None:
        """The type of early termination, or a function that takes `kwargs` and returns one."""
        self._changeable()
        block = self._config.setdefault("early_terminate", {})
        if isinstance(stopping, str):
            block.update(type=stopping, **kwargs)
        elif callable(stopping):
            self._stop = stopping(kwargs)
            del self._config["early_terminate"]
        else:
            raise ControllerError(
                f"configure_stopping() takes a name or a function, not {stopping!r}"
            )

    def configure_metric(self, metric: str, goal: str | None = None) -> None:
        """What to look for."""
        self._changeable()
        block = self._config.setdefault("metric", {})
        block["name"] = metric
        if goal:
            block["goal"] = goal

    def configure_program(self, program: str) -> None:
        """What command agents run."""
        self._changeable()
        if not isinstance(program, str):
            raise ControllerError(f"configure_program() takes the name of a file, not {program!r}")
        self._config["program"] = program

    def configure_name(self, name: str) -> None:
        """The sweep's name."""
        self._changeable()
        self._config["name"] = name

    def configure_description(self, description: str) -> None:
        """The sweep's description."""
        self._changeable()
        self._config["description"] = description

    def configure_parameter(
        self,
        name: str,
        values: Sequence[Any] | None = None,
        value: Any = None,
        distribution: str | None = None,
        min: float | None = None,
        max: float | None = None,
        mu: float | None = None,
        sigma: float | None = None,
        q: float | None = None,
        a: float | None = None,
        b: float | None = None,
    ) -> None:
        """One parameter: the keys of its entry in the config."""
        self._changeable()
        keys = {
            "values": values,
            "distribution": distribution,
            "min": min,
            "max": max,
            "mu": mu,
            "sigma": sigma,
            "q": q,
            "a": a,
            "b": b,
        }
        given = {key: item for key, item in keys.items() if item is not None}
        if value is not None or not given.keys() - {"mu", "sigma", "q", "a", "b"}:
            given["value"] = value
        self._config.setdefault("parameters", {}).setdefault(name, {}).update(given)

    def configure_controller(self, type: str) -> None:
        """Where the search runs: "local" is here."""
        self._changeable()
        self._config.setdefault("controller", {}).setdefault("type", type)

    def configure(self, sweep_dict_or_config: Mapping[str, Any] | str) -> None:
        """The whole config, as a dict or as YAML."""
        self._changeable()
        if self._config:
            raise ControllerError("Already configured.")
        if isinstance(sweep_dict_or_config, str):
            from synadb.sweeps.config import read_yaml

            self._take(read_yaml(sweep_dict_or_config))
        elif isinstance(sweep_dict_or_config, Mapping):
            self._take(sweep_dict_or_config)
        else:
            raise ControllerError(f"configure() takes a dict or YAML, not {sweep_dict_or_config!r}")

    def _take(self, config: Mapping[str, Any]) -> None:
        self._config = dict(config)
        if callable(self._config.get("method")):
            self._search = self._config["method"]
            self._config["method"] = "custom"
        if callable(self._config.get("early_terminate")):
            self._stop = self._config.pop("early_terminate")

    def _changeable(self) -> None:
        if self._started:
            raise ControllerError("Can not configure after sweep has been started.")

    def create(self) -> str:
        """Create the sweep and return its id."""
        if self._started:
            raise ControllerError("Can not create after sweep has been started.")
        if self._id is not None:
            raise ControllerError("Can not use create on already created sweep.")
        if not self._config:
            raise ControllerError("Must configure sweep before create.")
        return self._open(creating.sweep(self._config, project=self._project))

    # -- steering --------------------------------------------------------------------------------

    @property
    def sweep_id(self) -> str | None:
        """The sweep's id, once it has been created."""
        return self._id

    @property
    def sweep_config(self) -> dict[str, Any]:
        """The sweep's config, or what has been configured so far."""
        return self._controller.sweep().config if self._controller else self._config

    def _start(self) -> Controller:
        if self._controller is None:
            raise ControllerError("Must specify or create a sweep before running controller.")
        if not self._started and not is_local(self._controller.sweep().config):
            raise ControllerError(
                "Only sweeps with a local controller can be steered: add `controller: {type: "
                "local}` to the config"
            )
        self._started = True
        return self._controller

    def run(
        self,
        verbose: bool = False,
        print_status: bool = True,
        print_actions: bool = False,
        print_debug: bool = False,
    ) -> None:
        """Steer the sweep to its end."""
        self._start()
        while not self.done():
            if print_status or verbose:
                self.print_status()
            self.step()
            if print_actions or verbose:
                self.print_actions()
            if not self.done():
                time.sleep(STEP_SECONDS)

    def step(self) -> None:
        """Schedule a run if none waits for an agent, and stop what should stop."""
        found = self._start()
        self._actions = []
        if not self._waiting(found):
            self.schedule(self.search())
        stopped = self.stopping()
        if stopped:
            self.stop_runs(stopped)

    def done(self) -> bool:
        """Whether the sweep is over."""
        return self._start().sweep().state not in OPEN_STATES

    @staticmethod
    def _waiting(found: Controller) -> bool:
        return any(trial.state == "pending" for trial in found.trials())

    def search(self) -> Any:
        """The run to schedule next; None at the end of the search."""
        found = self._start()
        if self._search is not None:
            return self._search(self.sweep_config, self._runs(found))
        params = found.propose()
        if params is None:
            return None
        return SweepRun(config={key: {"value": value} for key, value in params.items()})

    def schedule(self, run: Any) -> None:
        """Let the next agent run this, a run or its config; None says that there is no more."""
        found = self._start()
        if run is None:
            found.exhaust()
            return
        if self._waiting(found):
            return
        config = run if isinstance(run, Mapping) else run.config
        params = {
            key: item["value"] if isinstance(item, Mapping) and set(item) == {"value"} else item
            for key, item in config.items()
        }
        trial = found.enqueue(params)
        if not isinstance(run, Mapping) and getattr(run, "name", "") is None:
            run.name = trial.run_id
        shown = ",".join(f"{key}={value}" for key, value in sorted(params.items()))
        self._actions.append(f"Schedule ({shown})")

    def stopping(self) -> list[SweepRun]:
        """The running runs that should be stopped."""
        found = self._start()
        runs = self._runs(found)
        if self._stop is not None:
            return list(self._stop(self.sweep_config, runs))
        by_name = {run.name: run for run in runs}
        stopped = []
        for trial in found.trials():
            if trial.state == "running" and "stop" not in trial.properties:
                reason = found.decide(trial.number)
                if reason is not None:
                    run = by_name[trial.run_id]
                    run.early_terminate_info = {"reason": reason}
                    stopped.append(run)
        return stopped

    def stop_runs(self, runs: Sequence[SweepRun]) -> None:
        """Stop these runs."""
        found = self._start()
        names = {run.name: run for run in runs}
        for trial in found.trials():
            run = names.get(trial.run_id)
            if run is not None and "stop" not in trial.properties:
                info = run.early_terminate_info or {}
                found.stop(trial.number, str(info.get("reason") or "stopped by the controller"))
        self._actions.append(f"Stop ({','.join(map(str, names))})")

    def _runs(self, found: Controller) -> list[SweepRun]:
        tracker = _session.tracker_for(database_path())
        known = {run.run_id: run for run in tracker.sweep(found.sweep_id).runs}
        return [_as_run(tracker, trial, known.get(trial.run_id)) for trial in found.trials()]

    # -- telling ---------------------------------------------------------------------------------

    def print_status(self) -> None:
        """A line with the states of the runs, if it is not the same as the last."""
        found = self._start()
        line = _status(found.sweep(), found.trials())
        if line != self._said:
            print(line)  # noqa: T201 - what the method is for
        self._said = line

    def print_actions(self) -> None:
        """What the last step did."""
        for line in self._actions:
            print("INFO:", line)  # noqa: T201 - what the method is for
        self._actions = []

    def print_debug(self) -> None:
        """Nothing more than `print_actions` says."""

    def _validate(self, config: Mapping[str, Any]) -> str:
        from synadb.sweeps.config import parse

        try:
            parse(config)
        except InvalidValueError as error:
            return str(error)
        return ""


def _as_run(tracker: Any, trial: TrialRecord, run: RunRecord | None) -> SweepRun:
    return SweepRun(
        trial.run_id,
        {key: {"value": value} for key, value in trial.params.items()},
        "killed" if trial.state == "stopped" else trial.state,
        run.summary if run else {},
        (lambda: list(tracker.rows(run.run_id))) if run else None,
        stopped=trial.state == "stopped",
        should_stop="stop" in trial.properties,
    )


def _status(sweep: SweepRecord, trials: Sequence[TrialRecord]) -> str:
    options = [str(sweep.config.get("method"))]
    if sweep.config.get("early_terminate"):
        options.append(str(sweep.config["early_terminate"].get("type")))
    counts = {state: sum(trial.state == state for trial in trials) for state in _STATES}
    shown = ", ".join(f"{state.capitalize()}: {n}" for state, n in counts.items() if n)
    runs = f"Runs: {len(trials)} ({shown})" if shown else f"Runs: {len(trials)}"
    return f"Sweep: {sweep.sweep_id} ({','.join(options)}) | {runs}"


def controller(
    sweep_id_or_config: str | Mapping[str, Any] | None = None,
    entity: str | None = None,
    project: str | None = None,
) -> LocalController:
    """A controller of the sweep with this id, of a new one of this config, or of one to come."""
    return LocalController(sweep_id_or_config, entity, project)
