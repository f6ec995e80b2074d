"""The run object, with wandb's step and commit rules."""

from __future__ import annotations

import contextlib
import os
import struct
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

from synadb.errors import RunEndedError, SynaDBError
from synadb.ops import AUTO_NONE, AUTO_RUN, SetSummary
from synadb.settings import Settings as Environment
from synadb.wandb_compat import _session
from synadb.wandb_compat._config import Config, ConfigStatic
from synadb.wandb_compat._settings import Settings
from synadb.wandb_compat._summary import Summary
from synadb.wandb_compat._term import termlog, termwarn
from synadb.wandb_compat._values import (
    config_stored,
    history_value,
    merge_leaves,
    merge_row,
    summary_value,
)
from synadb.wandb_compat.errors import UsageError

if TYPE_CHECKING:
    from synadb.records import RunRecord
    from synadb.run import Run as NativeRun
    from synadb.tracker import ExperimentTracker
    from synadb.wandb_compat._around import Around
    from synadb.wandb_compat._media.pipeline import MediaStore, Pending
    from synadb.wandb_compat._metric import Metric
    from synadb.wandb_compat._metric_rules import MetricRules
    from synadb.wandb_compat._run_dir import RunDir

__all__ = ["Run", "RunStatus"]

_AUTO_KEYS = frozenset(("", "_step", "_runtime", "_timestamp"))
_OWN_KEYS = frozenset(("_step", "_runtime", "_timestamp", "_wandb"))
_NOT_GIVEN: Any = object()
_SCALARS = frozenset((bool, float, int))
# Those of numpy's that always fit a column of the type they are converted to.
_NUMPY_SCALARS = frozenset(
    (
        *("bool", "bool_", "float16", "float32", "float64"),
        *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"),
    )
)
_LAST_STEP = (1 << 63) - 1


class RunStatus:
    """What `run.status()` says of uploads, of which there are none."""

    def __init__(
        self, sync_items_total: int = 0, sync_items_pending: int = 0, sync_time: Any = None
    ) -> None:
        self.sync_items_total = sync_items_total
        self.sync_items_pending = sync_items_pending
        self.sync_time = sync_time

    def __repr__(self) -> str:
        return (
            f"RunStatus(sync_items_total={self.sync_items_total}, "
            f"sync_items_pending={self.sync_items_pending}, sync_time={self.sync_time})"
        )


class Run:
    """A run as wandb's: made by `wandb.init`.

    One row is open at any time. `log(data)` merges into it and commits it; with `step` or
    `commit=False` it stays open. What a call has returned from is safe either way: an open row is
    stored at once, and what follows merges with it.
    """

    # The values of an instance lie in its __dict__: attributes cannot be set from outside.
    _tracker: ExperimentTracker
    _native: NativeRun
    _record: RunRecord
    _settings: Settings
    _around: Around
    _folder: RunDir
    _metrics: MetricRules | None
    _open: dict[str, Any]
    _data: dict[str, Any]
    _step: int
    _committed: int
    _last_time: float
    _explicit: bool
    _is_finished: bool
    _shared: bool
    _preempting: bool
    _pid: int
    _alerts: list[dict[str, Any]]
    _media_last: dict[tuple[str, ...], object]  # the newest of each key
    # The newest of each key of a row, and how many are being encoded.
    _media_waiting: dict[tuple[int, tuple[str, ...]], tuple[object, int]]
    _stop_hooks: list[Callable[[], None]]
    summary: Summary

    def __init__(
        self,
        tracker: ExperimentTracker,
        native: NativeRun,
        record: RunRecord,
        settings: Settings,
        folder: RunDir,
        around: Around,
        *,
        locked: Mapping[str, str | None] | None = None,
        resumed: bool = False,
        shared: bool = False,
        starting_step: int = 0,
        after_crash: bool = False,
    ) -> None:
        own = self.__dict__
        own["_tracker"] = tracker
        own["_native"] = native
        own["_record"] = record
        own["_settings"] = settings
        own["_folder"] = folder
        own["_around"] = around
        own["_resumed"] = resumed
        own["_shared"] = shared
        own["_pid"] = os.getpid()
        own["_is_finished"] = False
        own["_preempting"] = False
        own["_starting_step"] = own["_step"] = starting_step
        own["_committed"] = starting_step - 1
        own["_open"] = {}
        own["_explicit"] = False
        own["_late"] = Environment.from_environment().late_steps
        own["_warned_late"] = False
        own["_name"], own["_notes"], own["_tags"] = record.name, record.notes, record.tags
        own["_last_time"] = record.summary.get("_timestamp", record.created_at)
        own["_data"] = dict(record.summary)
        own["_metrics"] = None
        own["_media_store"] = None
        own["_media_last"] = {}
        own["_media_waiting"] = {}
        own["_alerts"] = list(record.metadata.get("alerts", ()))
        own["_forked"] = False  # whether there are, or were, children that may have logged
        own["_stop_hooks"] = []
        own["_tensorboard_callback"] = None
        own["summary"] = Summary(
            own["_data"],
            self._summary_changed,
            self._automatic,
            convert=self._summary_value,
            settle=self._settle_media,
        )
        own["_config"] = Config(
            record.config,
            self._config_changed,
            locked=locked,
            allow_val_change=settings.allow_val_change,
        )
        definitions = record.metadata.get("metrics")
        if definitions:
            from synadb.wandb_compat._metric_rules import MetricRules

            # What a run that was killed leaves in its summary are plain last values.
            own["_metrics"] = MetricRules.from_definitions(
                definitions, self._past_rows, mend=after_crash
            )
            own["_metrics"].refresh(self._data)

    # -- log -------------------------------------------------------------------------------------

    def log(
        self,
        data: Mapping[str, Any],
        step: int | None = None,
        commit: bool | None = None,
        sync: bool | None = None,
    ) -> None:
        """Merge `data` into the open row; commit it unless `step` is given or commit=False.

        Raises TypeError for data that is no mapping with str keys or a value that cannot be
        stored, UsageError after finish. `sync` is accepted, as in older releases, and has no
        effect.
        """
        if step is None and commit is None and not self._open and not self._is_finished:
            # The row of a training loop: numbers under keys and types seen before.
            own = self.__dict__
            journal = own["_native"]._journal
            try:
                shape = tuple(data), tuple(map(type, data.values()))
                keyset = journal.caches[AUTO_RUN].get(shape)
            except (TypeError, AttributeError):
                keyset = None
            if keyset is not None:
                now = time.time()
                with journal.lock:
                    at = own["_step"]
                    try:
                        # Another thread may have finished the run meanwhile, or opened a row.
                        if own["_is_finished"] or own["_open"] or at == _LAST_STEP:
                            raise RunEndedError
                        # Counted first: a signal handler may log while this row is being stored.
                        own["_step"] = at + 1
                        journal.append(keyset, at, now, data.values())
                    except (struct.error, OverflowError, RunEndedError):
                        own["_step"] = at
                        keyset = None
                    else:
                        own["_last_time"] = now
                        metrics = own["_metrics"]
                        if metrics is None:
                            own["_data"].update(data)
                        else:
                            inserted = metrics.apply(data, own["_data"], shape)
                            if inserted:
                                own["_native"].write(inserted, at, now, AUTO_RUN)
                        own["_committed"] = at
                if keyset is not None:
                    return
        self._log(data, step, commit)

    def _log(self, data: Mapping[str, Any], step: int | None, commit: bool | None) -> None:
        self._check_active("log")
        if not isinstance(data, Mapping):
            raise TypeError("wandb.log must be passed a dictionary")
        if any(not isinstance(key, str) for key in data):
            raise TypeError("Key values passed to `wandb.log` must be strings.")
        if commit is not None and not hasattr(commit, "__index__"):
            raise TypeError(f"wandb.log(commit=) takes a bool, not {commit!r}")
        at = None if step is None else _as_step(step)
        values, pending = self._row_values(data)
        now = time.time()
        stamp = data.get("_timestamp")
        if isinstance(stamp, int | float) and abs(stamp) < 1e18:
            now = float(stamp)
        with self._native.lock:
            self._check_active("log")  # again: another thread may have finished the run
            own = self.__dict__
            if at is not None and at < self._step:
                self._log_late(values, at, now)
                if self.__dict__["_late"] != "drop":
                    self._submit(pending, at, now, AUTO_NONE)
                return
            if at is not None and at > self._step:
                self._commit()
                own["_step"] = at
            if at is not None:
                own["_explicit"] = True
            self._native.write(values, self._step, now, self._auto)
            own["_last_time"] = now
            self._open["_"] = 0  # marks the row as open, though it may be empty
            merge_row(self._open, values)
            row_step, auto = self._step, self._auto
            if commit or (commit is None and at is None):
                self._commit()
                own["_step"] = min(self._step + 1, _LAST_STEP)
                if at is None and not pending:
                    self._quicken(data, values)
        # Not under the lock: it may have to wait for those that are being encoded.
        self._submit(pending, row_step, now, auto)

    def _quicken(self, data: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        """Let rows like this one, of numpy's scalars, take the short way from now on."""
        kinds = tuple(map(type, data.values()))
        if len(values) == len(data) and all(
            (kind.__module__ == "numpy" and kind.__name__ in _NUMPY_SCALARS) or kind in _SCALARS
            for kind in kinds
        ):
            cache = self._native._journal.caches[AUTO_RUN]
            known = cache.get((tuple(values), tuple(map(type, values.values()))))
            if known is not None:
                cache[tuple(data), kinds] = known

    @property
    def _auto(self) -> int:
        """How the step of the open row was chosen."""
        return AUTO_NONE if self._explicit else AUTO_RUN

    # -- media -----------------------------------------------------------------------------------

    def _row_values(
        self, data: Mapping[str, Any]
    ) -> tuple[dict[str, Any], list[tuple[tuple[str, ...], Pending]]]:
        """What is stored of a logged dict now, and what is still to be encoded."""
        if "synadb.wandb_compat._media.chart" in sys.modules:
            from synadb.wandb_compat._media.chart import charts_to_tables

            data = charts_to_tables(data, self._sink.set_config)
        values = {}
        for key, value in data.items():
            if key not in _AUTO_KEYS:
                name = _text(key)
                plain = history_value(value, partial(self._media, name))
                if plain != {} or not isinstance(plain, dict):
                    values[name] = plain
        if self.__dict__["_media_store"] is None:
            return values, []
        from synadb.wandb_compat._media.pipeline import split_pending

        self._store_media_config()
        return split_pending(values)

    @property
    def _sink(self) -> MediaStore:
        store: MediaStore | None = self.__dict__["_media_store"]
        if store is None:
            from synadb.wandb_compat._media.pipeline import MediaStore

            store = MediaStore(self._tracker, self._native.run_id)
            self.__dict__["_media_store"] = store
        return store

    def _media(self, key: str, value: Any, path: tuple[str, ...]) -> Any:
        return self._sink.convert(value, path[-1] if path else key, self._step)

    def _submit(
        self,
        pending: list[tuple[tuple[str, ...], Pending]],
        step: int,
        now: float,
        auto: int,
    ) -> None:
        for path, value in pending:
            ticket = object()
            with self._native.lock:
                self._media_last[path] = ticket
                _, before = self._media_waiting.get((step, path), (None, 0))
                self._media_waiting[step, path] = ticket, before + 1
            done = partial(self._media_done, path, step, now, auto, ticket)
            self._sink.submit(value, step, done)

    def _media_done(
        self,
        path: tuple[str, ...],
        step: int,
        now: float,
        auto: int,
        ticket: object,
        json: Any,
    ) -> None:
        """Write an encoded value as another part of its row; called in the pool."""
        row: Any = json
        for key in reversed(path):
            row = {key: row}
        with self._native.lock:
            newest, left = self._media_waiting[step, path]
            if left == 1:
                del self._media_waiting[step, path]
            else:
                self._media_waiting[step, path] = newest, left - 1
            if newest is not ticket:
                return  # the same key of the same row has been logged again
            self._native.write(row, step, now, auto)
            if self._open and step == self._step:
                merge_row(self._open, row)
            elif self._media_last.get(path) is ticket and step <= self._committed:
                merge_leaves(self._data, row)
        self._store_media_config()

    def _store_media_config(self) -> None:
        config = self._sink.take_config()
        if config:
            with self._native.lock:
                own = self._config._items["_wandb"]
                for key, named in config.items():
                    own[key] = {**own.get(key, {}), **named}
                self._native.log_params({"_wandb": config_stored(own)})

    def _settle_media(self) -> None:
        """Wait for what is being encoded, where that does not wait for this very thread."""
        store = self.__dict__["_media_store"]
        if store is not None and store.busy and not self._native.lock._is_owned():  # type: ignore[attr-defined]
            store.settle()

    def _close_media(self) -> None:
        store = self.__dict__["_media_store"]
        if store is None:
            return
        if self._native.lock._is_owned():  # type: ignore[attr-defined]
            store.flush()  # a signal handler, over a frame that logs: nobody may be waited for
            return
        store.close()
        self._store_media_config()
        if store.errors:
            self._native.update(metadata={"media_errors": store.errors})

    def _summary_value(self, key: str, value: Any) -> Any:
        """A value set by hand, as it is stored; media are encoded at once."""

        def media(found: Any, path: tuple[str, ...]) -> Any:
            json = self._sink.convert(found, path[-1] if path else key, "summary")
            return json.encode() if hasattr(json, "encode") else json

        return summary_value(value, media)

    def _log_late(self, values: Mapping[str, Any], step: int, now: float) -> None:
        kept = self.__dict__["_late"] != "drop"
        if not self.__dict__["_warned_late"]:
            self.__dict__["_warned_late"] = True
            termwarn(
                f"Tried to log to step {step} that is less than the current step {self._step}. "
                + (
                    "Such rows are kept in the history and leave the summary as it is "
                    "(SYNADB_LATE_STEPS=drop: dropped, as wandb does)."
                    if kept
                    else "Such rows are dropped (SYNADB_LATE_STEPS=drop)."
                )
            )
        if kept:
            self._native.write(values, step, now, AUTO_NONE)

    def _commit(self) -> None:
        row = self._open
        if row:
            row.pop("_", None)
            if self._metrics is None:
                merge_leaves(self._data, row)
            else:
                inserted = self._metrics.apply(row, self._data)
                if inserted:
                    self._native.write(inserted, self._step, self._last_time, self._auto)
            row.clear()
            self.__dict__["_committed"] = self._step
        self.__dict__["_explicit"] = False

    def define_metric(
        self,
        name: str,
        step_metric: str | Metric | None = None,
        step_sync: bool | None = None,
        hidden: bool | None = None,
        summary: str | None = None,
        overwrite: bool | None = None,
        goal: str | None = None,
    ) -> Metric:
        """Say what the summary keeps of a metric, and which metric is its x axis.

        `goal` and the summary `best` are of older releases. Raises Error for what cannot be.
        """
        self._check_active("define_metric")
        from synadb.wandb_compat._metric_rules import MetricRules

        with self._native.lock:
            rules = self._metrics or MetricRules(self._past_rows)
            metric = rules.define(
                name, step_metric, step_sync, hidden, summary, overwrite, goal=goal
            )
            self.__dict__["_metrics"] = rules
            rules.refresh(self._data)
            self._store_definitions()
        return metric

    def _store_definitions(self) -> None:
        if self._metrics is not None and self._metrics.changed:
            self._native.update(metadata={"metrics": self._metrics.definitions()})

    def _past_rows(self) -> Iterator[dict[str, Any]]:
        """The rows committed so far, as they were logged."""
        if self._committed < 0:
            return
        try:
            with self._tracker.patience(1.0):
                rows = list(self._tracker.rows(self._native.run_id))
        except SynaDBError as error:  # also when the run has been deleted
            termwarn(f"define_metric knows nothing of the rows so far: {error}", repeat=False)
            return
        for row in rows:
            if row["_step"] <= self._committed:
                yield {key: value for key, value in row.items() if key not in _AUTO_KEYS}

    # -- config and summary ----------------------------------------------------------------------

    def _config_changed(self, values: dict[str, Any]) -> None:
        self._check_active("config.update")
        self._native.log_params({key: config_stored(value) for key, value in values.items()})

    def _summary_changed(self, path: tuple[str, ...], removed: bool) -> None:
        self._check_active("summary.update")
        with self._native.lock:
            if self._metrics is not None:
                self._metrics.manual(path, deleted=removed)
            key = path[0]
            if key in self._data:
                self._native.set_summary({key: self._data[key]})
            else:
                self._native.set_summary({}, removed=(key,))

    def _automatic(self) -> dict[str, Any]:
        """The keys of the summary that nobody logs."""
        if self._is_finished:
            return {}
        runtime = time.time() - self._record.created_at
        found: dict[str, Any] = {"_runtime": runtime, "_wandb": {"runtime": int(runtime)}}
        last = self._committed
        if last >= 0:
            found["_step"] = last
            found["_timestamp"] = self._last_time
        return found

    def _set_config_wandb(self, key: str, val: Any) -> None:
        self._config._items["_wandb"][key] = val
        self._native.log_params({"_wandb": config_stored(self._config._items["_wandb"])})

    # -- the end ---------------------------------------------------------------------------------

    def finish(self, exit_code: int | None = None, quiet: bool | None = None) -> None:
        """End the run: `finished`, or `failed` with an exit code other than 0. Idempotent."""
        try:
            code = _as_exit_code(exit_code)
        except TypeError:
            # The run is over all the same, or the next init would go on with it.
            self._finish(0, quiet=quiet, footer_only=True)
            raise
        self._finish(code, quiet=quiet)

    def join(self, exit_code: int | None = None) -> None:
        """The old name of `finish`."""
        self.finish(exit_code)

    def _finish(
        self,
        exit_code: int,
        *,
        state: str | None = None,
        quiet: bool | None = None,
        footer_only: bool = False,
    ) -> None:
        if self._is_finished:
            return
        if os.getpid() != self._pid:
            # In a forked child only the child's part is over.
            self.__dict__["_is_finished"] = True
            self._native.leave()
            _session.ended(self)
            return
        for hook in self._stop_hooks:
            hook()
        self._close_media()
        # Held already: this is a signal handler, over the frame of a call that logs.
        interrupted = bool(self._native.lock._is_owned())  # type: ignore[attr-defined]
        with self._native.lock:
            if self.__dict__["_is_finished"]:  # by another thread, meanwhile
                return
            self._close_summary(interrupted=interrupted)
            self.__dict__["_is_finished"] = True
        stored = False
        try:
            self._around.stop()
            stored = self._store_end(exit_code, state)
        except BaseException:
            # Ctrl-C, say: what is around the run may be cut short, its end not.
            with contextlib.suppress(Exception):
                ended = state or ("failed" if exit_code else "finished")
                self._tracker.finish(self._native, ended, exit_code)
            raise
        finally:
            _session.ended(self)
        if self._settings.resume == "auto" and not exit_code:
            with contextlib.suppress(OSError):
                os.unlink(self._settings.resume_fname)
        if not (quiet or self._settings.silent):
            self._say_goodbye(stored, footer_only=footer_only or self._settings.quiet)
        self._folder.remove_temporary()
        _session.close_unused()

    def _close_summary(self, *, interrupted: bool) -> None:
        """Commit the open row and store the summary as it will stay."""
        self._commit()
        self._store_definitions()
        last = self._committed
        runtime = self._last_time - self._record.created_at
        if last >= 0:
            self._data["_step"] = last
            self._data["_timestamp"] = self._last_time
        self._data["_runtime"] = int(runtime)
        self._data["_wandb"] = {"runtime": int(time.time() - self._record.created_at)}
        limit = Environment.from_environment().finish_timeout
        stored: dict[str, Any] = {}
        with contextlib.suppress(SynaDBError), self._tracker.patience(min(1.0, limit)):
            # In this order: who is not at it any more has left its rows in the database.
            if _session.others_log(self):
                self.__dict__["_shared"] = True
                self._tracker.recover()
            record = self._tracker.get_run(self._native.run_id)
            stored = record.summary
            others = stored.keys() - self._data.keys()
            if record.last_step > last or (self.__dict__["_forked"] and others):
                self.__dict__["_shared"] = True
        decided = self._metrics.decided(stored) if self._metrics is not None else set()
        if not (self._shared or interrupted):
            self._native.set_summary(self._data, replace=True)
            return
        # Another process has logged to the run, or the end comes as a signal in the middle of a
        # row. The database knows the last values; this process what its definitions make of its
        # own, and what it has set by hand is there already.
        self._native.set_summary(
            {
                key: value
                for key, value in self._data.items()
                if key in decided or key not in stored or key in _OWN_KEYS
            },
            removed=tuple(key for key in decided if key not in self._data),
        )

    def _settle_step(self) -> None:
        """Let the summary name the last step of all processes."""
        said = -1
        with contextlib.suppress(SynaDBError), self._tracker.patience(1.0):
            # Again, where another process has ended between the look and the word.
            while (last := self._tracker.get_run(self._native.run_id).last_step) != said:
                said = last
                values = {"_step": last} if last >= 0 else {}
                self._tracker._store.apply([SetSummary(self._native.run_id, values)])

    def _store_end(self, exit_code: int, state: str | None) -> bool:
        """End the run in the store; whether all of it is there."""
        primary = self._settings.x_primary or not self._shared
        if primary:
            self._folder.write(self._config._items, self._data, self._around.metadata)
        if state is None:
            state = "finished" if not exit_code else "failed"
        if state != "finished" and self._preempting:
            state = "preempting"
        limit = Environment.from_environment().finish_timeout
        begun = time.monotonic()
        try:
            with self._tracker.patience(limit):
                self._folder.store(self._tracker, self._native.run_id, self._settings.ignore_globs)
        except SynaDBError as error:
            termwarn(f"files of {self._folder.files} are not in the database: {error}")
        rest = max(0.1 * limit, limit - (time.monotonic() - begun))
        if primary:
            stored = self._tracker.finish(self._native, state, exit_code, timeout=rest)
        else:
            stored = self._native.leave()
        if stored and self._shared:
            self._settle_step()
        return stored

    def _say_goodbye(self, stored: bool, *, footer_only: bool) -> None:
        if not footer_only:
            from synadb.wandb_compat._display import run_lines

            try:
                history = self._tracker.sketch(self._native.run_id)
            except SynaDBError:
                history = {}
            lines = run_lines(
                history,
                self._data,
                history_rows=self._settings.max_end_of_run_history_metrics,
                summary_rows=self._settings.max_end_of_run_summary_metrics,
            )
            for line in lines:
                termlog(line)
        if stored:
            termlog(f"Run {self.name} ({self.id}) is stored in {self._tracker.path}")
        else:
            termwarn(
                f"Run {self.name} ({self.id}) is not all in {self._tracker.path}; see what "
                "synadb says above"
            )
        if self.url is not None:
            termlog(f"View run {self.name} at: {self.url}")

    def _check_active(self, call: str) -> None:
        # The native run ends by itself when its tracker is closed.
        if self._is_finished or self._native._journal.closed:
            raise UsageError(
                f"Run ({self.id}) is finished. The call to `{call}` will be ignored. "
                "Please make sure that you are using an active run."
            )

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        killed = kind is not None and issubclass(kind, KeyboardInterrupt)
        self._finish(0 if kind is None else 1, state="killed" if killed else None)

    def mark_preempting(self) -> None:
        """Say that the machine is about to be taken away: an end that is no success is that."""
        self._check_active("mark_preempting")
        self.__dict__["_preempting"] = True
        self._native.update(state="preempting")

    # -- files -----------------------------------------------------------------------------------

    @property
    def dir(self) -> str:
        """The folder of the run's files; what is in it at the end is stored."""
        return self._folder.folder()

    @property
    def sync_dir(self) -> str:
        """The folder that holds `dir`."""
        return os.path.dirname(self._folder.folder())

    def save(
        self,
        glob_str: Any = _NOT_GIVEN,
        base_path: Any = None,
        policy: str = "live",
        glob: bool = True,
    ) -> list[str]:
        """Store files with the run: those that `glob_str` names, below `base_path`.

        They are linked into `run.dir` under their name relative to `base_path` (for an absolute
        path the folder above its own). `policy` "now" and "live" store them at once, all of them
        once more at the end. Returns the paths in `run.dir`; without arguments nothing is done.
        """
        self._check_active("save")
        if glob_str is _NOT_GIVEN:
            return []
        from synadb.wandb_compat._files import save

        return save(self, glob_str, base_path, policy, glob)

    def _store_files(self, names: Sequence[str]) -> None:
        for name in names:
            try:
                path = os.path.join(self.dir, name)
                self._tracker.log_file(self._native.run_id, name.replace(os.sep, "/"), path)
            except (OSError, SynaDBError) as error:
                termwarn(f"{name} cannot be stored now, it will be tried again at the end: {error}")

    def restore(
        self,
        name: str,
        run_path: str | None = None,
        replace: bool = False,
        root: str | None = None,
    ) -> IO[str] | None:
        """A file of this run, or of `run_path`, written below `root` and opened for reading."""
        from synadb.wandb_compat._files import restore

        return restore(name, run_path, replace, root, run=self, open_tracker=lambda: self._tracker)

    def log_code(
        self,
        root: str | None = ".",
        name: str | None = None,
        include_fn: Callable[..., bool] | None = None,
        exclude_fn: Callable[..., bool] | None = None,
    ) -> None:
        """Store the code below `root` (by default *.py, requirements.txt and Dockerfiles)."""
        self._check_active("log_code")
        from synadb.wandb_compat._files import code_files

        for inside, path in code_files(root or ".", include_fn, exclude_fn).items():
            self._tracker.log_file(self._native.run_id, f"code/{inside}", path)

    def write_logs(self, text: str) -> None:
        """Add text to the run's console output without printing it."""
        if not self._is_finished:
            self._around.write_logs(text)

    # -- the rest of wandb's methods -------------------------------------------------------------

    def watch(
        self,
        models: Any,
        criterion: Any = None,
        log: str | None = "gradients",
        log_freq: int = 1000,
        idx: int | None = None,
        log_graph: bool = False,
    ) -> None:
        """Log histograms of a torch model's gradients or parameters every `log_freq` batches."""
        self._check_active("watch")
        from synadb.wandb_compat import _watch

        # Before the call: it may fail when some of several models have their hooks already.
        self._stop_hooks.append(lambda: _watch.stop(self))
        _watch.watch(self, models, criterion, log, log_freq, idx, log_graph)

    def unwatch(self, models: Any = None) -> None:
        """Take the hooks of `watch` away again."""
        self._check_active("unwatch")
        from synadb.wandb_compat import _watch

        _watch.unwatch(self, models)

    def alert(
        self,
        title: str,
        text: str,
        level: Any = None,
        wait_duration: Any = None,
    ) -> None:
        """Keep an alert with the run, and say it on the terminal."""
        self._check_active("alert")
        from synadb.wandb_compat._alerts import as_alert

        alert = as_alert(title, text, level, wait_duration)
        self._alerts.append(alert)
        self._native.update(metadata={"alerts": self._alerts})
        termwarn(f"{alert['title']}: {alert['text']}")

    def status(self) -> RunStatus:
        """Nothing is ever pending."""
        return RunStatus()

    def pin_config_keys(self, keys: Sequence[str] = ()) -> None:
        """Remember which keys of the config matter most."""
        self._check_active("pin_config_keys")
        self._native.update(metadata={"pinned_config_keys": [str(key) for key in keys]})

    def display(self, height: int = 420, hidden: bool = False) -> bool:
        """Show the run in a notebook; False elsewhere."""
        from synadb.wandb_compat._display import in_notebook

        if not in_notebook():
            return False
        from IPython.display import HTML, display  # type: ignore[import-not-found,unused-ignore]

        display(HTML(self.to_html(height, hidden)))
        return True

    def to_html(self, height: int = 420, hidden: bool = False) -> str:
        """The run as a piece of HTML."""
        from synadb.wandb_compat._display import run_html

        try:
            history = self._tracker.sketch(self._native.run_id)
        except SynaDBError:
            history = {}
        html: str = run_html(
            name=self.name,
            run_id=self.id,
            project=self.project,
            state="finished" if self._is_finished else "running",
            path=self._tracker.path,
            history=history,
            summary=self.summary._as_dict(),
        )
        return html

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.to_html(), "text/plain": repr(self)}

    def _label(self, *args: Any, **kwargs: Any) -> None:
        """Called by libraries to name themselves to wandb's service; there is none."""

    # -- attributes ------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The run's id."""
        return self._record.run_id.removeprefix(f"{self.project}/")

    @property
    def _attach_id(self) -> str:
        return self._native.run_id  # with the project, where another one has a run of this id

    @property
    def project(self) -> str:
        """The project."""
        return self._record.experiment

    def project_name(self) -> str:
        """The old name of `project`."""
        return self.project

    @property
    def entity(self) -> str:
        """The entity given to init, or an empty text."""
        return self._settings.entity or ""

    @property
    def path(self) -> str:
        """`entity/project/id`, without an empty entity."""
        return "/".join(part for part in (self.entity, self.project, self.id) if part)

    @property
    def group(self) -> str:
        """The group, or an empty text."""
        return self._record.group

    @property
    def job_type(self) -> str:
        """The job type, or an empty text."""
        return self._record.job_type

    @property
    def name(self) -> str:
        """The display name; can be set."""
        return str(self.__dict__["_name"])

    @name.setter
    def name(self, value: str | None) -> None:
        self._check_active("name")
        if value is not None:
            self._change("name", _str_field("name", value) or self.name)

    @property
    def notes(self) -> str | None:
        """The notes; can be set."""
        notes: str | None = self.__dict__["_notes"]
        return notes

    @notes.setter
    def notes(self, value: str | None) -> None:
        self._change("notes", None if value is None else _str_field("notes", value))

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags; can be set."""
        return tuple(self.__dict__["_tags"])

    @tags.setter
    def tags(self, value: Iterable[str]) -> None:
        self._check_active("tags")
        try:
            settings = Settings(run_tags=tuple(value))
        except ValueError as error:
            termwarn(f"Invalid tag detected: {error} Tags not updated.")
            return
        self._change("tags", tuple(settings.run_tags or ()))

    def _change(self, field: str, value: Any) -> None:
        self._check_active(field)
        self._native.update(**{field: value})
        self.__dict__["_" + field] = value

    @property
    def config(self) -> Config:
        """The config."""
        config: Config = self.__dict__["_config"]
        return config

    @property
    def config_static(self) -> ConfigStatic:
        """The config as it is now, read-only."""
        return ConfigStatic(self.config)

    @property
    def step(self) -> int:
        """The step of the open row, which is the next one to be written."""
        return self._step

    @property
    def starting_step(self) -> int:
        """The first step of this process."""
        return int(self.__dict__["_starting_step"])

    @property
    def resumed(self) -> bool:
        """Whether this continues an earlier run."""
        return bool(self.__dict__["_resumed"])

    @property
    def start_time(self) -> float:
        """Seconds since the epoch."""
        return self._record.created_at

    @property
    def _start_time(self) -> float:
        return self._record.created_at

    @property
    def offline(self) -> bool:
        """Whether the script asked for offline mode; nothing leaves this machine in any mode."""
        return self._settings._offline

    @property
    def disabled(self) -> bool:
        """False: this run records."""
        return False

    @property
    def mode(self) -> str:
        """The mode, as older releases had it."""
        return self._settings.mode

    @property
    def url(self) -> str | None:
        """Where the run lies, as a URL of the database file; None in offline mode, as in wandb."""
        return self._url(self.id)

    @property
    def project_url(self) -> str | None:
        """Where the project lies; None in offline mode."""
        return self._url(None)

    @property
    def sweep_url(self) -> str | None:
        """Where the sweep lies; None without a sweep."""
        return self._url(f"sweeps/{self.sweep_id}") if self.sweep_id else None

    def _url(self, place: str | None) -> str | None:
        if self.offline:
            return None
        from urllib.parse import quote

        inside = "/".join(part for part in (self.project, place) if part)
        return f"file://{quote(self._tracker.path)}#{quote(inside)}"

    def get_url(self) -> str | None:
        """The old name of `url`."""
        return self.url

    def get_project_url(self) -> str | None:
        """The old name of `project_url`."""
        return self.project_url

    def get_sweep_url(self) -> str | None:
        """The old name of `sweep_url`."""
        return self.sweep_url

    @property
    def sweep_id(self) -> str | None:
        """The sweep that this run is a trial of."""
        return self._settings.sweep_id

    @property
    def settings(self) -> Settings:
        """The settings, as a copy."""
        return self._settings.copy()

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "summary":
            self.summary.update(value)
        elif isinstance(getattr(type(self), name, None), property) or name.startswith("_"):
            object.__setattr__(self, name, value)
        else:
            raise Exception(f"Attribute {name} is not supported on Run object.")

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("__") and name in NOT_YET:
            from synadb.wandb_compat._surface import missing_attribute

            raise missing_attribute("wandb.Run", name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __deepcopy__(self, memo: dict[int, Any]) -> Run:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # What another process logs to the run comes after what this one has logged so far.
        with contextlib.suppress(SynaDBError):
            self._native.flush()
        unpickled = sys.modules[__package__]._unpickled
        return unpickled, (self._native.run_id, self._tracker.path, self._pid)

    def __repr__(self) -> str:
        return f"<Run {self.path} ({'finished' if self._is_finished else 'running'})>"


# What wandb's Run has and this one will have.
_NOT_YET_TEXT = """\
finish_artifact link_artifact link_model log_artifact log_model plot_table upsert_artifact
use_artifact use_model
"""
NOT_YET = frozenset(_NOT_YET_TEXT.split())


def _text(key: str) -> str:
    text = str.__str__(key)
    if not text.isascii():
        # A lone surrogate is no text that could be stored.
        text = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return text


def _str_field(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"run.{name} takes a str, not {value!r}")
    return _text(value)


def _as_exit_code(code: Any) -> int:
    if code is None:
        return 0
    if not hasattr(code, "__index__"):
        raise TypeError(f"run.finish(exit_code=) takes an int, not {code!r}")
    return int(code.__index__())


def _as_step(step: Any) -> int:
    if isinstance(step, bool | str | float) or not hasattr(step, "__index__"):
        raise TypeError(
            f"wandb.log(step=) takes an int: {type(step).__name__!r} object cannot be interpreted "
            "as an integer"
        )
    number = int(step.__index__())
    if not -(1 << 63) <= number <= _LAST_STEP:
        raise ValueError(f"wandb.log(step=) takes an int of 64 bits, not {number}")
    return number
