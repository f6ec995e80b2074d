"""Histories as CSV: one column a key, or one line a value."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

from synadb.formats._history import Advance, describe, flat_blocks, strict_json, told_apart

if TYPE_CHECKING:
    from synadb.tracker import ExperimentTracker

__all__ = ["write_csv"]


def write_csv(
    tracker: ExperimentTracker,
    run_ids: Sequence[str],
    file: TextIO,
    *,
    long: bool = False,
    advance: Advance | None = None,
) -> int:
    """Write the rows of runs, with `_run` in front where there are several; returns how many.

    `advance` is told of rows that have been written.

    A cell is empty where a row lacks the key, and where it is None; NaN is `nan`.
    """
    writer = csv.writer(_Lines(file), lineterminator="\r\n")
    if long:
        writer.writerow(["_run", "_step", "_timestamp", "key", "value"])
        return _write_long(tracker, run_ids, writer, advance)
    columns = describe(tracker, run_ids)
    several = told_apart(run_ids, columns)
    writer.writerow([*["_run"] * several, *map(_text, columns)])
    count = 0
    for run_id in run_ids:
        for block in flat_blocks(tracker, run_id, advance):
            cells: list[Sequence[Any]] = [[run_id] * block.n] if several else []
            for name in columns:
                found = block.columns.get(name)
                cells.append([None] * block.n if found is None else _cells(*found))
            writer.writerows(zip(*cells, strict=True))
            count += block.n
    return count


class _Lines:
    """Ends lines in a newline that a writer ends in CR LF: only so does it quote a CR in a cell."""

    def __init__(self, file: TextIO) -> None:
        self._write = file.write

    def write(self, line: str) -> None:
        self._write(line[:-2] + "\n")


def _write_long(
    tracker: ExperimentTracker, run_ids: Sequence[str], writer: Any, advance: Advance | None
) -> int:
    count = 0
    for run_id in run_ids:
        tracker._drain(run_id)
        for block in flat_blocks(tracker, run_id, advance):
            steps = block.columns["_step"][0]
            times = block.columns["_timestamp"][0]
            for name, (values, present) in block.columns.items():
                if name in ("_step", "_runtime", "_timestamp"):
                    continue
                chosen = slice(None) if present is None else present
                cells = [*_cells(values[chosen], None)]
                writer.writerows(
                    zip(
                        [run_id] * len(cells),
                        steps[chosen].tolist(),
                        times[chosen].tolist(),
                        [_text(name)] * len(cells),
                        cells,
                        strict=True,
                    )
                )
                count += len(cells)
    return count


def _cells(values: Any, present: Any) -> list[Any]:
    listed: list[Any] = values.tolist()
    if values.dtype.kind == "O":
        return [strict_json(v) if isinstance(v, list | tuple | dict) else _text(v) for v in listed]
    if present is None:
        return listed
    return [value if there else None for value, there in zip(listed, present.tolist(), strict=True)]


def _text(value: Any) -> Any:
    """Text that UTF-8 cannot carry, as its escapes."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return value
