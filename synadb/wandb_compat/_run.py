"""The run object, with wandb's step and commit rules."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from synadb.ops import AUTO_NONE, AUTO_RUN
from synadb.settings import Settings as Environment
from synadb.wandb_compat import _session
from synadb.wandb_compat._config import Config
from synadb.wandb_compat._settings import Settings
from synadb.wandb_compat._summary import Summary
from synadb.wandb_compat._surface import missing_attribute
from synadb.wandb_compat._term import termlog, termwarn
from synadb.wandb_compat._values import history_value, merge_leaves
from synadb.wandb_compat.errors import UsageError

if TYPE_CHECKING:
    from synadb.records import RunRecord
    from synadb.run import Run as NativeRun
    from synadb.tracker import ExperimentTracker

__all__ = ["Run"]


class Run:
    """A run as wandb's: made by `wandb.init`.

    One row is open at any time. `log(data)` merges into it and commits it; with `step` or
    `commit=False` it stays open. What a call has returned from is safe either way: an open row is
    stored at once, and what follows merges with it.
    """

    def __init__(
        self,
        tracker: ExperimentTracker,
        native: NativeRun,
        record: RunRecord,
        *,
        entity: str,
        resumed: bool,
        settings: Settings,
    ) -> None:
        own = self.__dict__
        own["_tracker"] = tracker
        own["_native"] = native
        own["_record"] = record
        own["_entity"] = entity
        own["_resumed"] = resumed
        own["_settings"] = settings
        own["_pid"] = os.getpid()
        own["_finished"] = False
        own["_step"] = record.last_step + 1 if resumed else 0
        own["_starting_step"] = own["_step"]
        own["_open"] = {}
        own["_explicit"] = False
        own["_late"] = Environment.from_environment().late_steps
        own["_name"], own["_notes"], own["_tags"] = record.name, record.notes, record.tags
        own["_last_time"] = record.created_at
        own["_data"] = dict(record.summary)
        own["summary"] = Summary(own["_data"], self._summary_changed)
        own["_config"] = Config(record.config, self._config_changed)

    _tracker: ExperimentTracker
    _native: NativeRun
    _record: RunRecord
    _settings: Settings
    _open: dict[str, Any]
    _data: dict[str, Any]
    _step: int
    _last_time: float
    _explicit: bool
    _finished: bool
    summary: Summary

    # -- log -------------------------------------------------------------------------------------

    def log(
        self, data: Mapping[str, Any], step: int | None = None, commit: bool | None = None
    ) -> None:
        """Merge `data` into the open row; commit it unless `step` is given or commit=False.

        Raises TypeError for data that is no mapping with str keys or a value that cannot be
        stored, UsageError after finish.
        """
        if step is None and commit is None and not self._open and not self._finished:
            # The row of a training loop: numbers under keys and types seen before.
            native = self._native
            journal = native._journal
            try:
                keyset = journal.caches[AUTO_RUN][tuple(data), tuple(map(type, data.values()))]
                now = time.time()
                with journal.lock:
                    own = self.__dict__
                    journal.append(keyset, own["_step"], now, data.values())
                    own["_step"] += 1
                    own["_last_time"] = now
                    self._data.update(data)
            except (KeyError, TypeError, AttributeError, struct.error, OverflowError):
                pass
            else:
                return
        self._log(data, step, commit)

    def _log(self, data: Mapping[str, Any], step: int | None, commit: bool | None) -> None:
        self._check_active("log")
        if not isinstance(data, Mapping):
            raise TypeError("wandb.log must be passed a dictionary")
        if any(not isinstance(key, str) for key in data):
            raise TypeError("Key values passed to `wandb.log` must be strings.")
        at = None if step is None else _as_step(step)
        values = {
            str(key): history_value(value)
            for key, value in data.items()
            if key not in ("", "_step", "_runtime", "_timestamp") and not _empty(value)
        }
        now = time.time()
        if isinstance(data.get("_timestamp"), int | float):
            now = float(data["_timestamp"])
        with self._native.lock:
            own = self.__dict__
            if at is not None and at < self._step:
                self._log_late(values, at, now)
                return
            if at is not None and at > self._step:
                self._commit()
                own["_step"] = at
            if at is not None:
                own["_explicit"] = True
            self._native.write(values, self._step, now, AUTO_NONE if self._explicit else AUTO_RUN)
            own["_last_time"] = now
            merge_leaves(self._open, {"_": 0})  # marks the row as open, though it may be empty
            merge_leaves(self._open, values)
            if commit or (commit is None and at is None):
                self._commit()
                own["_step"] += 1

    def _log_late(self, values: Mapping[str, Any], step: int, now: float) -> None:
        kept = self._late != "drop"
        termwarn(
            f"Tried to log to step {step} that is less than the current step {self._step}. "
            + (
                "The row is kept in the history, the summary is left as it is "
                "(SYNADB_LATE_STEPS=drop: dropped, as wandb does)."
                if kept
                else "It is dropped (SYNADB_LATE_STEPS=drop)."
            ),
            repeat=False,
        )
        if kept:
            self._native.write(values, step, now, AUTO_NONE)

    def _commit(self) -> None:
        if self._open:
            self._open.pop("_", None)
            merge_leaves(self._data, self._open)
            self._open.clear()
        self.__dict__["_explicit"] = False

    # -- config and summary ----------------------------------------------------------------------

    def _config_changed(self, values: dict[str, Any]) -> None:
        self._check_active("config.update")
        self._native.log_params(values)

    def _summary_changed(self, keys: tuple[str, ...]) -> None:
        self._check_active("summary.update")
        present = {key: self._data[key] for key in keys if key in self._data}
        removed = tuple(key for key in keys if key not in self._data)
        self._native.set_summary(present, removed=removed)

    # -- the end ---------------------------------------------------------------------------------

    def finish(self, exit_code: int | None = None, quiet: bool | None = None) -> None:
        """End the run: `finished`, or `failed` with an exit code other than 0. Idempotent."""
        with self._native.lock:
            if self._finished or os.getpid() != self._pid:
                return
            last = self._step if self._open else self._step - 1
            logged = bool(self._open) or self._step > self.starting_step
            self._commit()
            own = self.__dict__
            runtime = self._last_time - self._record.created_at
            if logged:
                self._data["_step"] = last
                self._data["_timestamp"] = self._last_time
            self._data["_runtime"] = int(runtime)
            self._data["_wandb"] = {"runtime": int(time.time() - self._record.created_at)}
            self._native.set_summary(self._data, replace=True)
            own["_finished"] = True
        code = exit_code or 0
        self._tracker.finish(self._native, "failed" if code else "finished", code)
        _session.ended(self)
        if not quiet:
            termlog(f"Run {self.name} ({self.id}) is stored in {self._tracker.path}")

    def join(self, exit_code: int | None = None) -> None:
        """The old name of `finish`."""
        self.finish(exit_code)

    def _check_active(self, call: str) -> None:
        if self._finished:
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
        self.finish(0 if kind is None else 1)

    # -- attributes ------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The run's id."""
        return self._record.run_id

    @property
    def project(self) -> str:
        """The project."""
        return self._record.experiment

    @property
    def entity(self) -> str:
        """The entity given to init, or an empty text."""
        return str(self.__dict__["_entity"])

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
    def name(self, value: str) -> None:
        self._change("name", value)

    @property
    def notes(self) -> str | None:
        """The notes; can be set."""
        notes: str | None = self.__dict__["_notes"]
        return notes

    @notes.setter
    def notes(self, value: str | None) -> None:
        self._change("notes", value)

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags; can be set."""
        return tuple(self.__dict__["_tags"])

    @tags.setter
    def tags(self, value: Iterable[str]) -> None:
        self._change("tags", tuple(value))

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
    def offline(self) -> bool:
        """True: nothing leaves this machine."""
        return True

    @property
    def disabled(self) -> bool:
        """False: this run records."""
        return False

    @property
    def url(self) -> str | None:
        """None: there is no server."""
        return None

    @property
    def settings(self) -> Settings:
        """The settings given to init, as a copy."""
        return Settings(**vars(self._settings))

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "summary":
            self.summary.update(value)
        elif isinstance(getattr(type(self), name, None), property) or name.startswith("_"):
            object.__setattr__(self, name, value)
        else:
            raise Exception(f"Attribute {name} is not supported on Run object.")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in NOT_YET:
            raise missing_attribute("sdk.wandb_run.Run", name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __deepcopy__(self, memo: dict[int, Any]) -> Run:
        return self

    def __repr__(self) -> str:
        return f"<Run {self.path} ({'finished' if self._finished else 'running'})>"


# What wandb's Run has and this one will have.
_NOT_YET_TEXT = """\
alert config_static define_metric dir display finish_artifact link_artifact link_model
log_artifact log_code log_model mark_preempting pin_config_keys project_url restore save status
sweep_id sweep_url sync_dir to_html unwatch upsert_artifact use_artifact use_model watch
write_logs get_url project_name get_project_url get_sweep_url mode plot_table
"""
NOT_YET = frozenset(_NOT_YET_TEXT.split())


def _as_step(step: Any) -> int:
    if isinstance(step, bool | str | float) or not hasattr(step, "__index__"):
        raise TypeError(
            f"wandb.log(step=) takes an int: {type(step).__name__!r} object cannot be interpreted "
            "as an integer"
        )
    number = int(step.__index__())
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError(f"wandb.log(step=) takes an int of 64 bits, not {number}")
    return number


def _empty(value: Any) -> bool:
    return isinstance(value, dict) and not value
