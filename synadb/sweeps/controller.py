"""Hands out the trials of a sweep, and takes in how they end.

Any number of processes do so at once. Each decision is one transaction: what a grid or a random
search hands out is chosen inside it. A model-based suggestion takes too long for that. It is made
from a snapshot, and made again if others have claimed trials meanwhile.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synadb.errors import SweepStateError
from synadb.ids import generate_id
from synadb.ops import UpdateRun
from synadb.records import RunRecord, SweepRecord, TrialRecord
from synadb.settings import Settings
from synadb.sweeps import measuring
from synadb.sweeps.config import SweepConfig, parse
from synadb.sweeps.hyperband import Curve, decide
from synadb.sweeps.liveness import Watch
from synadb.sweeps.plan import Plan
from synadb.sweeps.suggest import expected_count
from synadb.sweeps.trial import NOTHING, Extent, Trial

if TYPE_CHECKING:
    from synadb.storage import Store
    from synadb.storage.sweeps import SweepTables

__all__ = ["OVER", "WAIT", "Controller", "create_sweep", "is_local"]

WAIT = "wait"  # nothing to hand out now, but there may be later
OVER = "over"  # nothing will be handed out any more

HEARTBEAT_SECONDS = 5.0  # between two heartbeats that are written
MOST_ATTEMPTS = 3  # agents that may die of one trial, before it is given up
MOST_RETRIES = 5  # of a suggestion that others have overtaken
OPEN_STATES = ("PENDING", "RUNNING")
LOST = "the agent's heartbeat stopped"  # why a trial is handed on
KILLED = "the run was killed"
_SPARING = 20  # times what a look at histories has cost, until the next
_WAITING = ("pending", "preempted")
_ENDS = ("finished", "failed", "killed", "crashed")
_MOVES = {
    "PAUSED": ("RUNNING", "PAUSED"),
    "FINISHED": ("PENDING", "RUNNING", "PAUSED"),
    "CANCELED": ("PENDING", "RUNNING", "PAUSED"),
    "RUNNING": ("PENDING", "RUNNING", "PAUSED", "FINISHED", "CANCELED", "CRASHED"),
}


def is_local(config: Mapping[str, Any]) -> bool:
    """Whether a program of the user's, and not the agents, chooses the trials."""
    return (config.get("controller") or {}).get("type") == "local"


# -- sweeps --------------------------------------------------------------------------------------


def create_sweep(
    store: Store,
    config: SweepConfig,
    project: str,
    *,
    prior_runs: Sequence[str] = (),
    seed: int | None = None,
    now: float | None = None,
) -> SweepRecord:
    """Create a sweep; the runs `prior_runs` are its first trials.

    Raises RunNotFoundError for a run that is not there.
    """
    priors = [store.get_run(run_id) for run_id in dict.fromkeys(prior_runs)]
    sweep_id = generate_id()
    properties = {"seed": int.from_bytes(os.urandom(6), "little") if seed is None else seed}
    stamp = time.time() if now is None else now
    with store.sweeps(write=True) as tables:
        sweep = tables.add_sweep(sweep_id, project, config.stored, "PENDING", stamp, properties)
    controller = Controller(store, sweep_id)
    for run in priors:
        controller.add_run(run)
        if run.sweep_id is None:
            store.apply([UpdateRun(run.run_id, {"metadata": {"sweep": sweep_id}})])
    return sweep


class Controller:
    """One sweep, for those who run its trials. The methods may be called from any thread."""

    def __init__(self, store: Store, sweep_id: str, watch: Watch | None = None) -> None:
        self._store = store
        self.sweep_id = sweep_id
        self.timeout = Settings.from_environment().sweep_timeout
        self._watch = Watch() if watch is None else watch
        self._plan: Plan | None = None
        self._decide_after = self._reached_after = 0.0

    def sweep(self) -> SweepRecord:
        """The sweep as it stands; SweepNotFoundError."""
        with self._store.sweeps() as tables:
            return tables.sweep(self.sweep_id)

    def trials(self) -> list[TrialRecord]:
        """Its trials by number; those of runs by hand as the runs stand."""
        with self._store.sweeps() as tables:
            plan = self._planned(tables.sweep(self.sweep_id))
            found = tables.trials(self.sweep_id)
            by_hand = {
                place: state
                for place, trial in enumerate(found)
                if trial.agent is None and trial.state == "running"
                for state in (tables.run_state(trial.run_id),)
                if state in _ENDS
            }
        for place, state in by_hand.items():
            trial = found[place]
            properties = {**trial.properties, **self._measured(trial.run_id, plan)}
            found[place] = trial._replace(state=state, properties=properties)
        return found

    def _planned(self, sweep: SweepRecord) -> Plan:
        plan = self._plan
        if plan is None or plan.config.stored != sweep.config:  # an update has changed it
            plan = self._plan = Plan(parse(sweep.config))
        return plan

    # -- states ----------------------------------------------------------------------------------

    def move(self, state: str) -> str:
        """Pause, resume, finish or cancel; returns the former state.

        Raises SweepStateError where that is not possible any more.
        """
        with self._store.sweeps(write=True) as tables:
            sweep = tables.sweep(self.sweep_id)
            if sweep.state not in _MOVES[state]:
                raise SweepStateError(
                    f"sweep {self.sweep_id} is {sweep.state}: "
                    + (
                        "Sweep already finished. `--resume` opens it again"
                        if sweep.state in ("FINISHED", "CANCELED", "CRASHED")
                        else "only a sweep that runs can be paused"
                    )
                )
            properties = sweep.properties
            if state == "RUNNING":  # why it had ended is of no account any more
                ended = ("reason", "exhausted")
                properties = {key: v for key, v in properties.items() if key not in ended}
            tables.update_sweep(
                self.sweep_id, state=state, updated=time.time(), properties=properties
            )
            return sweep.state

    def register(self) -> SweepRecord:
        """What an agent begins with: the sweep; SweepStateError where it has ended."""
        sweep = self.sweep()
        if sweep.state not in (*OPEN_STATES, "PAUSED"):
            raise SweepStateError(
                f"sweep {self.sweep_id} is not running: it is {sweep.state}; "
                f"`synadb sweep --resume {self.sweep_id}` opens it again"
            )
        return sweep

    # -- handing out -----------------------------------------------------------------------------

    def claim(self, agent: str) -> TrialRecord | str:
        """The next trial for this agent; or WAIT, or OVER."""
        self._look_after()
        for retry in range(MOST_RETRIES + 1):
            suggestion = self._suggest(retry)
            found = self._claim(agent, suggestion, last=retry == MOST_RETRIES)
            if found is not None:
                return found
        return WAIT

    def _claim(
        self, agent: str, suggestion: _Suggestion | None, *, last: bool
    ) -> TrialRecord | str | None:
        """One try; None where a suggestion has to be made, or made anew."""
        with self._store.sweeps(write=True) as tables:
            sweep = tables.sweep(self.sweep_id)
            if sweep.state == "PAUSED":
                return WAIT
            if sweep.state not in OPEN_STATES:
                return OVER
            now = time.time()
            waiting = self._claim_waiting(tables, agent, now)
            if waiting is not None:
                return waiting
            plan = self._planned(sweep)
            if self._is_exhausted(tables, sweep, plan):
                return self._rest(tables)
            if is_local(sweep.config):
                return WAIT
            cursor, point = sweep.cursor, None
            number = sweep.claimed
            if plan.method == "grid":
                place = self._next_point(tables, sweep, plan)
                assert place is not None
                params, point, cursor = plan.grid.params(place), str(place), place + 1
            elif plan.method == "random":
                params = plan.draw(_rng(sweep, number))
            elif suggestion is None or (suggestion.claimed != sweep.claimed and not last):
                return None
            elif suggestion.params is None:
                return self._rest(tables)
            else:
                params, point = suggestion.params, plan.point(suggestion.params)
                overtaken = suggestion.claimed != sweep.claimed
                if overtaken and point is not None and tables.taken(self.sweep_id, point):
                    return None
            trial = tables.add_trial(
                self.sweep_id,
                generate_id(),
                params,
                "running",
                point=point,
                agent=agent,
                now=now,
            )
            tables.update_sweep(
                self.sweep_id, state="RUNNING", cursor=cursor, claimed=number + 1, updated=now
            )
            return trial

    def _claim_waiting(self, tables: SweepTables, agent: str, now: float) -> TrialRecord | None:
        """A trial that is waiting for an agent, or whose agent has died."""
        for trial in tables.trials(self.sweep_id, ("running", *_WAITING)):
            if trial.state == "running" and not self._watch.is_lost(trial, self.timeout):
                continue
            state = tables.run_state(trial.run_id)
            properties, run_id = dict(trial.properties), trial.run_id
            if trial.state == "running" and state in ("finished", "failed"):
                continue  # it has ended just now, and is taken in by the next claim
            if trial.state == "preempted" or state == "preempting":
                properties["resume"] = True
            elif state is not None or trial.state == "running":
                attempts = list(properties.get("attempts", ()))
                if trial.state == "running":
                    why = KILLED if state == "killed" else LOST
                    attempts.append({"run": run_id, "agent": trial.agent, "reason": why})
                properties["attempts"] = attempts
                deaths = sum(attempt["reason"] == LOST for attempt in attempts)
                if deaths >= MOST_ATTEMPTS:
                    properties["reason"] = f"{deaths} agents have died of it"
                    tables.update_trial(
                        self.sweep_id, trial.number, state="crashed", properties=properties
                    )
                    continue
                run_id = generate_id()
                properties.pop("resume", None)
            properties.pop("stop", None)
            tables.update_trial(
                self.sweep_id,
                trial.number,
                run_id=run_id,
                state="running",
                agent=agent,
                claimed=now,
                heartbeat=now,
                properties=properties,
            )
            tables.update_sweep(self.sweep_id, state="RUNNING", updated=now)
            return tables.trial(self.sweep_id, trial.number)
        return None

    def _look_after(self) -> None:
        """Before a claim: take in the runs that have ended without anybody saying so."""
        with self._store.sweeps() as tables:
            live = tables.trials(self.sweep_id, ("running",))
        lost = [trial for trial in live if self._watch.is_lost(trial, self.timeout)]
        if lost:
            # What the dead have left in journals says how far their runs have come.
            from synadb.writer import adopt

            adopt(self._store)
        by_hand = [trial for trial in live if trial.agent is None]
        for ends, trials in ((("finished", "failed"), lost), (_ENDS, by_hand)):
            for trial in trials:
                with self._store.sweeps() as tables:
                    state = tables.run_state(trial.run_id)
                if state in ends:
                    self._close(trial, str(state), None)

    def _next_point(self, tables: SweepTables, sweep: SweepRecord, plan: Plan) -> int | None:
        """The first point of a grid from the cursor on that no trial has been given."""
        grid = plan.grid
        if sweep.cursor >= grid.size:
            return None
        if not tables.taken(self.sweep_id, str(sweep.cursor)):
            return sweep.cursor
        return grid.next({int(point) for point in tables.points(self.sweep_id)}, sweep.cursor)

    def _is_exhausted(self, tables: SweepTables, sweep: SweepRecord, plan: Plan) -> bool:
        cap = plan.config.run_cap
        if cap is not None and sweep.claimed >= cap:
            return True
        if is_local(sweep.config):
            return bool(sweep.properties.get("exhausted"))
        return plan.method == "grid" and self._next_point(tables, sweep, plan) is None

    def _rest(self, tables: SweepTables) -> str:
        """Nothing is left: the sweep ends with the last trial that runs."""
        if tables.any_open(self.sweep_id):
            return WAIT
        tables.update_sweep(self.sweep_id, state="FINISHED", updated=time.time())
        return OVER

    def propose(self) -> dict[str, Any] | None:
        """What the search would try next, for a controller that enqueues it; None at its end."""
        with self._store.sweeps() as tables:
            sweep = tables.sweep(self.sweep_id)
            plan = self._planned(sweep)
            cap = plan.config.run_cap
            if cap is not None and sweep.claimed >= cap:
                return None
            if plan.method == "grid":
                place = self._next_point(tables, sweep, plan)
                return None if place is None else plan.grid.params(place)
            known = tables.trials(self.sweep_id)
        rng = _rng(sweep, sweep.claimed)
        if plan.method == "random":
            return plan.draw(rng)
        return plan.suggest(self.known(sweep, known), rng)

    def _suggest(self, retry: int) -> _Suggestion | None:
        """What a search that takes its time would try next; None for the others."""
        with self._store.sweeps() as tables:
            sweep = tables.sweep(self.sweep_id)
            plan = self._planned(sweep)
            if (
                plan.method in ("grid", "random")
                or is_local(sweep.config)
                or sweep.state not in OPEN_STATES
                or self._is_exhausted(tables, sweep, plan)
            ):
                return None
            known = tables.trials(self.sweep_id)
        rng = _rng(sweep, sweep.claimed, retry)
        return _Suggestion(sweep.claimed, plan.suggest(self.known(sweep, known), rng))

    def known(self, sweep: SweepRecord, trials: Sequence[TrialRecord]) -> list[Trial]:
        """Trials as a search sees them."""
        plan = self._planned(sweep)
        imputed = any(metric.impute_while_running != "false" for metric in plan.config.metrics)
        found = []
        for trial in trials:
            if trial.state == "running":
                extents = measuring.extents(self._store, trial.run_id, plan) if imputed else []
            else:
                extents = [Extent(*numbers) for numbers in trial.properties.get("metric", ())]
            # What was stopped has been measured, and was no failure.
            state = "finished" if trial.state == "stopped" else trial.state
            first, *others = extents or [NOTHING]
            found.append(Trial(trial.params, state, first, tuple(others)))
        return found

    def _measured(self, run_id: str, plan: Plan) -> dict[str, Any]:
        """What is kept of an ended run beside its trial."""
        found: dict[str, Any] = {}
        extents = measuring.extents(self._store, run_id, plan)
        if extents:
            found["metric"] = [list(extent) for extent in extents]
        if plan.bands:
            found["curve"] = list(measuring.curve(self._store, run_id, plan))
        return found

    # -- while a trial runs ----------------------------------------------------------------------

    def beat(self, agent: str, number: int) -> str | None:
        """Say that a trial is being run; returns why it should stop, if it should.

        Raises SweepNotFoundError where the sweep has been deleted.
        """
        now = time.time()
        with self._store.sweeps() as tables:
            sweep = tables.sweep(self.sweep_id)
            trial = tables.trial(self.sweep_id, number)
        if trial is None:
            return None  # its run has been deleted, and goes on until it ends
        if trial.agent != agent:
            return "the trial has been handed to another agent"
        # Asked often, written seldom; also where the clock has been set back.
        if abs(now - (trial.heartbeat_at or 0.0)) >= min(HEARTBEAT_SECONDS, self.timeout / 4):
            with self._store.sweeps(write=True) as tables:
                trial = tables.trial(self.sweep_id, number)
                if trial is None or trial.agent != agent:
                    return "the trial has been handed to another agent"
                tables.update_trial(self.sweep_id, number, heartbeat=now)
        if sweep.state == "CANCELED":
            return "the sweep was canceled"
        stop: str | None = trial.properties.get("stop")
        return stop

    def decide(self, number: int) -> str | None:
        """Whether early termination stops a running trial now, and why."""
        began = time.monotonic()
        plan = self._planned(self.sweep())
        if not plan.bands or began < self._decide_after:
            return None
        reason = self._lag(number, plan)
        # With long histories, or thousands of trials, the look must not cost a training its time.
        self._decide_after = time.monotonic() + _SPARING * (time.monotonic() - began)
        if reason is not None:
            self.stop(number, reason)
        return reason

    def _lag(self, number: int, plan: Plan) -> str | None:
        with self._store.sweeps() as tables:
            own = tables.trial(self.sweep_id, number)
        if own is None or own.state != "running" or not self._curve(own, plan).at:
            return None
        curves = {trial.run_id: self._curve(trial, plan) for trial in self.trials()}
        return decide(plan.config, curves, (own.run_id,)).get(own.run_id)

    def _curve(self, trial: TrialRecord, plan: Plan) -> Curve:
        """What the brackets need of a trial: kept with it once it has ended."""
        kept = trial.properties.get("curve")
        if kept is not None:
            return Curve(kept[0], kept[1], kept[2], tuple(kept[3]))
        return measuring.curve(self._store, trial.run_id, plan)

    def stop(self, number: int, reason: str) -> None:
        """Ask whoever runs a trial to stop it."""
        with self._store.sweeps(write=True) as tables:
            trial = tables.trial(self.sweep_id, number)
            if trial is not None and trial.state == "running":
                properties = {**trial.properties, "stop": reason}
                tables.update_trial(self.sweep_id, number, properties=properties)

    def end(self, agent: str, number: int, state: str, reason: str | None = None) -> str:
        """Take in how a trial ended: finished, failed, killed, stopped or interrupted.

        An interrupted trial is handed out again. Where the run itself has ended, its own state
        counts. Returns the state that was recorded.
        """
        with self._store.sweeps() as tables:
            trial = tables.trial(self.sweep_id, number)
            run_state = tables.run_state(trial.run_id) if trial else None
        if trial is None or trial.agent != agent:
            return state  # its run has been deleted, or it was handed to another agent
        if state == "stopped" and run_state is not None:
            note = {"metadata": {"sweep_stop": reason}}
            self._store.apply([UpdateRun(trial.run_id, note)])
        recorded = _recorded(state, run_state)
        return recorded if self._close(trial, recorded, reason) else state

    def _close(self, trial: TrialRecord, state: str, reason: str | None) -> bool:
        """Write down how a trial ended, and what its run has measured; whether it was still on."""
        measured: dict[str, Any] = {}
        if state not in _WAITING:
            measured = self._measured(trial.run_id, self._planned(self.sweep()))
        with self._store.sweeps(write=True) as tables:
            sweep = tables.sweep(self.sweep_id)
            now = tables.trial(self.sweep_id, trial.number)
            if now is None or (now.run_id, now.agent, now.state) != (
                trial.run_id,
                trial.agent,
                "running",
            ):
                return False
            properties = {**now.properties, **measured}
            properties.pop("stop", None)
            if reason and state not in (*_WAITING, "finished"):
                properties["reason"] = reason
            if state == "pending" and tables.run_state(trial.run_id) is not None:
                cut = {"run": trial.run_id, "agent": trial.agent, "reason": reason or "interrupted"}
                properties["attempts"] = [*properties.get("attempts", ()), cut]
            tables.update_trial(
                self.sweep_id,
                trial.number,
                state=state,
                agent=None if state in _WAITING else trial.agent,
                heartbeat=time.time(),
                properties=properties,
            )
            extents = [Extent(*numbers) for numbers in measured.get("metric", ())]
            self._close_if_done(tables, sweep, extents)
        return True

    def reached(self, number: int) -> bool:
        """Finish the sweep if a running trial has reached the target of the metric."""
        began = time.monotonic()
        sweep = self.sweep()
        plan = self._planned(sweep)
        metric = plan.config.metric
        if sweep.state not in OPEN_STATES or metric is None or metric.target is None:
            return False
        if began < self._reached_after:
            return False
        with self._store.sweeps() as tables:
            trial = tables.trial(self.sweep_id, number)
        is_there = trial is not None and plan.is_at_target(
            measuring.extents(self._store, trial.run_id, plan)
        )
        self._reached_after = time.monotonic() + _SPARING * (time.monotonic() - began)
        if is_there:
            with self._store.sweeps(write=True) as tables:
                self._finish_at_target(tables)
        return is_there

    def _close_if_done(
        self, tables: SweepTables, sweep: SweepRecord, extents: Sequence[Extent]
    ) -> None:
        if sweep.state not in OPEN_STATES:
            return
        plan = self._planned(sweep)
        if plan.is_at_target(extents):
            self._finish_at_target(tables)
        elif self._is_exhausted(tables, sweep, plan):
            self._rest(tables)

    def _finish_at_target(self, tables: SweepTables) -> None:
        properties = {**tables.sweep(self.sweep_id).properties, "reason": "the target was reached"}
        tables.update_sweep(
            self.sweep_id, state="FINISHED", updated=time.time(), properties=properties
        )

    # -- runs by hand ----------------------------------------------------------------------------

    def add_run(self, run: RunRecord) -> TrialRecord:
        """Count a run that no agent was given as a trial; once."""
        with self._store.sweeps() as tables:
            known = tables.trial_of(run.run_id, self.sweep_id)
            sweep = tables.sweep(self.sweep_id)
        if known is not None:
            return known
        plan = self._planned(sweep)
        params = plan.chosen(run.config)
        properties: dict[str, Any] = {"by_hand": True}
        state = "running"
        if run.state in _ENDS:
            state = run.state
            properties.update(self._measured(run.run_id, plan))
        with self._store.sweeps(write=True) as tables:
            return tables.trial_of(run.run_id, self.sweep_id) or tables.add_trial(
                self.sweep_id,
                run.run_id,
                params,
                state,
                point=plan.point(params),
                properties=properties,
            )

    def enqueue(self, params: Mapping[str, Any], **properties: Any) -> TrialRecord:
        """Let the next agent that asks run these parameters."""
        with self._store.sweeps(write=True) as tables:
            sweep = tables.sweep(self.sweep_id)
            trial = tables.add_trial(
                self.sweep_id,
                generate_id(),
                params,
                "pending",
                point=self._planned(sweep).point(params),
                properties=properties,
            )
            tables.update_sweep(self.sweep_id, claimed=sweep.claimed + 1, updated=time.time())
            return trial

    def exhaust(self) -> None:
        """Say that a local controller has nothing more to hand out."""
        with self._store.sweeps(write=True) as tables:
            sweep = tables.sweep(self.sweep_id)
            properties = {**sweep.properties, "exhausted": True}
            tables.update_sweep(self.sweep_id, properties=properties)
            if sweep.state in OPEN_STATES:
                self._rest(tables)

    def update(self, config: SweepConfig) -> None:
        """Give the sweep another config; what it has handed out stays."""
        with self._store.sweeps(write=True) as tables:
            tables.update_sweep(self.sweep_id, config=config.stored, cursor=0, updated=time.time())
            plan = Plan(config)
            for trial in tables.trials(self.sweep_id):
                kept = {key: v for key, v in trial.properties.items() if key != "curve"}
                tables.update_trial(
                    self.sweep_id, trial.number, point=plan.point(trial.params), properties=kept
                )

    def expected(self, sweep: SweepRecord) -> int | None:
        """How many runs there will be; None where nobody knows."""
        return expected_count(self._planned(sweep).config)


class _Suggestion:
    """What to try next, as seen when `claimed` trials had been handed out."""

    def __init__(self, claimed: int, params: dict[str, Any] | None) -> None:
        self.claimed = claimed
        self.params = params


def _rng(sweep: SweepRecord, *places: int) -> random.Random:
    """The random numbers of one trial: the same for the same seed and place."""
    return random.Random("/".join(map(str, (sweep.properties.get("seed", 0), *places))))


def _recorded(state: str, run_state: str | None) -> str:
    """What becomes of a trial, from what its agent and its run say."""
    if state == "stopped":
        return state
    if run_state == "preempting":
        return "preempted"
    if state == "interrupted":
        return "finished" if run_state == "finished" else "pending"
    return run_state if run_state in _ENDS else state
