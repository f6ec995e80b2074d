"""SQL that reads what a run has logged. Each function runs on one snapshot."""

from __future__ import annotations

import json
import sqlite3
import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synadb.errors import MetricNotFoundError
from synadb.records import ConsoleLine, History, Series
from synadb.storage.codec import decode_bytes, decode_column, decode_json
from synadb.storage.writing import SHORT, run_key

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "console",
    "get_metric",
    "history",
    "merge_row",
    "rows",
    "sketch",
    "system_rows",
]

_EXACT = 1 << 53  # integers beyond this are not all float64


def sketch(db: sqlite3.Connection, run_id: str, width: int) -> dict[str, list[float]]:
    """At most `width` evenly spaced values of every metric of numbers, the first and last too."""
    found: dict[str, list[tuple[list[int], list[float]]]] = {}
    for keyset, keys, kinds in _keysets(db, run_key(db, run_id)):
        numeric = [(at, key) for at, key in enumerate(keys) if kinds[at] != "?"]
        for chunk, n, steps in db.execute(
            "select id, n, steps from chunks where keyset = ? order by id", (keyset,)
        ).fetchall():
            decode = _listed if n <= SHORT and "numpy" not in sys.modules else _numpy_listed
            # A long chunk gives what a picture of this width can show of it.
            stride = max(1, n // (width * 64))
            at_steps = decode(steps, "q", n)[::stride]
            columns = dict(
                db.execute("select position, data from columns where chunk = ?", (chunk,))
            )
            for at, key in numeric:
                values = decode(columns[at], kinds[at], n)[::stride]
                found.setdefault(key, []).append((at_steps, values))
    sketched = {}
    for key, parts in found.items():
        pairs = sorted(pair for part in parts for pair in zip(*part, strict=True))
        last = len(pairs) - 1
        places = sorted({round(i * last / max(1, width - 1)) for i in range(width)})
        sketched[key] = [float(pairs[place][1]) for place in places if place <= last]
    return sketched


def _listed(blob: bytes, kind: str, n: int) -> list[Any]:
    values = array(kind)
    values.frombytes(decode_bytes(blob, kind, n))
    return values.tolist()


def _numpy_listed(blob: bytes, kind: str, n: int) -> list[Any]:
    listed: list[Any] = decode_column(blob, kind, n).tolist()
    return listed


def console(db: sqlite3.Connection, run_id: str) -> list[ConsoleLine]:
    """The lines a run printed: process by process, each in its order."""
    return [
        ConsoleLine(*row)
        for row in db.execute(
            "select source, number, time, stream, line from console where run = ?"
            " order by source, number",
            (run_key(db, run_id),),
        )
    ]


def system_rows(db: sqlite3.Connection, run_id: str) -> list[dict[str, Any]]:
    """Samples of the machine in order of time, each with `_timestamp` and `_runtime`."""
    run = run_key(db, run_id)
    (created,) = db.execute("select created from runs where id = ?", (run,)).fetchone()
    return [
        {**decode_json(data), "_timestamp": time, "_runtime": time - created}
        for time, data in db.execute(
            "select time, data from system_rows where run = ? order by time, id", (run,)
        )
    ]


def _keysets(db: sqlite3.Connection, run: int) -> list[tuple[int, list[str], str]]:
    found = db.execute("select id, keys, types from keysets where run = ? order by id", (run,))
    return [(keyset, json.loads(keys), kinds) for keyset, keys, kinds in found]


def _system(
    db: sqlite3.Connection, keyset: int
) -> tuple[list[tuple[int, int]], np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """(chunk, rows) of a keyset and its steps, seqs and times, in the order of the chunks."""
    import numpy as np

    chunks = []
    parts: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
    for chunk, n, *data in db.execute(
        "select id, n, steps, seqs, times from chunks where keyset = ? order by id", (keyset,)
    ):
        chunks.append((chunk, n))
        for target, part, kind in zip(parts, data, "qqd", strict=True):
            target.append(decode_column(part, kind, n))
    if not chunks:
        return [], np.empty(0, "i8"), np.empty(0, "i8"), np.empty(0, "f8")
    return chunks, np.concatenate(parts[0]), np.concatenate(parts[1]), np.concatenate(parts[2])


def _column(
    db: sqlite3.Connection, chunks: Iterable[tuple[int, int]], position: int, kind: str
) -> np.ndarray[Any, Any]:
    import numpy as np

    parts = []
    for chunk, n in chunks:
        (data,) = db.execute(
            "select data from columns where chunk = ? and position = ?", (chunk, position)
        ).fetchone()
        parts.append(decode_column(data, kind, n))
    return np.concatenate(parts)


def _rising(steps: np.ndarray[Any, Any]) -> bool:
    return bool((steps[1:] > steps[:-1]).all())


def get_metric(db: sqlite3.Connection, run_id: str, key: str) -> Series:
    """One metric in step order; the last write of a step counts."""
    import numpy as np

    run = run_key(db, run_id)
    found = []
    for keyset, keys, kinds in _keysets(db, run):
        if key in keys:
            position = keys.index(key)
            chunks, steps, seqs, times = _system(db, keyset)
            if chunks:
                found.append((steps, seqs, times, _column(db, chunks, position, kinds[position])))
    extra: list[tuple[int, int, float, Any]] = [
        (step, seq, time, value)
        for step, seq, time, data in db.execute(
            "select step, seq, time, data from json_rows where run = ?", (run,)
        )
        for value in (decode_json(data).get(key),)
        if isinstance(value, int | float)
    ]
    if extra:
        cells = list(zip(*extra, strict=True))
        dtypes = ("i8", "i8", "f8", _kind(cells[3]))
        parts = [np.array(cell, dtype) for cell, dtype in zip(cells, dtypes, strict=True)]
        found.append((parts[0], parts[1], parts[2], parts[3]))
    if not found:
        names = sorted({name for _, names, _ in _keysets(db, run) for name in names})
        known = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "") or "none"
        raise MetricNotFoundError(f"run {run_id!r} has no metric {key!r}; it has: {known}")
    steps, seqs, times = (np.concatenate([part[i] for part in found]) for i in range(3))
    values = _joined([part[3] for part in found])
    if not _rising(steps):
        order = np.lexsort((seqs, steps))
        last = np.append(steps[order][1:] != steps[order][:-1], True)
        order = order[last]
        steps, times, values = steps[order], times[order], values[order]
    return Series(steps, values, times)


def _kind(values: Sequence[Any]) -> Any:
    if all(isinstance(value, bool) for value in values):
        return bool
    whole = all(isinstance(value, int) and abs(value) < 1 << 63 for value in values)
    return "i8" if whole else "f8"


def _joined(parts: Sequence[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    import numpy as np

    if len({part.dtype for part in parts}) == 1:
        return np.concatenate(parts)
    return np.concatenate([part.astype("f8") for part in parts])


class _Merged:
    """The cells of one key, collected from all chunks and rows that hold it."""

    def __init__(self) -> None:
        self.numbers: list[tuple[Any, Any, Any]] = []  # row indices, seqs, values
        self.others: list[tuple[int, int, Any]] = []


def history(db: sqlite3.Connection, run_id: str, keys: Sequence[str] | None) -> History:
    """Rows merged by step, as columns; with `keys`, those columns and the rows that have any."""
    import numpy as np

    run = run_key(db, run_id)
    wanted = None if keys is None else set(keys)
    blocks = []
    for keyset, names, kinds in _keysets(db, run):
        if wanted is None or wanted.intersection(names):
            chunks, steps, seqs, times = _system(db, keyset)
            if chunks:
                blocks.append((names, kinds, chunks, steps, seqs, times))
    loose = []
    for step, seq, time, data in db.execute(
        "select step, seq, time, data from json_rows where run = ? order by seq", (run,)
    ):
        values = decode_json(data)
        if wanted is None or wanted.intersection(values):
            loose.append((step, seq, time, values))
    if len(blocks) == 1 and not loose and _rising(blocks[0][3]):
        names, kinds, chunks, steps, _, times = blocks[0]
        columns = {
            name: _column(db, chunks, position, kinds[position])
            for position, name in enumerate(names)
            if wanted is None or name in wanted
        }
        return History(steps, times, columns)
    all_steps = [block[3] for block in blocks] + [np.array([row[0] for row in loose], "i8")]
    steps = np.unique(np.concatenate(all_steps))
    merged: dict[str, _Merged] = {}
    stamps: list[tuple[Any, Any, Any]] = []
    for names, kinds, chunks, block_steps, seqs, times in blocks:
        index = np.searchsorted(steps, block_steps)
        stamps.append((index, seqs, times))
        for position, name in enumerate(names):
            if wanted is None or name in wanted:
                column = _column(db, chunks, position, kinds[position])
                merged.setdefault(name, _Merged()).numbers.append((index, seqs, column))
    for step, seq, time, values in loose:
        row = int(np.searchsorted(steps, step))
        stamps.append((np.array([row]), np.array([seq]), np.array([time])))
        for name, value in values.items():
            if wanted is None or name in wanted:
                merged.setdefault(name, _Merged()).others.append((row, seq, value))
    times = np.full(len(steps), np.nan)
    _scatter(times, stamps)
    return History(
        steps, times, {name: _filled(cells, len(steps)) for name, cells in merged.items()}
    )


def _scatter(target: np.ndarray[Any, Any], parts: Sequence[tuple[Any, Any, Any]]) -> None:
    """target[index] = value, where the highest seq wins."""
    import numpy as np

    if not parts:
        return
    index = np.concatenate([part[0] for part in parts])
    seqs = np.concatenate([part[1] for part in parts])
    values = np.concatenate([part[2] for part in parts])
    order = np.argsort(seqs, kind="stable")
    # With repeated indices numpy keeps the last value assigned.
    target[index[order]] = values[order]


def _filled(cells: _Merged, n: int) -> np.ndarray[Any, Any]:
    import numpy as np

    parts = list(cells.numbers)
    kinds = {part[2].dtype.kind for part in parts}
    plain = all(type(value) is float for _, _, value in cells.others)
    if cells.others and plain:
        kinds.add("f")
    if plain and (len(kinds) == 1 or kinds <= {"f", "i"}):
        if cells.others:
            rows, seqs, values = zip(*cells.others, strict=True)
            parts.append((np.array(rows), np.array(seqs), np.array(values, "f8")))
        covered = np.zeros(n, bool)
        for index, _, _ in parts:
            covered[index] = True
        whole = bool(covered.all())
        big = "i" in kinds and any(
            part[2].dtype.kind == "i" and bool((np.abs(part[2]) > _EXACT).any()) for part in parts
        )
        if len(kinds) == 1 and whole:
            target = np.zeros(n, parts[0][2].dtype)
            _scatter(target, parts)
            return target
        if kinds <= {"f", "i"} and not big:
            target = np.full(n, np.nan)
            _scatter(target, parts)
            return target
    cellwise = [
        (seq, row, value)
        for index, seqs, column in cells.numbers
        for row, seq, value in zip(index.tolist(), seqs.tolist(), column.tolist(), strict=True)
    ]
    cellwise += [(seq, row, value) for row, seq, value in cells.others]
    cellwise.sort(key=lambda cell: cell[0])
    out = np.full(n, None, object)
    for _, row, value in cellwise:
        out[row] = value
    return out


def rows(db: sqlite3.Connection, run_id: str) -> list[dict[str, Any]]:
    """Rows merged by step, as dicts; nested dicts merge leaf by leaf."""
    run = run_key(db, run_id)
    (created,) = db.execute("select created from runs where id = ?", (run,)).fetchone()
    parts: list[tuple[int, int, float, Mapping[str, Any]]] = []
    for keyset, names, kinds in _keysets(db, run):
        chunks, steps, seqs, times = _system(db, keyset)
        if not chunks:
            continue
        columns = [
            _column(db, chunks, position, kind).tolist() for position, kind in enumerate(kinds)
        ]
        cells = zip(*columns, strict=True) if columns else ((),) * len(steps)
        for step, seq, time, row in zip(
            steps.tolist(), seqs.tolist(), times.tolist(), cells, strict=True
        ):
            parts.append((step, seq, time, dict(zip(names, row, strict=True))))
    for step, seq, time, data in db.execute(
        "select step, seq, time, data from json_rows where run = ?", (run,)
    ):
        parts.append((step, seq, time, decode_json(data)))
    parts.sort(key=lambda part: part[:2])
    merged: list[dict[str, Any]] = []
    current: int | None = None
    for step, _, time, values in parts:
        if step != current:
            merged.append({})
            current = step
        row_now = merged[-1]
        merge_row(row_now, values)
        row_now["_step"] = step
        row_now["_runtime"] = time - created
        row_now["_timestamp"] = time
    return merged


def merge_row(target: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Take a later part of a row into it: the last write of every leaf."""
    for key, value in values.items():
        below = target.get(key)
        if isinstance(value, dict) and isinstance(below, dict) and "_type" not in value:
            merge_row(below, value)
        else:
            target[key] = value
