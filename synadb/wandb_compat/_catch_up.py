"""What other processes have logged to a run, for the process that has started it.

A run that was pickled, or whose process has forked, may be logged to elsewhere: Lightning's spawned
ranks do. Once they have left it, its step, summary, config and definitions are read again.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synadb.errors import SynaDBError
from synadb.ops import AUTO_RUN
from synadb.wandb_compat import _session

if TYPE_CHECKING:
    from synadb.records import RunRecord
    from synadb.wandb_compat._run import Run

__all__ = ["catch_up", "lend"]


def lend(run: Run) -> None:
    """Reckon with rows of other processes from now on; they come after those so far."""
    with contextlib.suppress(SynaDBError):
        run._native.drain()
    run.__dict__["_lent"] = 0
    with run._native.lock:
        # The next row of each shape takes the long way, and looks what has come before it.
        run._native._journal.caches[AUTO_RUN].clear()


def catch_up(run: Run) -> None:
    """Learn what others have logged and left; nothing while they log or while a row is open."""
    own = run.__dict__
    if own["_is_finished"] or own["_open"] or own["_pid"] != os.getpid():
        return
    if run._native.lock._is_owned():  # type: ignore[attr-defined]
        return  # a signal handler, over a frame that logs
    tracker = run._tracker
    try:
        # Changes with each process that comes to the database or leaves it.
        stamp = os.stat(tracker._store.live_dir).st_mtime_ns
    except OSError:
        return
    if stamp == own["_lent"]:
        return
    with contextlib.suppress(SynaDBError), tracker.patience(1.0):
        if _session.others_log(run):
            return
        tracker.recover()
        run._store_definitions()
        run._native.drain()
        record = tracker.get_run(run._native.run_id)
        own["_lent"] = stamp
        if record.last_step > own["_committed"] or _foreign(run, record.summary):
            _take_over(run, record)


def _foreign(run: Run, stored: Mapping[str, Any]) -> bool:
    """Whether the stored summary has keys that this process knows nothing of."""
    hidden = run._metrics.decided(stored) if run._metrics is not None else set()
    return any(key[:1] != "_" for key in stored.keys() - run._data.keys() - hidden)


def _take_over(run: Run, record: RunRecord) -> None:
    own = run.__dict__
    with run._native.lock:
        if own["_open"]:
            return
        own["_committed"] = record.last_step
        own["_step"] = record.last_step + 1
        own["_last_time"] = record.summary.get("_timestamp", own["_last_time"])
        run._config._items.update(
            {key: value for key, value in record.config.items() if key != "_wandb"}
        )
        run._data.update(record.summary)
        for key in run._data.keys() - record.summary.keys():
            del run._data[key]
        definitions = record.metadata.get("metrics")
        if definitions:
            from synadb.wandb_compat._metric_rules import MetricRules

            # Whoever has left knew its own rows only: what the definitions say is found anew.
            own["_metrics"] = MetricRules.from_definitions(definitions, run._past_rows)
            own["_metrics"].refresh(run._data)
