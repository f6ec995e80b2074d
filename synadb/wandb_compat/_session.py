"""What the module-level names stand for: the active runs of this process, and how it ends."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
from types import FrameType
from typing import TYPE_CHECKING, Any

from synadb.system import after_fork_in_child
from synadb.wandb_compat._term import follow, termwarn

if TYPE_CHECKING:
    from synadb.tracker import ExperimentTracker
    from synadb.wandb_compat._run import Run
    from synadb.wandb_compat._settings import Settings

__all__ = [
    "active",
    "bind",
    "ended",
    "finish_all",
    "journals",
    "listen",
    "mine",
    "others_log",
    "setup_settings",
    "start",
    "tracker_for",
]

IDLE_TRACKERS = 8  # databases kept open for the next run
INTERRUPTED = 255  # the exit code that wandb records for Ctrl-C
TERMINATED = 128 + 15

active: list[Run] = []
setup_settings: list[Settings] = []  # what wandb.setup was given, if it was
_trackers: dict[str, ExperimentTracker] = {}
_opening = threading.Lock()  # one tracker a database, whichever thread asks first


class _End:
    """How the process is ending, as far as is known."""

    watched = 0  # by the process with this id
    code = 0  # of the last sys.exit
    error: BaseException | None = None  # the one that was the last uncaught at the beginning


def tracker_for(path: str) -> ExperimentTracker:
    """The tracker of a database, opened once a process."""
    from synadb.tracker import ExperimentTracker

    with _opening:
        found = _trackers.pop(path, None)  # put back at the end: the order is that of use
        if found is None or not os.path.exists(path):
            found = ExperimentTracker(path)
        _trackers[path] = found
    return found


def _renew_opening() -> None:
    global _opening
    _opening = threading.Lock()  # a thread that is gone in the child may have held it


after_fork_in_child(_renew_opening)


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
    listen()
    _watch_sigterm()  # each time: the first run may have been started by a thread
    if _End.watched != os.getpid():
        inherited = _End.watched != 0
        _End.watched = os.getpid()
        _watch_the_end(inherited=inherited)


def ended(run: Run) -> None:
    """Forget a run; if it was the global one the module's names are as before init."""
    if run in active:
        active.remove(run)
    listen()
    if not mine():
        _unwatch_sigterm()
    package = sys.modules[__package__]
    if package.run is run:
        package._unbind()


def close_unused() -> None:
    """Close the databases that a program has gone on from, but for the last few."""
    used = {id(run._tracker) for run in active}
    idle = [path for path, tracker in _trackers.items() if id(tracker) not in used]
    for path in idle[:-IDLE_TRACKERS]:
        _trackers.pop(path).close()


def close_all() -> None:
    """Close every database; runs have been finished."""
    with _opening:
        while _trackers:
            _trackers.popitem()[1].close()


def journals(tracker: ExperimentTracker, run_id: str) -> list[str]:
    """The journals of processes that log to a run, and of those that have died meanwhile."""
    from synadb.journal import journal_ids, owner

    folder = tracker._store.live_dir
    owners = ((journal_id, owner(folder, journal_id)) for journal_id in journal_ids(folder))
    return [journal_id for journal_id, said in owners if said and said.get("run_id") == run_id]


def others_log(run: Run) -> bool:
    """Whether another process logs to a run of this one."""
    native = run._native
    return any(found != native._journal.id for found in journals(run._tracker, native.run_id))


def listen() -> None:
    """Let the run that was started last decide whether messages are printed."""
    runs = mine()
    follow(runs[-1]._settings if runs else None)


def finish_all(exit_code: int = 0, state: str | None = None) -> None:
    """Finish every run of this process, the latest first."""
    interrupt: KeyboardInterrupt | None = None
    for run in reversed(mine()):
        try:
            run._finish(exit_code, state=state, footer_only=True)
        except KeyboardInterrupt as error:
            interrupt = error  # cuts short what is around a run; the others must end as well
        except Exception as error:  # noqa: BLE001 - the others must be finished as well
            termwarn(f"run {run.id} could not be finished: {error!r}")
    if interrupt is not None:
        raise interrupt


# -- the end of the process ----------------------------------------------------------------------


def _watch_the_end(*, inherited: bool) -> None:
    _End.code, _End.error = 0, _uncaught()
    if not inherited:
        # A forked child has these from its parent.
        atexit.register(_at_exit)
        _watch_exit()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=_share_with_children)
    if "multiprocessing.process" in sys.modules:
        _watch_child()


def _at_exit() -> None:
    # A forgotten finish: the interpreter is about to end.
    error = _uncaught()
    if error is None or error is _End.error:
        finish_all(_End.code)
    elif isinstance(error, KeyboardInterrupt):
        with contextlib.suppress(KeyboardInterrupt):  # again
            finish_all(INTERRUPTED, "killed")
        # Python dies by SIGINT, as shells expect, if the last source it ran was interrupted, and
        # what was imported to finish the runs has been run since.
        with contextlib.suppress(KeyboardInterrupt):
            exec("raise KeyboardInterrupt")
    else:
        finish_all(1)


def _uncaught() -> BaseException | None:
    """The exception that ends the program; Python keeps it, whoever has replaced its hook."""
    if hasattr(sys, "ps1"):
        return None  # at a prompt an exception ends nothing
    error: BaseException | None = getattr(sys, "last_value", None)
    return error


def _watch_exit() -> None:
    """Note the code of `sys.exit` and `exit`: nothing asks for it, or tells it, at the end."""
    import builtins

    previous = sys.exit

    def exit(status: Any = None, /) -> Any:
        _note(status)
        previous(status)

    sys.exit = exit
    # `exit` and `quit` are objects of one class that the module `site` defines.
    quitter = type(getattr(builtins, "exit", None))
    call = quitter.__dict__.get("__call__")
    if quitter.__module__ == "_sitebuiltins" and call is not None:

        def leave(self: Any, code: Any = None) -> Any:
            _note(code)
            call(self, code)

        quitter.__call__ = leave  # type: ignore[method-assign]


def _note(status: Any) -> None:
    if threading.current_thread() is not threading.main_thread():
        return  # that ends a thread
    if status is None:
        _End.code = 0
    elif isinstance(status, int):
        _End.code = int(status)
    else:
        _End.code = 1


def _watch_child() -> None:
    """Finish the runs of a child of `multiprocessing`: one that it forked does without atexit."""
    from multiprocessing.process import parent_process

    if parent_process() is None:
        return

    def end() -> None:
        error = sys.exc_info()[1]
        if isinstance(error, SystemExit):
            _note(error.code)
            finish_all(_End.code)
        elif isinstance(error, KeyboardInterrupt):
            finish_all(INTERRUPTED, "killed")
        else:
            finish_all(0 if error is None else 1)

    from multiprocessing.util import Finalize

    Finalize(None, end, exitpriority=0)


def _share_with_children() -> None:
    # What a forked child logs to a run is not in its parent's summary, and must outlive it.
    for run in mine():
        run.__dict__["_forked"] = True
        run.__dict__["_lent"] = 0


def _watch_sigterm() -> None:
    """End the runs as killed on SIGTERM, where the script leaves that to the default."""
    if threading.current_thread() is not threading.main_thread():
        return
    with contextlib.suppress(ValueError, OSError):
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _terminate)


def _unwatch_sigterm() -> None:
    """Without a run SIGTERM ends the process at once again, as it does by default."""
    if threading.current_thread() is threading.main_thread():
        with contextlib.suppress(ValueError, OSError):
            if signal.getsignal(signal.SIGTERM) is _terminate:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _terminate(number: int, frame: FrameType | None) -> None:
    if signal.getsignal(number) is not _terminate:
        # Called by a handler that has taken this one's place: it decides what becomes of the
        # process, and there was nothing to call before this one came.
        return
    # A second one ends the process whatever is still being written.
    signal.signal(number, signal.SIG_DFL)
    with contextlib.suppress(Exception):
        finish_all(TERMINATED, "killed")
    os.kill(os.getpid(), number)
    os._exit(TERMINATED)  # the first process of a container does not die of it


def _leave_sigterm() -> None:
    # Pools and data loaders end their workers with it, at once and in the middle of anything.
    with contextlib.suppress(ValueError, OSError):
        if signal.getsignal(signal.SIGTERM) is _terminate:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


after_fork_in_child(_leave_sigterm)
