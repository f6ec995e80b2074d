"""A sweep as its reader sees it: config, state, trials, runs, the best of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synadb.sweeps.controller import Controller
from synadb.sweeps.trial import Extent

if TYPE_CHECKING:
    from synadb.records import RunRecord, SweepRecord, TrialRecord
    from synadb.storage import Store

__all__ = ["Sweep"]


class Sweep:
    """One sweep of a database; get one from `tracker.sweep(...)`.

    Every attribute is read anew. Raises SweepNotFoundError.
    """

    def __init__(self, store: Store, sweep_id: str) -> None:
        self.controller = Controller(store, sweep_id)
        self._store = store
        self.record  # noqa: B018 - raises for a sweep that is not there

    @property
    def record(self) -> SweepRecord:
        """The sweep as it stands."""
        return self.controller.sweep()

    @property
    def sweep_id(self) -> str:
        """Its id."""
        return self.controller.sweep_id

    @property
    def project(self) -> str:
        """The experiment that its runs belong to."""
        return self.record.project

    @property
    def name(self) -> str:
        """The config's name, else the id."""
        return str(self.record.config.get("name") or self.sweep_id)

    @property
    def config(self) -> dict[str, Any]:
        """The config."""
        return self.record.config

    @property
    def state(self) -> str:
        """PENDING, RUNNING, PAUSED, FINISHED or CANCELED."""
        return self.record.state

    @property
    def trials(self) -> list[TrialRecord]:
        """Its trials by number."""
        return self.controller.trials()

    @property
    def runs(self) -> list[RunRecord]:
        """The runs that have begun, in order of creation."""
        with self._store.sweeps() as tables:
            return tables.runs(self.sweep_id)

    @property
    def expected_run_count(self) -> int | None:
        """How many runs there will be; None where nobody knows."""
        return self.controller.expected(self.record)

    @property
    def metric(self) -> tuple[str, bool] | None:
        """The name of the metric, and whether more of it is better."""
        config = self.config
        found = config.get("metric") or next(iter(config.get("metrics") or ()), None)
        return (found["name"], found.get("goal") == "maximize") if found else None

    def best_trial(self) -> TrialRecord | None:
        """The trial with the best value of the metric, of its history and its summary."""
        return self.best_of(self.trials)

    def best_of(self, trials: Sequence[TrialRecord]) -> TrialRecord | None:
        """The one with the best value among trials that have been read already."""
        metric = self.metric
        known = [(value, trial) for trial in trials if (value := _value(trial, metric)) is not None]
        if metric is None or not known:
            return None
        choose = max if metric[1] else min
        return choose(known, key=lambda pair: pair[0])[1]

    def best(self) -> RunRecord | None:
        """The run of the best trial."""
        trial = self.best_trial()
        return self._store.get_run(trial.run_id) if trial else None

    @property
    def best_config(self) -> dict[str, Any] | None:
        """The parameters of the best trial."""
        trial = self.best_trial()
        return trial.params if trial else None

    def value(self, trial: TrialRecord) -> float | None:
        """The best value of the metric that an ended trial has had."""
        return _value(trial, self.metric)

    def values(self, trials: Sequence[TrialRecord]) -> list[float | None]:
        """As `value`, of many trials."""
        metric = self.metric
        return [_value(trial, metric) for trial in trials]

    # -- steering --------------------------------------------------------------------------------

    def pause(self) -> None:
        """Hand out nothing until `resume`; what runs goes on."""
        self.controller.move("PAUSED")

    def resume(self) -> None:
        """Hand out trials again, also after the end."""
        self.controller.move("RUNNING")

    def finish(self) -> None:
        """Hand out nothing any more; what runs goes on to its end."""
        self.controller.move("FINISHED")

    def cancel(self) -> None:
        """Hand out nothing any more, and stop what runs."""
        self.controller.move("CANCELED")

    def enqueue(self, params: Mapping[str, Any]) -> str:
        """Let the next agent run these parameters; returns the id of the run to come."""
        return self.controller.enqueue(params).run_id

    def __repr__(self) -> str:
        return f"<Sweep {self.project}/{self.sweep_id} ({self.state})>"


def _value(trial: TrialRecord, metric: tuple[str, bool] | None) -> float | None:
    found = trial.properties.get("metric")
    if not found or metric is None or trial.state in ("pending", "running", "preempted"):
        return None
    extent = Extent(*found[0])
    return extent.highest if metric[1] else extent.lowest
