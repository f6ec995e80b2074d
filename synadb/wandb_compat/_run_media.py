"""The media of a run: what becomes of them between a `log` that has returned and their row.

Loaded when the first value is logged that is more than data.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from synadb.wandb_compat._media.pipeline import (
    MediaStore,
    Pending,
    as_media,
    split_pending,
)
from synadb.wandb_compat._values import config_stored, merge_leaves, merge_row

if TYPE_CHECKING:
    from synadb.wandb_compat._run import Run

__all__ = ["RunMedia"]

Path = tuple[str, ...]

_ABSENT: Any = object()


class RunMedia:
    """What is being encoded for one run, in one process; `store` keeps the files."""

    def __init__(self, run: Run) -> None:
        self.store = MediaStore(run._tracker, run._native.run_id)
        self.pid = os.getpid()
        self._run = run
        self._count = 0  # values so far; a higher number is a newer value
        # Of each key of a row that something is encoded for: how much, and the newest written.
        self._waiting: dict[tuple[int, Path], tuple[int, int]] = {}
        self._shown: dict[Path, int] = {}  # the newest of each key in the summary
        self._by_hand: dict[str, int] = {}  # what was the newest when a key was set by hand

    # -- what `log` calls ------------------------------------------------------------------------

    def with_tables(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """The row with the tables of charts in place of the charts."""
        from synadb.wandb_compat._media.chart import charts_to_tables

        return charts_to_tables(data, self.store.set_config)

    def convert(self, key: str, value: Any, path: Path) -> Any:
        """The JSON of a value, or one that stands for it until it is encoded."""
        name = path[-1] if path else key
        if not isinstance(value, list | tuple):
            value = as_media(value)
        for item in value if isinstance(value, list | tuple) else (value,):
            prepare = getattr(item, "_prepare", None)
            if prepare is not None:
                prepare(self._run, name)
        return self.store.convert(value, name, self._run._step)

    def split(self, values: dict[str, Any]) -> tuple[dict[str, Any], list[tuple[Path, Pending]]]:
        """A row without what is still to be encoded, and that."""
        self._store_config()
        return split_pending(values)

    def announce(self, pending: list[tuple[Path, Pending]]) -> None:
        """Let definitions see the keys in the open row, for the step metrics that they bring."""
        for path, _ in pending:
            below = self._run._open
            for key in path[:-1]:
                inner = below.get(key)
                if not isinstance(inner, dict):
                    inner = below[key] = {}
                below = inner
            below.setdefault(path[-1], None)

    def overwrite(self, step: int, values: Mapping[str, Any]) -> None:
        """Plain values are being logged: what is still encoded for the same keys is older."""
        # A list: a signal handler may log meanwhile.
        for (row, path), (left, _) in list(self._waiting.items()):
            found = _plain_value(values, path) if row <= step else _ABSENT
            if found is not _ABSENT:
                if found is not None:  # which the summary never shows
                    self._shown[path] = self._count + 1
                if row == step:
                    self._waiting[row, path] = left, self._count

    def submit(
        self,
        pending: list[tuple[Path, Pending]],
        step: int,
        now: float,
        auto: int,
        *,
        late: bool = False,
    ) -> None:
        """Encode values of a row in the pool; those of a `late` row leave the summary alone."""
        # A signal handler, over a frame that logs: the pool needs the lock that this thread has.
        wait = not self._run._native.lock._is_owned()  # type: ignore[attr-defined]
        for path, value in pending:
            with self._run._native.lock:
                self._count += 1
                number = self._count
                left, newest = self._waiting.get((step, path), (0, 0))
                self._waiting[step, path] = left + 1, newest
            done = partial(self._done, path, step, now, auto, number, late)
            self.store.submit(value, step, done, partial(self._left, step, path), wait=wait)

    def _done(
        self,
        path: Path,
        step: int,
        now: float,
        auto: int,
        number: int,
        late: bool,
        json: Any,
    ) -> None:
        """Write an encoded value as another part of its row; called in the pool."""
        row: Any = json
        for key in reversed(path):
            row = {key: row}
        run = self._run
        with run._native.lock:
            left, newest = self._waiting[step, path]
            if number > newest:  # else the same key of the same row, logged later, was faster
                self._waiting[step, path] = left, number
                run._native.write(row, step, now, auto)
                if not late:
                    self._show(row, path, step, number)
        self._store_config()

    def _show(self, row: dict[str, Any], path: Path, step: int, number: int) -> None:
        run = self._run
        is_open = bool(run._open) and step == run._step
        if is_open:
            merge_row(run._open, row)
        if number < max(self._shown.get(path, 0), self._by_hand.get(path[0], 0)):
            return
        self._shown[path] = number
        if is_open or step > run._committed:
            return  # comes into the summary with the rest of its row
        if run._metrics is None:
            merge_leaves(run._data, row)
        else:
            run._metrics.commit(row, run._data)

    def _left(self, step: int, path: Path) -> None:
        """One value less, written or not."""
        with self._run._native.lock:
            left, newest = self._waiting[step, path]
            if left > 1:
                self._waiting[step, path] = left - 1, newest
            else:
                del self._waiting[step, path]

    def _store_config(self) -> None:
        config = self.store.take_config()
        if config:
            run = self._run
            with run._native.lock:
                own = run._config._items["_wandb"]
                for key, named in config.items():
                    own[key] = {**own.get(key, {}), **named}
                run._native.log_params({"_wandb": config_stored(own)})

    # -- the summary -----------------------------------------------------------------------------

    def summary_json(self, key: str, value: Any, path: Path) -> Any:
        """The JSON of a value set by hand; it is encoded at once."""
        json = self.store.convert(value, ".".join((key, *path)), "summary")
        found = json.encode() if isinstance(json, Pending) else json
        self._store_config()
        return found

    def set_by_hand(self, key: str) -> None:
        """What has been logged under this key so far is not to be shown any more."""
        self._by_hand[key] = self._count + 1

    # -- the end ---------------------------------------------------------------------------------

    def settle(self) -> None:
        """Wait for what is being encoded, where that does not wait for this very thread."""
        if self.store.busy and not self._run._native.lock._is_owned():  # type: ignore[attr-defined]
            self.store.settle()

    def close(self) -> None:
        """Encode and store what is left, and keep what went wrong."""
        native = self._run._native
        if native.lock._is_owned():  # type: ignore[attr-defined]
            self.store.flush()  # a signal handler, over a frame that logs: nobody is waited for
            return
        self.store.close()
        self._store_config()
        if self.store.errors:
            native.update(metadata={"media_errors": self.store.errors})


def _plain_value(values: Any, path: Path) -> Any:
    """The plain value at a path, or on the way to it; _ABSENT without one."""
    for key in path:
        if not isinstance(values, dict):
            return values
        if key not in values:
            return _ABSENT
        values = values[key]
    return values
