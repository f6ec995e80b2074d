"""What every agent does: claim trials, run them one after another, know when to give up."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from synadb.errors import StorageError, SweepNotFoundError, SweepStateError
from synadb.sweeps.controller import OVER, Controller
from synadb.sweeps.liveness import Watch, agent_name
from synadb.wandb_compat import _session, env
from synadb.wandb_compat._term import termerror, termlog, termwarn
from synadb.wandb_compat.errors import CommError, UsageError

if TYPE_CHECKING:
    from synadb.records import TrialRecord

__all__ = ["AgentLoop", "FailureRules", "Outcome", "parse_path"]

FLAPPING_SECONDS = 60
FLAPPING_FAILURES = 3
INITIAL_FAILURES = 5
ASK_SECONDS = 1.0  # between two questions whether a running trial should stop
LONGEST_WAIT = 2.0  # seconds between two questions whether there is something to do


def parse_path(sweep_id: object) -> tuple[str | None, str]:
    """The project, if it is named, and the id of "id", "project/id" or "entity/project/id"."""
    parts = sweep_id.strip("/").split("/") if isinstance(sweep_id, str) else []
    if not 1 <= len(parts) <= 3 or not parts[-1]:
        raise UsageError(
            "Expected sweep_id in form of sweep, project/sweep, or entity/project/sweep, "
            f"not {sweep_id!r}"
        )
    return (parts[-2] or None) if len(parts) > 1 else None, parts[-1]


class Outcome:
    """How a trial ended: its state, why, and whether that counts as a failure of the program."""

    __slots__ = ("failed", "reason", "state")

    def __init__(self, state: str, reason: str | None = None, *, failed: bool = False) -> None:
        self.state = state
        self.reason = reason
        self.failed = failed


class FailureRules:
    """When an agent gives up, by wandb's rules and variables."""

    def __init__(self, most_in_a_row: int | None, action: str, *, is_patient: bool) -> None:
        self._most_in_a_row = most_in_a_row
        self._action = action
        found = env.get_agent_max_initial_failures(INITIAL_FAILURES)
        self._most_at_start = INITIAL_FAILURES if found is None else found
        # So many at the start are borne, or are too many.
        self._too_many_at_start = self._most_at_start + is_patient
        self._flapping = os.environ.get("WANDB_AGENT_DISABLE_FLAPPING", "").lower() != "true"
        self._began = time.monotonic()
        self._ended = self._failed = self._in_a_row = 0

    def reason_to_stop(self, *, failed: bool) -> str | None:
        """Count one trial; what to say when it is one failure too many."""
        self._ended += 1
        if not failed:
            self._in_a_row = 0
            return None
        self._failed += 1
        self._in_a_row += 1
        if self._most_in_a_row is not None and self._in_a_row >= self._most_in_a_row:
            return f"Detected {self._in_a_row} consecutive failed runs, {self._action}."
        young = time.monotonic() - self._began < FLAPPING_SECONDS
        if self._flapping and young and self._failed >= FLAPPING_FAILURES:
            return (
                f"Detected {FLAPPING_FAILURES} failed runs in the first {FLAPPING_SECONDS} "
                f"seconds, {self._action}.\nTo disable this check set "
                "WANDB_AGENT_DISABLE_FLAPPING=true"
            )
        if self._failed >= self._ended and self._failed >= self._too_many_at_start:
            return (
                f"Detected {self._most_at_start} failed runs in a row at start, {self._action}.\n"
                "To change this value set WANDB_AGENT_MAX_INITIAL_FAILURES=val"
            )
        return None


class AgentLoop:
    """An agent of one sweep; `run_trial` is how it runs one."""

    ask_seconds = ASK_SECONDS
    giving_up = "killing sweep"  # in wandb's words, which are not the same for all agents
    is_patient = True  # one more failure is borne at the start

    def __init__(
        self,
        sweep_id: str,
        *,
        database: str,
        project: str | None = None,
        count: int | None = None,
        max_consecutive_failed_runs: int | None = None,
    ) -> None:
        named, self.sweep_id = parse_path(sweep_id)
        self.project = named or project
        self.database = database
        self.count = count
        self.agent = agent_name()
        self.rules = FailureRules(
            max_consecutive_failed_runs, self.giving_up, is_patient=self.is_patient
        )
        self.is_deleted = False  # the sweep, while the agent was at it
        self._leaving = False
        self._watch = Watch()

    @property
    def controller(self) -> Controller:
        """The sweep; asked for anew, since a trial may have its database closed."""
        store = _session.tracker_for(self.database)._store
        known: Controller | None = self.__dict__.get("_controller")
        if known is None or known._store is not store:
            known = self.__dict__["_controller"] = Controller(store, self.sweep_id, self._watch)
        return known

    def register(self) -> None:
        """Check that there is something to do; CommError."""
        if not os.path.exists(self.database):
            raise CommError(f"wandb.agent(): there is no sweep: {self.database} does not exist")
        try:
            sweep = self.controller.register()
        except (SweepNotFoundError, SweepStateError) as error:
            raise CommError(f"wandb.agent(): {error} ({self.database})", error) from error
        if self.project is not None and self.project != sweep.project:
            raise CommError(
                f"wandb.agent(): project {self.project!r} has no sweep {self.sweep_id!r}; it "
                f"belongs to {sweep.project!r}"
            )

    def run_trials(self) -> None:
        """Run trials until there are no more, or a rule says stop."""
        given = 0
        while not self.is_leaving() and not (self.count and given >= self.count):
            trial = self._next()
            if trial is None:
                return
            given += 1
            outcome = self.run_trial(trial)
            self.end_trial(trial, outcome)
            if self.is_leaving():
                return
            reason = self.rules.reason_to_stop(failed=outcome.failed)
            if reason is not None:
                said, _, hint = reason.partition("\n")
                termerror(said)
                if hint:
                    termlog(hint)
                return

    def leave(self) -> None:
        """Begin no trial any more."""
        self._leaving = True

    def is_leaving(self) -> bool:
        """Whether `leave` was called."""
        return self._leaving

    def run_trial(self, trial: TrialRecord) -> Outcome:
        """Run one trial to its end."""
        raise NotImplementedError

    def _next(self) -> TrialRecord | None:
        """The next trial; waits while there may be one later, None at the end."""
        pause, waiting = 0.05, False
        while not self.is_leaving():
            try:
                found = self.claim()
            except SweepNotFoundError:
                termerror("Sweep was deleted or agent was not found. Stopping sweep.")
                self.is_deleted = True
                return None
            if not isinstance(found, str):
                if waiting:
                    termlog("Job received.")
                return found
            if found == OVER:
                termlog("Sweep Agent: Exiting.")
                return None
            if not waiting and pause >= LONGEST_WAIT / 2:
                termlog("Sweep Agent: Waiting for job.")
                waiting = True
            self.pause(pause)
            pause = min(pause * 1.5, LONGEST_WAIT)
        return None

    def claim(self) -> TrialRecord | str:
        """Ask for a trial, once."""
        return self.controller.claim(self.agent)

    def pause(self, seconds: float) -> None:
        """Wait, unless the agent is leaving."""
        deadline = time.monotonic() + seconds
        while not self.is_leaving() and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))

    def beat(self, trial: TrialRecord) -> str | None:
        """Say that a trial is running; returns why it should stop, if it should."""
        try:
            reason = self.controller.beat(self.agent, trial.number)
            if reason is None:
                reason = self.controller.decide(trial.number)
            if reason is None and self.controller.reached(trial.number):
                termlog(f"Run {trial.run_id} has reached the target: no new runs will start")
        except SweepNotFoundError:
            termwarn("the sweep was deleted; the running trial goes on to its end", repeat=False)
            return None
        except StorageError as error:
            termwarn(f"the sweep cannot be asked now: {error}", repeat=False)
            return None
        return reason

    def end_trial(self, trial: TrialRecord, outcome: Outcome) -> None:
        """Say how a trial ended."""
        try:
            self.controller.end(self.agent, trial.number, outcome.state, outcome.reason)
        except SweepNotFoundError:
            return  # the next claim says so
        except StorageError as error:
            termwarn(f"the end of trial {trial.run_id} is not recorded: {error}")

    def announce(self, trial: TrialRecord) -> None:
        """Say which trial begins."""
        lines = [f"Agent Starting Run: {trial.run_id} with config:"]
        lines += [f"\t{key}: {value}" for key, value in trial.params.items()]
        termlog("\n".join(lines))
