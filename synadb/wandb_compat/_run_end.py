"""How a run ends: its last row, its summary, its files, its state."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, Any

from synadb.errors import SynaDBError
from synadb.ops import SetSummary
from synadb.settings import Settings as Environment
from synadb.wandb_compat import _session
from synadb.wandb_compat._config import stored as stored_value
from synadb.wandb_compat._term import termlog, termwarn

if TYPE_CHECKING:
    from synadb.wandb_compat._run import Run

__all__ = ["end_run"]

_OWN_KEYS = frozenset(("_step", "_runtime", "_timestamp", "_wandb"))


def end_run(
    run: Run, exit_code: int, *, state: str | None, quiet: bool | None, footer_only: bool
) -> None:
    """End a run of this process, once, whatever happens meanwhile.

    `state` is that of the run then, by default `finished` or `failed` as the exit code says.
    """
    try:
        stored = _end(run, exit_code, state)
    except BaseException:
        # Ctrl-C, say: what is around the run may be cut short, its end not.
        run.__dict__["_is_finished"] = True
        try:
            with contextlib.suppress(Exception):
                _end_in_store(run, exit_code, state)
        finally:
            _session.ended(run)
        raise
    if stored is None:
        return  # another thread is at it
    _session.ended(run)
    if run._settings.resume == "auto" and not exit_code:
        with contextlib.suppress(OSError):
            os.unlink(run._settings.resume_fname)
    if not (quiet or run._settings.silent):
        _say_goodbye(run, stored, footer_only=footer_only or run._settings.quiet)
    run._folder.remove_temporary()
    _session.close_unused()


def _end(run: Run, exit_code: int, state: str | None) -> bool | None:
    """End a run; whether all of it is in the store, None if another thread has ended it."""
    for hook in run._stop_hooks:
        hook()
    run._close_media()
    if run._lent is not None:
        run._catch_up()
    # Held already: this is a signal handler, over the frame of a call that logs.
    interrupted = bool(run._native.lock._is_owned())  # type: ignore[attr-defined]
    with run._native.lock:
        if run.__dict__["_is_finished"]:
            return None
        _close_summary(run, interrupted=interrupted)
        run.__dict__["_is_finished"] = True
    run._around.stop()
    limit = Environment.from_environment().finish_timeout
    begun = time.monotonic()
    _store_files(run, limit)
    rest = max(0.1 * limit, limit - (time.monotonic() - begun))
    return _end_in_store(run, exit_code, state, rest)


def _close_summary(run: Run, *, interrupted: bool) -> None:
    """Commit the open row and store the summary as it will stay."""
    run._commit()
    run._store_definitions()
    last = run._committed
    runtime = run._last_time - run._record.created_at
    if runtime < 0:  # the time of the last row was given, and is another clock's
        runtime = time.time() - run._record.created_at
    if last >= 0:
        run._data["_step"] = last
        run._data["_timestamp"] = run._last_time
    run._data["_runtime"] = int(runtime)
    run._data["_wandb"] = {"runtime": int(time.time() - run._record.created_at)}
    limit = Environment.from_environment().finish_timeout
    stored: dict[str, Any] = {}
    with contextlib.suppress(SynaDBError), run._tracker.patience(min(1.0, limit)):
        # In this order: who is not at it any more has left its rows in the database.
        if _session.others_log(run):
            run.__dict__["_shared"] = True
            run._tracker.recover()
        record = run._tracker.get_run(run._native.run_id)
        stored = record.summary
        others = stored.keys() - run._data.keys()
        if record.last_step > last or (run.__dict__["_forked"] and others):
            run.__dict__["_shared"] = True
    decided = run._metrics.decided(stored) if run._metrics is not None else set()
    if not (run._shared or interrupted):
        run._native.set_summary(run._data, replace=True)
        return
    # Another process has logged to the run, or the end comes as a signal in the middle of a
    # row. The database knows the last values; this process what its definitions make of its
    # own, and what it has set by hand is there already.
    run._native.set_summary(
        {
            key: value
            for key, value in run._data.items()
            if key in decided or key not in stored or key in _OWN_KEYS
        },
        removed=tuple(key for key in decided if key not in run._data),
    )


def _settle_step(run: Run) -> None:
    """Let the summary name the last step of all processes."""
    said = -1
    with contextlib.suppress(SynaDBError), run._tracker.patience(1.0):
        # Again, where another process has ended between the look and the word.
        while (last := run._tracker.get_run(run._native.run_id).last_step) != said:
            said = last
            values = {"_step": last} if last >= 0 else {}
            run._tracker._store.apply([SetSummary(run._native.run_id, values)])


def _store_files(run: Run, limit: float) -> None:
    """Write the files of the run's folder, and store what is there."""
    if run._settings.x_primary or not run._shared:
        config = {key: stored_value(value) for key, value in run._config._items.items()}
        run._folder.write(config, run._data, run._around.metadata)
    try:
        with run._tracker.patience(limit):
            run._folder.store(run._tracker, run._native.run_id, run._settings.ignore_globs)
    except SynaDBError as error:
        termwarn(f"files of {run._folder.files} are not in the database: {error}")


def _end_in_store(
    run: Run, exit_code: int, state: str | None, timeout: float | None = None
) -> bool:
    """End the run in the store, if that is for this process to do; whether all of it is there."""
    settings = run._settings
    ends = settings.x_primary or not run._shared
    if run._shared and "x_update_finish_state" in settings.model_fields_set:
        ends = settings.x_update_finish_state
    if state is None:
        state = "finished" if not exit_code else "failed"
    if state != "finished" and run._preempting:
        state = "preempting"
    if ends:
        stored = run._tracker.finish(run._native, state, exit_code, timeout=timeout)
    else:
        stored = run._native.leave()
    if stored and run._shared:
        _settle_step(run)
    return stored


def _say_goodbye(run: Run, stored: bool, *, footer_only: bool) -> None:
    if not footer_only:
        from synadb.wandb_compat._display import run_lines

        try:
            history = run._tracker.sketch(run._native.run_id)
        except SynaDBError:
            history = {}
        lines = run_lines(
            history,
            run._data,
            history_rows=run._settings.max_end_of_run_history_metrics,
            summary_rows=run._settings.max_end_of_run_summary_metrics,
        )
        for line in lines:
            termlog(line)
    if stored:
        termlog(f"Run {run.name} ({run.id}) is stored in {run._tracker.path}")
    else:
        termwarn(
            f"Run {run.name} ({run.id}) is not all in {run._tracker.path}; see what "
            "synadb says above"
        )
    if run.url is not None:
        termlog(f"View run {run.name} at: {run.url}")
