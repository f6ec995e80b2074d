"""Histories as JSON Lines: an object a row, or one a value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from synadb.formats._history import OWN, Advance, describe, flat_blocks, strict_json, told_apart

if TYPE_CHECKING:
    from synadb.tracker import ExperimentTracker

__all__ = ["write_jsonl"]


def write_jsonl(
    tracker: ExperimentTracker,
    run_ids: Sequence[str],
    file: TextIO,
    *,
    long: bool = False,
    advance: Advance | None = None,
) -> int:
    """Write the rows of runs, with `_run` in front where there are several; returns how many.

    `advance` is told of rows that have been written.

    Nested values stay nested. A key that a row lacks is missing, None is null; NaN and the
    infinities are the strings "NaN", "Infinity" and "-Infinity".
    """
    count = 0
    several = len(run_ids) > 1 and not long and told_apart(run_ids, describe(tracker, run_ids))
    for run_id in run_ids:
        if long:
            count += _write_long(tracker, run_id, file, advance)
            continue
        front = {"_run": run_id} if several else {}
        for row in tracker.scan(run_id):
            own = {key: row.pop(key) for key in OWN}
            file.write(strict_json({**front, **own, **row}) + "\n")
            count += 1
            if advance is not None:
                advance(1)
    return count


def _write_long(
    tracker: ExperimentTracker, run_id: str, file: TextIO, advance: Advance | None
) -> int:
    count = 0
    tracker._drain(run_id)
    for block in flat_blocks(tracker, run_id, advance):
        steps, times = block.columns["_step"][0], block.columns["_timestamp"][0]
        for key, (values, present) in block.columns.items():
            if key in OWN:
                continue
            chosen = slice(None) if present is None else present
            for step, time, value in zip(
                steps[chosen].tolist(), times[chosen].tolist(), values[chosen].tolist(), strict=True
            ):
                row = {"_run": run_id, "_step": step, "_timestamp": time}
                file.write(strict_json({**row, "key": key, "value": value}) + "\n")
                count += 1
    return count
