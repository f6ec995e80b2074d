"""The run object, with wandb's step and commit rules."""

from __future__ import annotations

import contextlib
import os
import struct
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from time import time
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

from synadb.errors import RunEndedError, SynaDBError
from synadb.ops import AUTO_NONE, AUTO_RUN
from synadb.settings import Settings as Environment
from synadb.wandb_compat import _session
from synadb.wandb_compat._config import Config
from synadb.wandb_compat._run_artifacts import RunArtifacts
from synadb.wandb_compat._run_end import end_run
from synadb.wandb_compat._run_fields import RunFields, clean_text
from synadb.wandb_compat._settings import Settings
from synadb.wandb_compat._summary import Summary
from synadb.wandb_compat._term import termwarn
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
    from synadb.wandb_compat._media.chart import CustomChart
    from synadb.wandb_compat._media.pipeline import MediaStore
    from synadb.wandb_compat._metric import Metric
    from synadb.wandb_compat._metric_rules import MetricRules
    from synadb.wandb_compat._run_dir import RunDir
    from synadb.wandb_compat._run_media import RunMedia

__all__ = ["Run", "RunStatus"]

_AUTO_KEYS = frozenset(("", "_step", "_runtime", "_timestamp"))
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


class Run(RunFields, RunArtifacts):
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
    _overruled: set[str]  # keys of the open row whose summary was set by hand before its commit
    _last_time: float
    _explicit: bool
    _is_finished: bool
    _shared: bool
    _preempting: bool
    _lent: int | None
    _pid: int
    _alerts: list[dict[str, Any]]
    _config: Config
    _media_part: RunMedia | None
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
        own["_journal"] = native._journal
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
        own["_overruled"] = set()
        own["_open"] = {}
        own["_explicit"] = False
        own["_late"] = Environment.from_environment().late_steps
        own["_warned_late"] = False
        own["_name"], own["_notes"], own["_tags"] = record.name, record.notes, record.tags
        own["_last_time"] = record.summary.get("_timestamp", record.created_at)
        own["_data"] = dict(record.summary)
        own["_metrics"] = None
        own["_media_part"] = None  # until media are logged
        own["_alerts"] = list(record.metadata.get("alerts", ()))
        own["_forked"] = False  # whether there are, or were, children that may have logged
        own["_lent"] = None  # what was seen last of others at it, once there may be any
        own["_stop_hooks"] = []
        own["summary"] = Summary(
            own["_data"],
            self._summary_changed,
            self._automatic,
            convert=self._summary_value,
            settle=self._settle,
            reached=self._put_media,
        )
        own["_config"] = Config(
            record.config,
            self._config_changed,
            locked=locked,
            # Cells are executed again, with other values.
            allow_val_change=settings.allow_val_change or settings._jupyter,
        )
        own["_config"].__dict__["_use"] = self._use_in_config
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
        if step is None and commit is None:
            # The row of a training loop: numbers under keys and types seen before.
            own = self.__dict__
            journal = own["_journal"]
            try:
                shape = (*data, *map(type, data.values()))
                keyset = journal.caches[AUTO_RUN][shape]
            except (KeyError, TypeError, AttributeError):
                keyset = None  # by the long way, whose errors are to be told without this one
            if keyset is None:
                return self._log(data, step, commit)
            with journal.lock:
                at = own["_step"]
                # Another thread may have finished the run meanwhile, or opened a row.
                if not (own["_open"] or own["_is_finished"] or at == _LAST_STEP):
                    # Counted first: a signal handler may log while this row is being stored.
                    own["_step"] = at + 1
                    now = time()
                    try:
                        journal.append(keyset, at, now, data.values())
                    except (struct.error, OverflowError, RunEndedError):
                        own["_step"] = at
                    else:
                        own["_last_time"] = now
                        metrics = own["_metrics"]
                        if metrics is None:
                            own["_committed"] = at
                            own["_data"].update(data)
                        else:
                            # Which may read the rows before this one.
                            inserted = metrics.apply(data, own["_data"], shape)
                            if inserted:
                                own["_native"].write(inserted, at, now, AUTO_RUN)
                            own["_committed"] = max(own["_committed"], at)
                        return None
        return self._log(data, step, commit)

    def _log(self, data: Mapping[str, Any], step: int | None, commit: bool | None) -> None:
        self._check_active("log")
        if self._lent is not None:
            self._catch_up()
        if not isinstance(data, Mapping):
            raise TypeError("wandb.log must be passed a dictionary")
        if any(not isinstance(key, str) for key in data):
            raise TypeError("Key values passed to `wandb.log` must be strings.")
        if commit is not None and not hasattr(commit, "__index__"):
            raise TypeError(f"wandb.log(commit=) takes a bool, not {commit!r}")
        at = None if step is None else _as_step(step)
        if at is not None and sys.modules[__package__].patched["tensorboard"]:
            at = None
            termwarn(
                "Step cannot be set when using tensorboard syncing: the rows are numbered as they "
                "come. run.define_metric(...) makes any metric the x axis of others.",
                repeat=False,
            )
        values, pending = self._row_values(data)
        now = time()
        stamp = data.get("_timestamp")
        if isinstance(stamp, int | float) and abs(stamp) < 1e18:
            now = float(stamp)
        with self._native.lock:
            self._check_active("log")  # again: another thread may have finished the run
            own = self.__dict__
            if self._media_part is not None:
                self._media.overwrite(self._step if at is None else at, values)
            if at is not None and at < self._step:
                self._log_late(values, at, now)
                if pending and self.__dict__["_late"] != "drop":
                    self._media.submit(pending, at, now, AUTO_NONE, late=True)
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
            if pending and self._metrics is not None:
                self._media.announce(pending)
            row_step, auto = self._step, self._auto
            if commit or (commit is None and at is None):
                self._commit()
                own["_step"] = min(self._step + 1, _LAST_STEP)
                if at is None and not pending:
                    self._quicken(data, values)
        if pending:
            # Not under the lock: it may have to wait for those that are being encoded.
            self._media.submit(pending, row_step, now, auto)

    def _quicken(self, data: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        """Let rows like this one, of numpy's scalars, take the short way from now on."""
        kinds = tuple(map(type, data.values()))
        # A Python integer of more than 64 bits has become a float, as others of its type do not.
        if len(values) == len(data) and all(
            (kind.__module__ == "numpy" and kind.__name__ in _NUMPY_SCALARS)
            or (kind in _SCALARS and kind is type(value))
            for kind, value in zip(kinds, values.values(), strict=True)
        ):
            cache = self._native._journal.caches[AUTO_RUN]
            known = cache.get((*values, *map(type, values.values())))
            if known is not None:
                cache[(*data, *kinds)] = known

    @property
    def _auto(self) -> int:
        """How the step of the open row was chosen."""
        return AUTO_NONE if self._explicit else AUTO_RUN

    # -- media -----------------------------------------------------------------------------------

    @property
    def _media(self) -> RunMedia:
        """What becomes of the media of this run; made when it is needed."""
        part = self._media_part
        if part is None or part.pid != os.getpid():
            from synadb.wandb_compat._run_media import RunMedia

            with self._native.lock:
                part = self._media_part
                if part is None or part.pid != os.getpid():
                    part = self.__dict__["_media_part"] = RunMedia(self)
        return part

    @property
    def _sink(self) -> MediaStore:
        return self._media.store

    def _row_values(self, data: Mapping[str, Any]) -> tuple[dict[str, Any], list[Any]]:
        """What is stored of a logged dict now, and what is still to be encoded."""
        if "synadb.wandb_compat._media.chart" in sys.modules:
            data = self._media.with_tables(data)
        values = {}
        for key, value in data.items():
            if key not in _AUTO_KEYS:
                name = clean_text(key)
                plain = history_value(value, partial(self._media_value, name))
                if plain != {} or not isinstance(plain, dict):
                    values[name] = plain
        return (values, []) if self._media_part is None else self._media.split(values)

    def _media_value(self, key: str, value: Any, path: tuple[str, ...]) -> Any:
        return self._media.convert(key, value, path)

    def _summary_value(self, key: str, value: Any) -> Any:
        """A value set by hand, as it is stored."""
        return summary_value(value, lambda below, path: self._media.summary_json(key, below, path))

    def _settle_media(self) -> None:
        part = self._media_part
        if part is not None and part.pid == os.getpid():
            part.settle()

    def _settle(self) -> None:
        """Wait until what has been logged can be read, by others too."""
        self._settle_media()
        if self._lent is not None:
            self._catch_up()

    def _catch_up(self) -> None:
        from synadb.wandb_compat._catch_up import catch_up

        catch_up(self)

    def _put_media(self, names: Sequence[str]) -> None:
        """Write files of media into the run's folder, where scripts open them."""
        for name in names:
            target = os.path.join(self.dir, *name.split("/"))
            if not os.path.exists(target):
                with contextlib.suppress(SynaDBError, OSError):
                    os.makedirs(os.path.dirname(target), exist_ok=True)
                    self._tracker.download_file(self._native.run_id, name, target)

    def _close_media(self) -> None:
        part = self._media_part
        if part is not None and part.pid == os.getpid():
            part.close()

    # -- the rows --------------------------------------------------------------------------------

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
            if self._overruled:
                shown = {key: self._data[key] for key in self._overruled if key in self._data}
                self._native.set_summary(shown)
                self._overruled.clear()
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
            if key in self._open:
                self._overruled.add(key)
            if self._media_part is not None:
                self._media.set_by_hand(key)
            if key in self._data:
                self._native.set_summary({key: self._data[key]})
            else:
                self._native.set_summary({}, removed=(key,))

    def _automatic(self) -> dict[str, Any]:
        """The keys of the summary that nobody logs."""
        if self._is_finished:
            return {}
        runtime = time() - self._record.created_at
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
            self._close_media()
            self.__dict__["_is_finished"] = True
            self._native.leave()
            _session.ended(self)
            return
        end_run(self, exit_code, state=state, quiet=quiet, footer_only=footer_only)

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
        from IPython.display import HTML, display

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

    def _tensorboard_callback(self, logdir: str, save: bool = True, root_logdir: str = "") -> None:
        """Log what TensorBoard's writers write to `logdir` from now on."""
        from synadb.wandb_compat._tensorboard import follow

        follow(self, logdir, save, root_logdir)

    def _label(self, *args: Any, **kwargs: Any) -> None:
        """Called by libraries to name themselves to wandb's service; there is none."""

    @staticmethod
    def plot_table(*args: Any, **kwargs: Any) -> CustomChart:
        """The old name of `wandb.plot_table`."""
        from synadb.wandb_compat.plot.custom_chart import plot_table

        return plot_table(*args, **kwargs)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "summary":
            self.summary.update(value)
        elif name.startswith("_") or hasattr(type(self), name):
            object.__setattr__(self, name, value)
        else:
            raise Exception(f"Attribute {name} is not supported on Run object.")

    def __deepcopy__(self, memo: dict[int, Any]) -> Run:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        self._lend()
        unpickled = sys.modules[__package__]._unpickled
        return unpickled, (self._native.run_id, self._tracker.path, self._pid)

    def _lend(self) -> None:
        from synadb.wandb_compat._catch_up import lend

        if not self._is_finished:
            lend(self)

    def __repr__(self) -> str:
        return f"<Run {self.path} ({'finished' if self._is_finished else 'running'})>"


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
