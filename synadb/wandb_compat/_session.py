"""What the module-level names stand for: the active runs of this process, and how it ends."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from synadb.wandb_compat._term import termwarn

if TYPE_CHECKING:
    from synadb.tracker import ExperimentTracker
    from synadb.wandb_compat._run import Run
    from synadb.wandb_compat._settings import Settings

__all__ = ["active", "bind", "ended", "mine", "setup_settings", "start", "tracker_for"]

INTERRUPTED = 255  # the exit code that wandb records for Ctrl-C
TERMINATED = 128 + 15

active: list[Run] = []
setup_settings: list[Settings] = []  # what wandb.setup was given, if it was
_trackers: dict[str, ExperimentTracker] = {}


class _End:
    """How the process is ending, as far as is known."""

    hooked = False
    code = 0
    state: str | None = None


def tracker_for(path: str) -> ExperimentTracker:
    """The tracker of a database, opened once a process."""
    from synadb.tracker import ExperimentTracker

    found = _trackers.get(path)
    if found is None or not os.path.exists(path):
        found = _trackers[path] = ExperimentTracker(path)
    return found


def mine() -> list[Run]:
    """The active runs that this process has started; a forked child has none of its parent's."""
    pid = os.getpid()
    return [run for run in active if run._pid == pid]


def bind(run: Run) -> None:
    """Make `run` the active one: wandb.run, wandb.config, wandb.summary, wandb.log, ..."""
    package = sys.modules[__package__]
    package.run = run  # type: ignore[attr-defined]
    package.config = run.config  # type: ignore[attr-defined]
    package.summary = run.summary  # type: ignore[attr-defined]
    for name in package._functions:
        setattr(package, name, getattr(run, name))


def start(run: Run, *, as_global: bool) -> None:
    """Count a run as active."""
    active.append(run)
    if as_global:
        bind(run)
    if not _End.hooked:
        _End.hooked = True
        _watch_the_end()


def ended(run: Run) -> None:
    """Forget a run; if it was the global one the module's names are as before init."""
    if run in active:
        active.remove(run)
    package = sys.modules[__package__]
    if package.run is run:
        package._unbind()


def finish_all(exit_code: int = 0, state: str | None = None) -> None:
    """Finish every run of this process, the latest first."""
    for run in reversed(mine()):
        try:
            run._finish(exit_code, state=state, footer_only=True)
        except Exception as error:  # noqa: BLE001 - the others must be finished as well
            termwarn(f"run {run.id} could not be finished: {error!r}")


# -- the end of the process ----------------------------------------------------------------------


def _watch_the_end() -> None:
    atexit.register(_at_exit)
    _watch_exceptions()
    _watch_exit()
    _watch_sigterm()


def _at_exit() -> None:
    # A forgotten finish: the interpreter is about to end.
    finish_all(_End.code, _End.state)
    if _End.code == INTERRUPTED:
        # Python dies by SIGINT, as shells expect, if the last source it ran was interrupted, and
        # what was imported to finish the runs has been run since.
        with contextlib.suppress(KeyboardInterrupt):
            exec("raise KeyboardInterrupt")


def _watch_exceptions() -> None:
    previous = sys.excepthook

    def note(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            _End.code, _End.state = INTERRUPTED, "killed"
        else:
            _End.code, _End.state = 1, None
        previous(kind, error, trace)

    sys.excepthook = note


def _watch_exit() -> None:
    """Note the code of `sys.exit`: nothing asks for it, or tells it, at the end."""
    previous = sys.exit

    def exit(status: Any = None, /) -> Any:
        if status is None:
            _End.code = 0
        elif isinstance(status, int):
            _End.code = int(status) & 0xFF
        else:
            _End.code = 1
        previous(status)

    sys.exit = exit


def _watch_sigterm() -> None:
    """End the runs as killed on SIGTERM, where the script leaves that to the default."""
    if threading.current_thread() is not threading.main_thread():
        return
    try:
        if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            return
    except ValueError:
        return

    def terminate(number: int, frame: FrameType | None) -> None:
        # A second one ends the process whatever is still being written.
        signal.signal(number, signal.SIG_DFL)
        with contextlib.suppress(Exception):
            finish_all(TERMINATED, "killed")
        os.kill(os.getpid(), number)

    with contextlib.suppress(ValueError, OSError):
        signal.signal(signal.SIGTERM, terminate)
