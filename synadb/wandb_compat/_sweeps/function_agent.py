"""The agent that calls a function: each trial in a thread of its own, as wandb's does."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from synadb.system import renew_after_fork
from synadb.wandb_compat import _session
from synadb.wandb_compat._sweeps.loop import AgentLoop, Outcome
from synadb.wandb_compat._sweeps.trial_env import changed, variables
from synadb.wandb_compat._term import termerror, termlog

if TYPE_CHECKING:
    from types import FrameType

    from synadb.records import TrialRecord

__all__ = ["FunctionAgent", "TrialStopped", "is_running"]

_OURS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep
_running = 0


def is_running() -> bool:
    """Whether an agent runs functions in this process."""
    return _running > 0


class TrialStopped(Exception):
    """Raised in a trial's thread to stop it."""


class FunctionAgent(AgentLoop):
    """Calls `function()` for each trial."""

    def __init__(self, function: Callable[[], Any], sweep_id: str, **options: Any) -> None:
        super().__init__(sweep_id, **options)
        self._function = function
        self._trial: TrialRecord | None = None

    def run(self) -> None:
        """Run trials until the sweep, `count`, a rule or Ctrl-C ends it."""
        global _running
        self.register()
        _running += 1
        try:
            with self._heeding_sigterm():
                self.run_trials()
        finally:
            _running -= 1

    @contextlib.contextmanager
    def _heeding_sigterm(self) -> Iterator[None]:
        """Let SIGTERM, where the script leaves it to the default, end the running trial first."""
        if (
            threading.current_thread() is not threading.main_thread()
            or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        ):
            yield
            return
        signal.signal(signal.SIGTERM, self._terminate)
        renew_after_fork(self)
        try:
            yield
        finally:
            self._after_fork()

    def _after_fork(self) -> None:
        if signal.getsignal(signal.SIGTERM) == self._terminate:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        # A second one ends the process whatever is still being written.
        signal.signal(number, signal.SIG_DFL)
        with contextlib.suppress(Exception):
            _session.finish_all(_session.TERMINATED, "killed")
        if self._trial is not None:
            self.end_trial(self._trial, Outcome("interrupted", "ended by SIGTERM"))
        os.kill(os.getpid(), number)
        os._exit(_session.TERMINATED)  # the first process of a container does not die of it

    def run_trials(self) -> None:
        """As for every agent; Ctrl-C stops the running trial and returns."""
        try:
            super().run_trials()
        except KeyboardInterrupt:
            termlog("Ctrl + C detected. Stopping sweep.")
            self.leave()

    def claim(self) -> TrialRecord | str:
        """Ask for a trial, once."""
        asked = _Aside(super().claim)
        try:
            return asked.result()
        except KeyboardInterrupt:
            found = asked.result()
            if not isinstance(found, str):
                self.controller.end(self.agent, found.number, "interrupted")
            raise

    def end_trial(self, trial: TrialRecord, outcome: Outcome) -> None:
        """Say how a trial ended."""
        said = _Aside(partial(super().end_trial, trial, outcome))
        try:
            said.result()
        except KeyboardInterrupt:
            said.result()
            raise

    def run_trial(self, trial: TrialRecord) -> Outcome:
        """Run the function in a thread, with the heart beating beside it."""
        running = _Trial(self._function, trial, self.database, self.announce)
        self._trial = trial
        running.start()
        heart = threading.Thread(target=self._beat, args=(running,), daemon=True)
        heart.name = "synadb-sweep-agent"
        heart.start()
        try:
            running.wait()
        except KeyboardInterrupt:
            termlog("Ctrl + C detected. Stopping sweep.")
            self.leave()
            with contextlib.suppress(KeyboardInterrupt):  # a second one leaves it to itself
                running.stop("interrupted by Ctrl-C")
                running.wait()
            running.outcome = Outcome("interrupted", "interrupted by Ctrl-C")
        finally:
            running.over.set()
        heart.join()
        self._trial = None
        return running.outcome

    def _beat(self, running: _Trial) -> None:
        while not running.over.wait(self.ask_seconds):
            reason = self.beat(running.record)
            if reason is not None:
                running.stop(reason)


_Found = TypeVar("_Found")


class _Aside(Generic[_Found]):
    """A call in another thread: Ctrl-C must not hit the middle of a transaction and its locks."""

    def __init__(self, call: Callable[[], _Found]) -> None:
        self._call = call
        self._found: _Found
        self._error: BaseException | None = None
        self._done = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            self._found = self._call()
        except BaseException as error:  # noqa: BLE001 - raised again by whoever asks
            self._error = error
        finally:
            self._done.set()

    def result(self) -> _Found:
        """Wait for the result, or for what the call raised."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._found


class _Trial:
    """One call of the function."""

    def __init__(
        self,
        function: Callable[[], Any],
        record: TrialRecord,
        database: str,
        announce: Callable[[TrialRecord], None],
    ) -> None:
        self.record = record
        self.over = threading.Event()
        self.outcome = Outcome("finished")
        self._function = function
        self._database = database
        self._announce = announce
        self._reason: str | None = None
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wait(self) -> None:
        """Return when it has ended."""
        # An event first: before Python 3.13 a join that Ctrl-C interrupts takes the thread for
        # ended.
        while not self.over.wait(3600):
            pass
        self._thread.join()

    def _run(self) -> None:
        try:
            with changed(variables(self.record, self._database)):
                self._in_environment()
        except Exception as error:  # noqa: BLE001 - of whatever kind, the agent goes on
            self._fail(error)
        finally:
            self.over.set()

    def _in_environment(self) -> None:
        wandb = sys.modules[__package__.rpartition(".")[0]]
        wandb.teardown()
        self._announce(self.record)
        try:
            try:
                self._call()
            except SystemExit as error:
                code = _exit_code(error)
                wandb.finish(exit_code=code)
                if code:
                    self._fail(RuntimeError(f"sys.exit({error.code!r})"))
            except BaseException as error:  # noqa: BLE001 - the function is the user's
                # While the run is still on, so that its console output has it.
                if self._reason is None:
                    traceback.print_exception(error, file=sys.stderr)
                wandb.finish(exit_code=1)
                self._fail(error)
            else:
                wandb.finish()
                if self._reason is not None:
                    self._was_stopped()
        finally:
            wandb.teardown()

    def _call(self) -> None:
        self._function()

    def _fail(self, error: BaseException) -> None:
        if self._reason is not None:
            self._was_stopped()
            return
        termerror(f"Run {self.record.run_id} errored: {error}")
        self.outcome = Outcome("failed", f"{type(error).__name__}: {error}", failed=True)

    def _was_stopped(self) -> None:
        self.outcome = Outcome("stopped", self._reason)

    def stop(self, reason: str) -> None:
        """Raise an exception in the function, once, at its next Python instruction."""
        if self._reason is not None:
            return
        while not self.over.is_set():
            if self._raise(reason):
                termlog(f"Stopping run {self.record.run_id}: {reason}")
                return
            self.over.wait(0.01)

    def _raise(self, reason: str) -> bool:
        """Whether it could be raised: not while the thread is inside SynaDB, holding locks, say."""
        thread = self._thread.ident
        interval = sys.getswitchinterval()
        # No other thread runs between the look and the deed.
        sys.setswitchinterval(1000.0)
        try:
            if thread is None or not _in_function(sys._current_frames().get(thread)):
                return False
            self._reason = reason
            kind = type("TrialStopped", (TrialStopped,), {"__str__": lambda _: reason})
            kind.__module__ = __name__
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread), ctypes.py_object(kind)
            )
        finally:
            sys.setswitchinterval(interval)
        return True


def _in_function(frame: FrameType | None) -> bool:
    """Whether a trial's thread is in the user's function, and in no call of ours below it."""
    call = _Trial._call.__code__
    inside = False
    while frame is not None:
        if frame.f_code is call:
            return inside
        if frame.f_code.co_filename.startswith(_OURS):
            return False
        inside = True
        frame = frame.f_back
    return False


def _exit_code(error: SystemExit) -> int:
    if error.code is None:
        return 0
    return error.code if isinstance(error.code, int) else 1
