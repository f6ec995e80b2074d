"""From logged media to files in the database and JSON in the rows, off the training's thread.

`log` writes its row without the media and returns. A small pool encodes each value, keeps its
file, and then writes the JSON as another part of the same row. A process that is killed in
between loses what was still being encoded, and no row.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from synadb.errors import SynaDBError
from synadb.wandb_compat._media.base import BatchableMedia, Media, Stored, clean_key
from synadb.wandb_compat._term import termwarn

if TYPE_CHECKING:
    from synadb.tracker import ExperimentTracker

__all__ = ["MediaStore", "Pending", "split_pending"]

WORKERS = 2
WAITING = 64  # values that may wait for the pool before `log` waits too
BATCH_BYTES = 4 << 20  # files are stored together until they are this much
BATCH_SECONDS = 0.5

Path = tuple[str, ...]


class Pending:
    """Stands in a row for a value that is still being encoded."""

    __slots__ = ("encode", "key")

    def __init__(self, key: str, encode: Callable[[], Any]) -> None:
        self.key = key
        self.encode = encode


class MediaStore:
    """The media of one run: a `Sink`, and the pool that feeds it."""

    def __init__(self, tracker: ExperimentTracker, run_id: str) -> None:
        self.run_id = run_id
        self.errors: list[dict[str, Any]] = []
        self._tracker = tracker
        self._config: dict[str, dict[str, Any]] = {}
        self._config_changed = False
        self._pid = os.getpid()
        self._begin()

    def _begin(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._room = threading.BoundedSemaphore(WAITING)
        self._futures: set[Future[None]] = set()
        self._lock = threading.RLock()
        self._files: dict[str, bytes] = {}
        self._bytes = 0
        self._since = 0.0

    # -- what `log` calls ------------------------------------------------------------------------

    def convert(self, value: Any, key: str, step: int | str) -> Any:
        """The JSON of a value that is more than data, or a Pending."""
        if isinstance(value, list | tuple):
            return self._convert_list(list(value), key, step)
        captured = _captured(as_media(value))
        if not isinstance(captured, Media):
            return captured._to_run_value(self, key, step)
        return Pending(key, lambda: captured._to_run_value(self, key, step))

    def _convert_list(self, items: list[Any], key: str, step: int | str) -> Any:
        items = [as_media(item) for item in items]
        kind = type(items[0])
        if any(not hasattr(type(item), "_to_run_value") for item in items):
            raise TypeError(f"{key!r}: a list of media holds nothing else")
        if issubclass(kind, BatchableMedia) and all(type(item) is kind for item in items):
            captured = [_captured(item) for item in items]
            return Pending(key, lambda: kind._list_to_run_value(captured, self, key, step))
        captured = [_captured(item) for item in items]
        if not any(isinstance(item, Media) for item in captured):
            return [item._to_run_value(self, key, step) for item in captured]
        return Pending(key, lambda: [item._to_run_value(self, key, step) for item in captured])

    def submit(self, pending: Pending, step: int, done: Callable[[Any], None]) -> None:
        """Encode in the pool, then call `done` with the JSON; waits while too much is waiting."""
        if os.getpid() != self._pid:
            self._pid = os.getpid()
            self._begin()
        room = self._room
        room.acquire()

        def work() -> None:
            try:
                done(pending.encode())
            except Exception as error:  # noqa: BLE001 - there is no call left to raise it from
                self._note(pending.key, step, error)
            finally:
                room.release()

        try:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(WORKERS, "synadb-media")
            future = self._pool.submit(work)
        except RuntimeError:  # the interpreter is ending
            work()
            return
        with self._lock:
            self._futures.add(future)
        future.add_done_callback(self._forget)

    def _forget(self, future: Future[None]) -> None:
        with self._lock:
            self._futures.discard(future)

    def _note(self, key: str, step: int, error: Exception) -> None:
        self.errors.append({"key": key, "step": step, "error": f"{type(error).__name__}: {error}"})
        termwarn(f"{key!r} of step {step} could not be encoded and is left out: {error}")

    # -- the sink --------------------------------------------------------------------------------

    def put(
        self, folder: str, key: str, step: int | str, content: bytes | str, extension: str
    ) -> Stored:
        """Keep a file; see `Sink`."""
        if isinstance(content, str):
            digest, size = _digest_of(content)
        else:
            digest, size = hashlib.sha256(content).hexdigest(), len(content)
        path = f"{folder}/{clean_key(key)}_{step}_{digest[:20]}{extension}"
        if isinstance(content, str):
            self._tracker.log_file(self.run_id, path, content)
        else:
            self._add(path, content)
        return Stored(path, digest, size)

    def _add(self, path: str, content: bytes) -> None:
        with self._lock:
            if not self._files:
                self._since = time.monotonic()
            self._files[path] = content
            self._bytes += len(content)
            due = time.monotonic() - self._since > BATCH_SECONDS
            if self._bytes < BATCH_BYTES and not due:
                return
        self.flush()

    def flush(self) -> None:
        """Bring the files so far into the database."""
        with self._lock:
            files, self._files, self._bytes = self._files, {}, 0
        if files:
            self._tracker.log_files(self.run_id, files)

    def put_artifact(self, name: str, type: str, files: dict[str, bytes]) -> str:
        """Keep files as the next version of an artifact; returns its client id."""
        from synadb.ids import generate_id

        for path, content in files.items():
            self._tracker.log_artifact(self.run_id, f"{name}/{path}", content)
        return generate_id(128)

    def set_config(self, key: str, name: str, value: Any) -> None:
        """Set `config._wandb[key][name]`; the run stores it with the row."""
        with self._lock:
            self._config.setdefault(key, {})[name] = value
            self._config_changed = True

    def take_config(self) -> dict[str, dict[str, Any]]:
        """What was set since the last call."""
        with self._lock:
            if not self._config_changed:
                return {}
            self._config_changed = False
            config, self._config = self._config, {}
            return config

    # -- the end ---------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether something is still being encoded."""
        return bool(self._futures)

    def settle(self) -> None:
        """Return when everything logged so far has been encoded."""
        while True:
            with self._lock:
                waiting = list(self._futures)
            if not waiting:
                return
            for future in waiting:
                future.result()

    def close(self) -> None:
        """Encode and store what is left."""
        if os.getpid() != self._pid:
            return
        self.settle()
        if self._pool is not None:
            self._pool.shutdown()
        try:
            self.flush()
        except SynaDBError as error:
            termwarn(f"some media files are not in the database: {error}")


def as_media(value: Any) -> Any:
    """The data type for what is one itself, a DataFrame or a figure; TypeError for the rest."""
    if hasattr(type(value), "_to_run_value"):
        return value
    module = type(value).__module__.partition(".")[0]
    if module == "pandas":
        from synadb.wandb_compat._media.table import Table

        return Table(dataframe=value)
    from synadb.wandb_compat._media.plotly import figure_value

    return figure_value(value)


def _captured(value: Any) -> Any:
    """The value as it is now, where it may still change."""
    snapshot = getattr(value, "_snapshot", None)
    return snapshot() if snapshot is not None else value


def split_pending(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[Path, Pending]]]:
    """A row without its pending values, and these with the keys that lead to them."""
    found: list[tuple[Path, Pending]] = []
    return _without(values, (), found), found


def _without(
    values: Mapping[str, Any], path: Path, found: list[tuple[Path, Pending]]
) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Pending):
            found.append(((*path, key), value))
        elif isinstance(value, dict) and "_type" not in value:
            inner = _without(value, (*path, key), found)
            if inner or not value:
                kept[key] = inner
        else:
            kept[key] = value
    return kept


def _digest_of(path: str) -> tuple[str, int]:
    whole = hashlib.sha256()
    size = 0
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            whole.update(piece)
            size += len(piece)
    return whole.hexdigest(), size
