"""The agent that runs the sweep's program, each trial as a child process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

from synadb.wandb_compat import env
from synadb.wandb_compat._install import overlay_environment
from synadb.wandb_compat._sweeps.child import Child
from synadb.wandb_compat._sweeps.command import DEFAULT_COMMAND, JSON_FILE, build, macros
from synadb.wandb_compat._sweeps.loop import AgentLoop, Outcome
from synadb.wandb_compat._sweeps.trial_env import changed, files_of, variables
from synadb.wandb_compat._term import termerror, termlog
from synadb.wandb_compat.errors import CommError

if TYPE_CHECKING:
    from synadb.records import TrialRecord

__all__ = ["CommandAgent"]

KILL_DELAY = 30  # seconds from SIGTERM to SIGKILL
_ENDING = ("SIGTERM", "SIGHUP", "SIGQUIT")
# Not forwarded: what cannot be caught, what is about this process alone, and its own faults.
_KEPT = (
    *("SIGKILL", "SIGSTOP", "SIGCHLD", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGCONT", "SIGWINCH"),
    *("SIGSEGV", "SIGFPE", "SIGILL", "SIGBUS", "SIGABRT", "SIGTRAP", "SIGSYS", "SIGPIPE"),
)


class CommandAgent(AgentLoop):
    """Runs the program of the sweep's config, by its `command`."""

    giving_up = "shutting down"
    is_patient = False

    def __init__(
        self,
        sweep_id: str,
        *,
        forward_signals: bool = False,
        term_timeout: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__(sweep_id, **options)
        self._forward = forward_signals
        self._term_timeout = term_timeout
        delay = env.get_agent_kill_delay(KILL_DELAY)
        self._kill_delay = float(KILL_DELAY if delay is None else delay)
        self._child: Child | None = None
        self._signals: list[int] = []  # that have come and were not dealt with yet
        self._asked = 0  # how often the agent was asked to end
        self._must_die_of: int | None = None
        self._deadline: float | None = None

    def run(self) -> None:
        """Run trials until the sweep, `count`, a rule or a signal ends it."""
        self.register()
        with self._listening():
            self.run_trials()
        if self._must_die_of is not None:
            # Whoever sent it expects the process to be gone.
            os.kill(os.getpid(), self._must_die_of)
        if self.is_deleted:
            raise CommError(f"wandb.agent(): sweep {self.sweep_id!r} was deleted")

    def register(self) -> None:
        """Check that there is something to do, and a program to do it with; CommError."""
        super().register()
        config = self.controller.sweep().config
        command = [str(word) for word in config.get("command") or DEFAULT_COMMAND]
        if "${program}" in command and not config.get("program"):
            raise CommError(
                f"wandb.agent(): sweep {self.sweep_id!r} names no program; add `program: train.py` "
                "to its config, or give wandb.agent a function"
            )

    def is_leaving(self) -> bool:
        """Whether a signal has asked the agent to end."""
        return super().is_leaving() or bool(self._signals)

    def pause(self, seconds: float) -> None:
        """Wait, unless the agent is leaving."""
        deadline = time.monotonic() + seconds
        while not self.is_leaving() and (left := deadline - time.monotonic()) > 0:
            self._heed(None)
            super().pause(min(left, 0.1))

    # -- a trial ---------------------------------------------------------------------------------

    def run_trial(self, trial: TrialRecord) -> Outcome:
        """Run the program once."""
        try:
            child = self._start(trial)
        except OSError as error:
            termerror(f"the program cannot be started: {error}")
            return Outcome("failed", str(error), failed=True)
        self._child = child
        try:
            return self._attend(trial, child)
        except BaseException:
            child.kill()
            child.wait(self._kill_delay)
            raise
        finally:
            self._child = None

    def _start(self, trial: TrialRecord) -> Child:
        config = self.controller.sweep().config
        wanted = config.get("command")
        given = variables(
            trial, self.database, with_json=JSON_FILE in [str(word) for word in wanted or ()]
        )
        environ = overlay_environment({**os.environ, **given})
        words = macros(trial.params, config.get("program"), files_of(trial)[1])
        with changed(given):  # the command may name these variables
            command = build(wanted, words, os.environ)
        if not command:
            raise OSError(f"sweep {self.sweep_id}: its command has no words left to run")
        self.announce(trial)
        termlog(f"About to run command: {' '.join(map(_quoted, command))}")
        return Child(command, environ, self._kill_delay)

    def _attend(self, trial: TrialRecord, child: Child) -> Outcome:
        reason: str | None = None
        last = time.monotonic()
        while True:
            self._heed(child)
            code = child.wait(0.2)
            if code is not None:
                self._heed(None)  # what came in the program's last moment counts as well
                return self._outcome(code, reason)
            now = time.monotonic()
            if self._deadline is not None and now >= self._deadline:
                termlog("The child runs took too long to end. Attempting to kill them.")
                self._deadline = None
                child.kill()
            if now - last >= self.ask_seconds:
                last = now
                found = self.beat(trial)
                if found is not None:
                    self._stop(trial, child, found, first=reason is None)
                    reason = reason or found

    def _stop(self, trial: TrialRecord, child: Child, reason: str, *, first: bool) -> None:
        if first:
            termlog(f"Stopping run {trial.run_id}: {reason}")
        if reason == "the sweep was canceled":
            child.kill()
        else:
            child.stop()

    def _outcome(self, code: int, reason: str | None) -> Outcome:
        if reason is not None:
            return Outcome("stopped", reason)
        if self._asked and code:
            return Outcome("interrupted", "the agent was asked to end")
        if code > 0:
            return Outcome("failed", f"exit code {code}", failed=True)
        if code < 0:
            return Outcome("killed", f"ended by {_signal_name(-code)}")
        return Outcome("finished")

    # -- signals ---------------------------------------------------------------------------------

    def _heed(self, child: Child | None) -> None:
        """Deal with the signals that have come."""
        while self._signals:
            number = self._signals.pop(0)
            self._asked += 1
            self.leave()
            if number != signal.SIGINT and not self._forward:
                self._must_die_of = number
            if child is not None:
                self._escalate(child, number)

    def _escalate(self, child: Child, number: int) -> None:
        """First wait, then ask, then kill; what ends the agent itself asks at once."""
        if self._deadline is None:
            if self._forward and self._term_timeout is not None:
                self._deadline = time.monotonic() + self._term_timeout
            elif self._must_die_of is not None:
                self._deadline = time.monotonic() + self._kill_delay
        step = self._asked + (1 if self._must_die_of is not None else 0)
        if step == 1:
            label = "ctrl-c" if number == signal.SIGINT else _signal_name(number)
            termlog(
                f"{label} received. Waiting for runs to end. Send {label} again to terminate them."
            )
        elif step == 2:
            termlog("Terminating and syncing runs. Send shutdown signal again to kill.")
            child.stop()
        else:
            termlog("Killing runs and quitting.")
            child.kill()

    @contextlib.contextmanager
    def _listening(self) -> Iterator[None]:
        """Note signals instead of being ended by them in the middle of anything."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before: dict[int, Any] = {}

        def note(number: int, frame: FrameType | None) -> None:
            if self._forward and self._child is not None:
                self._child.send(number)
            if number in asking:
                self._signals.append(number)
            elif callable(before.get(number)):
                before[number](number, frame)

        asking = {int(signal.SIGINT), *_ending()}
        for number in _forwarded() if self._forward else asking:
            with contextlib.suppress(OSError, ValueError):
                handler = signal.getsignal(number)
                # What the program that called us handles, or ignores, stays with it.
                if self._forward or handler in (signal.SIG_DFL, signal.default_int_handler):
                    signal.signal(number, note)
                    before[number] = handler
        try:
            yield
        finally:
            for number, handler in before.items():
                with contextlib.suppress(OSError, ValueError, TypeError):
                    signal.signal(number, handler)


def _ending() -> list[int]:
    return [int(getattr(signal, name)) for name in _ENDING if hasattr(signal, name)]


def _forwarded() -> list[int]:
    kept = {int(getattr(signal, name)) for name in _KEPT if hasattr(signal, name)}
    return [int(number) for number in signal.valid_signals() if int(number) not in kept]


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _quoted(word: str) -> str:
    return json.dumps(word) if " " in word else word
