"""Reads what can be read of a damaged database, run by run, and copies it to a new one."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from synadb.errors import SynaDBError
from synadb.journal import journal_ids
from synadb.ops import (
    EndRun,
    LogConsole,
    LogRow,
    LogRows,
    LogSystem,
    Op,
    SetSummary,
    StartRun,
    UpdateRun,
)
from synadb.storage import open_store
from synadb.storage.schema import VERSION, stand_in

if TYPE_CHECKING:
    from synadb.records import ArtifactRecord, ConsoleLine, RunRecord
    from synadb.storage import Store

__all__ = ["missing_bytes", "salvage"]

_SOURCE = "salvaged"  # stands for the process that took a sample of the machine, which is not read
_HEADER_BYTES = 100
_CLOCKS = ("_step", "_timestamp", "_runtime")

T = TypeVar("T")


def missing_bytes(path: str) -> int:
    """How much shorter the file is than its header says; 0 where that cannot be told."""
    header = _header(path)
    log = path + "-wal"
    if not header or (os.path.exists(log) and os.path.getsize(log)):
        return 0
    # The page size, where 1 is 65536, and their number.
    size = int.from_bytes(header[16:18], "big")
    pages = int.from_bytes(header[28:32], "big")
    return max(0, (65536 if size == 1 else size) * pages - os.path.getsize(path))


def _header(path: str) -> bytes:
    """https://sqlite.org/fileformat.html, 1.3; nothing of a file that has none."""
    with open(path, "rb") as file:
        header = file.read(_HEADER_BYTES)
    return header if len(header) == _HEADER_BYTES else b""


def salvage(path: str, target: str | None) -> tuple[int, list[str]]:
    """Copy every run that can be read to the new database `target`; without one, only read.

    Returns:
        How many runs there are, and in words what of them is lost.

    Raises:
        CorruptStoreError: not even the list of runs can be read.
    """
    lost: list[str] = []
    with contextlib.ExitStack() as stack:
        readable = stack.enter_context(_readable(path))
        old = stack.enter_context(contextlib.closing(open_store(readable)))
        run_ids = old.run_ids()
        new = None
        if target is not None:
            new = stack.enter_context(contextlib.closing(open_store(target)))
        for run_id in run_ids:
            try:
                record = old.get_run(run_id)
            except SynaDBError as error:
                lost.append(f"run {run_id}: all of it ({error})")
                continue
            _Copy(old, new, record, lost).run()
        if journal_ids(path + "-live"):
            lost.append(f"the rows in {path}-live, which had not been brought in")
    return len(run_ids), lost


@contextlib.contextmanager
def _readable(path: str) -> Iterator[str]:
    """The file itself, or, where it would not be read or would be written to, a copy.

    SQLite reads nothing of a file that is shorter than its header says: zeros take the place of
    what is missing. And a database of an older schema is migrated when it is opened.
    """
    missing = missing_bytes(path)
    schema = int.from_bytes(_header(path)[60:64], "big")  # 0 where the log has it
    if not missing and (schema == 0 or schema >= VERSION):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="synadb-salvage-") as folder:
        copy = shutil.copyfile(path, os.path.join(folder, "copy.db"))
        for log in ("-wal", "-journal"):
            if os.path.exists(path + log):
                shutil.copyfile(path + log, copy + log)
        if missing:
            os.truncate(copy, os.path.getsize(path) + missing)
        stand_in(copy)
        yield copy


class _Copy:
    """One run, read from `old` and written to `new`, if that is given."""

    def __init__(self, old: Store, new: Store | None, record: RunRecord, lost: list[str]) -> None:
        self._old = old
        self._new = new
        self._record = record
        self._id = record.run_id
        self._lost = lost

    def run(self) -> None:
        """Copy the run with all that belongs to it."""
        rows = self._try("its rows", lambda: list(self._old.rows(self._id)), None)
        ops = _row_ops(self._id, rows) if rows is not None else self._metric_ops()
        lines: list[ConsoleLine] = self._try(
            "its console lines", partial(self._old.console, self._id), []
        )
        ops += _console_ops(self._id, lines)
        samples: list[dict[str, Any]] = self._try(
            "its samples of the machine", partial(self._old.system_rows, self._id), []
        )
        for sample in samples:
            values = {key: value for key, value in sample.items() if key not in _CLOCKS}
            ops.append(LogSystem(self._id, _SOURCE, sample["_timestamp"], values))
        if self._new is not None:
            self._new.apply([self._start(), *ops])
            self._new.apply(self._end())
        for kind in ("artifact", "file"):
            listed: list[ArtifactRecord] = self._try(
                f"its {kind}s", partial(self._old.list_artifacts, self._id, kind), []
            )
            for found in listed:
                content = partial(self._content, found.name, kind, found.created_at)
                self._try(f"its {kind} {found.name}", content, None)

    def _try(self, what: str, read: Callable[[], T], otherwise: T) -> T:
        try:
            return read()
        except Exception as error:  # noqa: BLE001 - damaged bytes can make any decoding fail
            self._lost.append(f"run {self._id}: {what} ({error.__cause__ or error})")
            return otherwise

    def _start(self) -> Op:
        record = self._record
        return StartRun(
            run_id=self._id,
            experiment=record.experiment,
            created=record.created_at,
            name=record.name,
            config=record.config,
            tags=record.tags,
            notes=record.notes,
            group=record.group,
            job_type=record.job_type,
            host=record.host,
        )

    def _end(self) -> list[Op]:
        record = self._record
        # Whoever was still logging it does not log to the copy.
        state = record.state if record.ended_at is not None else "crashed"
        ended = record.updated_at if record.ended_at is None else record.ended_at
        return [
            SetSummary(self._id, record.summary, replace=True),
            UpdateRun(self._id, {"metadata": record.metadata}),
            EndRun(self._id, state, ended, record.exit_code),
        ]

    def _metric_ops(self) -> list[Op]:
        """Where a row is damaged none can be read; metrics, one by one, may be."""
        ops: list[Op] = []
        for key in self._record.summary:
            with contextlib.suppress(Exception):  # that the rows are lost has been said
                found = self._old.get_metric(self._id, key)
                letter = {"f": "d", "i": "q", "b": "?"}[found.values.dtype.kind]
                triples = zip(*(column.tolist() for column in found), strict=True)
                cells = [
                    (step, at, order, (value,)) for order, (step, value, at) in enumerate(triples)
                ]
                ops.append(_columns(self._id, (key,), letter, cells))
        return ops

    def _content(self, name: str, kind: str, created: float) -> None:
        # All of it first: what is damaged at its end must not be half there.
        with tempfile.TemporaryFile() as file:
            file.writelines(self._old.read_artifact(self._id, name, kind))
            file.seek(0)
            if self._new is not None:
                self._new.put_artifact(self._id, name, file, created, kind)


def _row_ops(run_id: str, rows: Iterable[Mapping[str, Any]]) -> list[Op]:
    """Rows as columns of numbers, one op a set of keys, and what is no number one by one."""
    ops: list[Op] = []
    tables: dict[tuple[tuple[str, ...], str], list[tuple[int, float, int, tuple[Any, ...]]]] = {}
    for order, row in enumerate(rows):
        step, at = row["_step"], row["_timestamp"]
        values = {key: value for key, value in row.items() if key not in _CLOCKS}
        numbers = {key: value for key, value in values.items() if _letter(value)}
        others = {key: value for key, value in values.items() if key not in numbers}
        if numbers:
            letters = "".join(map(_letter, numbers.values()))
            cells = (step, at, order, tuple(numbers.values()))
            tables.setdefault((tuple(numbers), letters), []).append(cells)
        if others or not numbers:
            ops.append(LogRow(run_id, step, at, others, order=order))
    return [*(_columns(run_id, *table, cells) for table, cells in tables.items()), *ops]


def _letter(value: Any) -> str:
    kind = type(value)
    if kind is int:
        return "q" if -(2**63) <= value < 2**63 else ""
    return {float: "d", bool: "?"}.get(kind, "")


def _columns(
    run_id: str,
    keys: tuple[str, ...],
    letters: str,
    rows: list[tuple[int, float, int, tuple[Any, ...]]],
) -> Op:
    steps, times, orders, values = zip(*rows, strict=True)
    columns = zip(letters, zip(*values, strict=True), strict=True)
    return LogRows(
        run_id,
        keys,
        letters,
        array("q", steps),
        array("d", times),
        array("q", orders),
        tuple(_packed(letter, column) for letter, column in columns),
    )


def _packed(letter: str, column: Iterable[Any]) -> bytes:
    if letter == "?":
        return bytes(column)
    packed = array(letter, column)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def _console_ops(run_id: str, lines: Iterable[ConsoleLine]) -> list[Op]:
    sources: dict[str, list[tuple[int, float, str, str]]] = {}
    for line in lines:
        sources.setdefault(line.source, []).append((line.number, line.time, line.stream, line.line))
    return [LogConsole(run_id, source, tuple(each)) for source, each in sources.items()]
