"""One run that is being logged."""

from __future__ import annotations

import contextlib
import os
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from synadb.errors import InvalidValueError, RunEndedError
from synadb.journal import Journal, KeySet
from synadb.ops import (
    AUTO_KEYS,
    AUTO_NONE,
    AUTO_RUN,
    EndRun,
    LogRow,
    Op,
    SetConfig,
    SetSummary,
    UpdateRun,
)
from synadb.storage.codec import as_document, checked_text, plain
from synadb.writer import Writer

if TYPE_CHECKING:
    from synadb.pipeline import RowMedia

__all__ = ["Run", "checked_fields"]


class Run:
    """A run of an `ExperimentTracker`; get one from `tracker.run(...)`.

    Every method may be called from any thread. What a call has returned from survives the death
    of the process.
    """

    def __init__(
        self,
        writer: Writer,
        journal: Journal,
        *,
        next_step: int = 0,
        key_steps: Mapping[str, int] | None = None,
        settle: Callable[[Run], None] | None = None,
    ) -> None:
        self._writer = writer
        self._settle = settle  # puts the file in order when the run has ended
        self._journal = journal
        self._next = next_step
        self._key_next = {key: step + 1 for key, step in (key_steps or {}).items()}
        self._ended = False
        self._stored = False
        self._pid = os.getpid()
        self._media: RowMedia | None = None

    @property
    def lock(self) -> threading.RLock:
        """Held while a step is chosen and its row stored; a forked child has one of its own."""
        return self._journal.lock

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self._journal.run_id

    @property
    def step(self) -> int:
        """The step that the next `log` without a step gets."""
        return self._next

    def log(self, data: Mapping[str, Any], step: int | None = None) -> None:
        """Log a row; without `step` it gets the run's next.

        Rows of one step merge, the last write of a key wins. Values of `synadb.media`, and lists of
        them, are encoded beside the program and join the row later. TypeError for a value that
        cannot be stored, InvalidValueError for what is no row, RunEndedError after the end.
        """
        if self._ended:
            self._refuse()
        try:
            with self._journal.lock:
                if step is None:
                    at = self._next
                    # Taken first: a signal handler may log while this row is being stored.
                    self._next = at + 1
                    try:
                        self._write(data, at, time.time(), AUTO_RUN)
                    except BaseException:
                        if self._next == at + 1:
                            self._next = at
                        raise
                else:
                    step = as_step(step)
                    self._write(data, step, time.time(), AUTO_NONE)
                    self._next = max(self._next, step + 1)
        except InvalidValueError:
            raise  # a TypeError too: no row, or no step
        except TypeError as error:
            # What cannot be stored as it is may be media: rows without any need not pay for them.
            if not self._log_with_media(data, step):
                raise _refusal(data, error) from None

    def _log_with_media(self, data: Mapping[str, Any], step: int | None) -> bool:
        """Log a row that holds media; False if there are none in it."""
        from synadb.media.value import split

        values, found = split(data)
        if not found:
            return False
        now = time.time()
        auto = AUTO_RUN if step is None else AUTO_NONE
        with self._journal.lock:
            before = self._next
            at = before if step is None else as_step(step)
            self._next = max(before, at + 1)  # first, as in `log`
            try:
                self.write(values, at, now, auto)
            except BaseException as error:
                if self._next == at + 1:
                    self._next = before
                if type(error) is TypeError:
                    raise _refusal(values, error) from None
                raise
            media = self._media_pipeline()
        # Not under the lock: it may have to wait for those that are being encoded.
        media.log(found, at, now, auto)
        return True

    def _media_pipeline(self) -> RowMedia:
        if self._media is None:
            from synadb.pipeline import RowMedia

            self._media = RowMedia(self._writer.store, self._journal, self.write)
        return self._media

    def log_media(self, name: str, value: Any, step: int | None = None) -> None:
        """Log a value of `synadb.media`, or a list; without `step` it gets the run's next."""
        from synadb.media.value import Value, class_name

        if self._ended:
            self._refuse()
        name = checked_text("the name of media", name)
        items = value if isinstance(value, list | tuple) and value else [value]
        for item in items:
            if not isinstance(item, Value):
                raise InvalidValueError(
                    f"media {name!r} takes a value of synadb.media, such as Image(array), not "
                    f"{class_name(item)}"
                )
        self._log_with_media({name: value}, step)

    def log_image(self, name: str, value: Any, step: int | None = None, **options: Any) -> None:
        """Log a picture; `value` and `options` are those of `synadb.media.Image`."""
        from synadb.media.image import Image

        self.log_media(name, value if isinstance(value, Image) else Image(value, **options), step)

    def log_table(self, name: str, value: Any, step: int | None = None, **options: Any) -> None:
        """Log a table; `value` and `options` are those of `synadb.media.Table`."""
        from synadb.media.table import Table

        self.log_media(name, value if isinstance(value, Table) else Table(value, **options), step)

    def log_figure(self, name: str, value: Any, step: int | None = None, **options: Any) -> None:
        """Log a figure of matplotlib or plotly, drawn now; as of `synadb.media.Figure`."""
        from synadb.media.figure import Figure

        self.log_media(name, value if isinstance(value, Figure) else Figure(value, **options), step)

    def log_metric(self, name: str, value: float, step: int | None = None) -> None:
        """Log one number; without `step` it gets that metric's next.

        InvalidValueError for what is no number, RunEndedError after the end.
        """
        if self._ended:
            self._refuse()
        number = as_number(name, value)
        with self._journal.lock:
            if step is None:
                at = self._key_next.get(name, 0)
                self._write({name: number}, at, time.time(), AUTO_KEYS)
            else:
                at = as_step(step)
                self._write({name: number}, at, time.time(), AUTO_NONE)
            self._key_next[name] = max(self._key_next.get(name, 0), at + 1)
            self._next = max(self._next, at + 1)

    def log_metrics(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Log several numbers as one row; without `step` the next that none of them has."""
        if self._ended:
            self._refuse()
        if not isinstance(values, Mapping):
            raise InvalidValueError(f"log_metrics() takes a dict, not {type(values).__name__}")
        numbers = {name: as_number(name, value) for name, value in values.items()}
        if not numbers:
            return
        with self._journal.lock:
            if step is None:
                at = max(self._key_next.get(name, 0) for name in numbers)
                self._write(numbers, at, time.time(), AUTO_KEYS)
            else:
                at = as_step(step)
                self._write(numbers, at, time.time(), AUTO_NONE)
            for name in numbers:
                self._key_next[name] = max(self._key_next.get(name, 0), at + 1)
            self._next = max(self._next, at + 1)

    def write(self, data: Mapping[str, Any], step: int, now: float, auto: int) -> None:
        """Store a partial row as it is; the callers above have applied their rules."""
        with self._journal.lock:
            self._write(data, step, now, auto)

    def _write(self, data: Mapping[str, Any], step: int, now: float, auto: int) -> None:
        journal = self._journal
        try:
            keyset = journal.caches[auto][(*data, *map(type, data.values()))]
            journal.append(keyset, step, now, data.values())
            return
        except (KeyError, TypeError, AttributeError, struct.error, OverflowError):
            pass  # an error of what follows is to be told without this one
        self._write_any(data, step, now, auto)

    def _write_any(self, data: Mapping[str, Any], step: int, now: float, auto: int) -> None:
        if not _is_row(data):
            raise InvalidValueError("log() takes a dict with str keys")
        numbers: dict[str, Any] = {}
        others: dict[str, Any] = {}
        letters = []
        for key, value in data.items():
            letter = _letter(value)
            if letter:
                numbers[key] = value
                letters.append(letter)
            else:
                others[key] = _plain(key, value)
        journal = self._journal
        if numbers or not others:
            keyset = journal.keyset(tuple(numbers), "".join(letters), auto)
            journal.append(keyset, step, now, numbers.values())
            if not others:
                self._remember(journal, data, keyset, auto)
        if others:
            journal.append_op(LogRow(self.run_id, step, now, others, auto))

    @staticmethod
    def _remember(journal: Journal, data: Mapping[str, Any], keyset: KeySet, auto: int) -> None:
        # Only types that always fit: whether an int of numpy's fits is seen when it is packed.
        journal.caches[auto][(*data, *map(type, data.values()))] = keyset

    def continue_at(self, step: int, key_steps: Mapping[str, int]) -> None:
        """Go on at `step`, where rows have come in by another way."""
        with self._journal.lock:
            self._next = step
            self._key_next = {key: last + 1 for key, last in key_steps.items()}

    def append(self, op: Op) -> None:
        """Store an op other than a row."""
        if self._ended:
            self._refuse()
        self._journal.append_op(op)

    def log_param(self, name: str, value: Any) -> None:
        """Set one value of the config; it keeps its type."""
        self.log_params({name: value})

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Set several values of the config.

        InvalidValueError for a value that cannot be stored, RunEndedError after the end.
        """
        self.append(SetConfig(self.run_id, as_document("params", params)))

    def set_summary(
        self, values: Mapping[str, Any], *, removed: tuple[str, ...] = (), replace: bool = False
    ) -> None:
        """Set keys of the summary, which otherwise holds each key's last value.

        The keys in `removed` leave it; with `replace` all others do. TypeError for a value that
        cannot be stored, RunEndedError after the end.
        """
        try:
            kept = {str(key): plain(value) for key, value in values.items()}
        except TypeError as error:
            raise _refusal(values, error, logged=False) from None
        self.append(SetSummary(self.run_id, kept, removed, replace))

    def update(self, **values: Any) -> None:
        """Change name, notes, tags, group, job_type or metadata.

        InvalidValueError for another field or a wrong value, RunEndedError after the end.
        """
        if "name" in values:
            checked_text("name", values["name"])
        self.append(UpdateRun(self.run_id, checked_fields(values)))

    def flush(self) -> None:
        """Return when everything logged so far is in the database and on the disk.

        Raises what prevents it.
        """
        self.drain()
        self._writer.store.sync()

    def drain(self) -> None:
        """Return when everything logged so far is in the database; raises what prevents it.

        A power cut may take it until the operating system has written it, see `flush`.
        """
        self._settle_media()
        if not self._ended:
            self._writer.drain(self._journal)

    def end(
        self,
        state: str = "finished",
        exit_code: int | None = None,
        *,
        timeout: float | None = None,
    ) -> bool:
        """End the run, once; when this returns True, the file alone holds all of it.

        Waits up to `timeout` seconds for a database out of reach (SYNADB_FINISH_TIMEOUT).

        In a forked child only the child's part ends, the run goes on in its parent.
        """
        if not self._ended:
            self._close_media()
        with self._journal.lock:
            if self._ended:
                return self._stored
            self._ended = True
        if os.getpid() == self._pid:
            try:
                self._journal.append_op(EndRun(self.run_id, state, time.time(), exit_code))
            except RunEndedError:  # the tracker has been closed, and the journal with it
                return False
        self._stored = self._writer.finish(self._journal, timeout)
        if self._settle is not None:
            self._settle(self)
        return self._stored

    @property
    def stored(self) -> bool:
        """Whether the run has ended and everything is in the database."""
        return self._stored

    def leave(self) -> bool:
        """Stop logging from here without ending the run, which others go on with."""
        if not self._ended:
            self._close_media()
        with self._journal.lock:
            if self._ended:
                return self._stored
            self._ended = True
        self._stored = self._writer.finish(self._journal)
        return self._stored

    def _settle_media(self) -> None:
        """Wait for what is being encoded, where that does not wait for this very thread."""
        media = self._media
        if media is not None and not self._journal.lock._is_owned():  # type: ignore[attr-defined]
            media.settle()

    def _close_media(self) -> None:
        media = self._media
        if media is None:
            return
        if self._journal.lock._is_owned():  # type: ignore[attr-defined]
            media.flush()  # a signal handler, over a frame that logs: nobody is waited for
            return
        media.close()
        errors, media.errors = media.errors, []
        if errors:
            fields = checked_fields({"metadata": {"media_errors": errors}})
            with contextlib.suppress(RunEndedError):
                self._journal.append_op(UpdateRun(self.run_id, fields))

    @property
    def ended(self) -> bool:
        """Whether `end` has been called."""
        return self._ended

    def _refuse(self) -> None:
        raise RunEndedError(
            f"run {self.run_id!r} has ended and takes no more data; start another run"
        )

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end("finished" if kind is None else "failed", 0 if kind is None else 1)


_INT64 = 1 << 63


def _letter(value: Any) -> str:
    """The column type of a scalar: d, q or ?; empty for what is kept as JSON."""
    kind = type(value)
    if kind is float:
        return "d"
    if kind is bool:
        return "?"
    if kind is int:
        return "q" if -_INT64 <= value < _INT64 else ""
    if kind.__module__ == "numpy" and getattr(value, "shape", None) == ():
        family = getattr(getattr(value, "dtype", None), "kind", "")
        if hasattr(value, "__array_interface__") and kind.__name__ == "ndarray":
            return ""
        if family == "u" and int(value) >= _INT64:
            return ""
        return {"f": "d", "i": "q", "u": "q", "b": "?"}.get(family, "")
    return ""


def checked_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a run (name, notes, tags, group, job_type, metadata); InvalidValueError."""
    checked: dict[str, Any] = {}
    for key, value in values.items():
        if key == "tags":
            if isinstance(value, str) or not isinstance(value, Iterable):
                raise InvalidValueError(f"tags is a list of str, not {value!r}")
            checked[key] = tuple(checked_text("a tag", tag) for tag in value)
        elif key == "metadata":
            checked[key] = as_document("metadata", value)
        elif key in ("name", "notes"):
            text = key == "name" or value
            checked[key] = checked_text(key, value) if value is not None and text else value
        elif key in ("group", "job_type"):
            checked[key] = checked_text(key, value) if value != "" else ""
        elif key == "state":
            checked[key] = checked_text(key, value)
        else:
            raise InvalidValueError(f"a run has no field {key!r}")
    return checked


def _plain(key: str, value: Any) -> Any:
    try:
        return plain(value)
    except RecursionError:
        raise InvalidValueError(f"{key!r} is nested too deeply, or holds itself") from None


def _refusal(values: Mapping[str, Any], error: TypeError, *, logged: bool = True) -> TypeError:
    """The error of storing values, with the name of the one that cannot be and what to do."""
    from synadb.media.value import advice

    place, part = "", values
    while (found := _first_refused(part)) is not None:
        name, part, error = found
        place += name
    if not place:
        return error
    said = f"{place.removeprefix('.')!r} cannot be kept: {error}"
    return TypeError(f"{said}; {advice(part, logged=logged)}")


def _first_refused(value: Any) -> tuple[str, Any, TypeError] | None:
    """The first part of a dict or list that is not `plain`, how it is reached, and its error."""
    parts: Iterable[tuple[str, Any]] = ()
    if isinstance(value, Mapping):
        parts = ((f".{key}", inner) for key, inner in value.items())
    elif isinstance(value, list | tuple):
        parts = ((f"[{index}]", inner) for index, inner in enumerate(value))
    for name, inner in parts:
        try:
            plain(inner)
        except TypeError as error:
            return name, inner, error
    return None


def _is_row(data: object) -> bool:
    return isinstance(data, Mapping) and all(isinstance(key, str) for key in data)


def as_number(name: str, value: Any) -> float:
    """`value` as a Python int, float or bool; InvalidValueError for anything else."""
    if not (name and isinstance(name, str)):
        raise InvalidValueError(f"a metric's name is a non-empty str, not {name!r}")
    if type(value) in (float, int, bool):
        return value  # type: ignore[no-any-return]
    try:
        number = plain(value)
    except TypeError:
        number = None
    if not isinstance(number, int | float):
        raise InvalidValueError(
            f"metric {name!r} takes a number, not {type(value).__name__}; "
            "text and structures go to log_param or run.log"
        )
    return number


def as_step(step: Any) -> int:
    """`step` as an int; InvalidValueError for what is no whole number of 64 bits."""
    if isinstance(step, bool) or not hasattr(step, "__index__"):
        raise InvalidValueError(f"a step is a whole number, not {step!r}")
    number = int(step.__index__())
    if not -_INT64 <= number < _INT64:
        raise InvalidValueError(f"a step has 64 bits at most, {number} does not fit")
    return number
