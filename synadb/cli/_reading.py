"""What the commands that read a database share: finding it, finding a run, showing values."""

from __future__ import annotations

import argparse
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synadb.errors import RunNotFoundError, StorageError, SynaDBError

if TYPE_CHECKING:
    from synadb.records import RunRecord
    from synadb.tracker import ExperimentTracker

__all__ = [
    "align",
    "existing_database",
    "find_run",
    "flatten",
    "local_time",
    "open_database",
    "to_json",
]

_LISTED = 10  # ids that an error message names


def existing_database(args: argparse.Namespace) -> str:
    """The path of the database that the command line names, or of the default one.

    Raises:
        StorageError: there is none at that path; opening it would create one.
    """
    from synadb.settings import database_path

    file: str | None = getattr(args, "file", None)
    if file and args.db and file != args.db:
        args.parser.error(f"two databases are named: {file} and --db {args.db}")
    chosen = file or args.db
    path = os.path.abspath(os.path.expanduser(chosen)) if chosen else database_path()
    if not os.path.exists(path):
        raise StorageError(f"there is no database at {path}; name one, or set SYNADB_PATH")
    if os.path.isfile(path) and not os.path.getsize(path):
        raise StorageError(f"{path} is empty, 0 bytes: no database has been written to it")
    return path


def open_database(args: argparse.Namespace, *, read_only: bool = False) -> ExperimentTracker:
    """Open the database that the command line names; StorageError where there is none."""
    path = existing_database(args)
    from synadb.tracker import ExperimentTracker

    return ExperimentTracker(path, read_only=read_only)


def find_run(tracker: ExperimentTracker, wanted: str) -> RunRecord:
    """The run with this id, else the only one with this name, else with an id that starts so.

    Raises:
        RunNotFoundError: there is no such run.
        SynaDBError: several runs fit.
    """
    try:
        return tracker.get_run(wanted)
    except RunNotFoundError:
        every = tracker.list_runs()
    for found, fit in (
        ([run for run in every if run.name == wanted], "are called"),
        ([run for run in every if wanted and run.run_id.startswith(wanted)], "have ids that start"),
    ):
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(run.run_id for run in found[:_LISTED])
            more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
            raise SynaDBError(
                f"{len(found)} runs {fit} {wanted!r}; choose one by its id: {ids}{more}"
            )
    raise RunNotFoundError(
        f"no run in {tracker.path} has the id or name {wanted!r}; `synadb runs` lists them"
    )


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dicts as one, keys joined by dots; an empty dict stays a value."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def to_json(value: Any, indent: int | None = 2) -> str:
    """Strict JSON; NaN and the infinities, which it lacks, become strings."""
    return json.dumps(_finite(value), indent=indent, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def local_time(seconds: float) -> str:
    """A moment as the clock on the wall shows it."""
    from datetime import datetime, timezone

    return datetime.fromtimestamp(seconds, timezone.utc).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def align(table: Iterable[Sequence[str]], right: Iterable[int] = ()) -> list[str]:
    """Lines of columns two blanks apart, left-aligned except for those in `right`."""
    # What would break the line, or colour the terminal, is shown as a blank.
    rows = [
        ["".join(letter if letter.isprintable() else " " for letter in cell) for cell in row]
        for row in table
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    right = set(right)
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines
