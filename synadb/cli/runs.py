"""`synadb runs`: what has been recorded; and what the commands that read a database share."""

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

DESCRIPTION = "List the runs of a database in order of creation."

EXAMPLE = """\
examples:
  synadb runs
  synadb runs --db results/experiments.db --experiment mnist
  synadb runs --json"""

HEAD = ("ID", "NAME", "EXPERIMENT", "STATE", "ROWS", "CREATED")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "runs",
        description=DESCRIPTION,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--db", metavar="FILE", help="the database (default: the nearest)")
    parser.add_argument("--experiment", metavar="E", help="only the runs of this experiment")
    parser.add_argument("--json", action="store_true", help="print a JSON list, all fields")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Print the table, or the list as JSON."""
    with open_database(args.db) as tracker:
        found = tracker.list_runs(args.experiment)
    if args.json:
        print(to_json([record._asdict() for record in found]))
    else:
        for line in align([HEAD, *map(_cells, found)], right={HEAD.index("ROWS")}):
            print(line)
    return 0


def _cells(record: RunRecord) -> tuple[str, ...]:
    return (
        record.run_id,
        record.name,
        record.experiment,
        record.state,
        str(record.row_count),
        local_time(record.created_at),
    )


# -- shared by the commands that read a database -------------------------------------------------


def existing_database(chosen: str | None) -> str:
    """The path of the chosen database, or of the default one.

    Raises:
        StorageError: there is nothing at that path; opening it would create a database.
    """
    from synadb.settings import database_path

    path = os.path.abspath(os.path.expanduser(chosen)) if chosen else database_path()
    # An empty file counts as none: opening it for writing would make a database of it.
    if not os.path.exists(path) or (os.path.isfile(path) and not os.path.getsize(path)):
        raise StorageError(f"there is no database at {path}; name one, or set SYNADB_PATH")
    return path


def open_database(chosen: str | None, *, read_only: bool = False) -> ExperimentTracker:
    """Open a database that is there; StorageError where there is none."""
    path = existing_database(chosen)
    from synadb.tracker import ExperimentTracker

    return ExperimentTracker(path, read_only=read_only)


def find_run(tracker: ExperimentTracker, wanted: str) -> RunRecord:
    """The run with this id, else the only one with this name.

    Raises:
        RunNotFoundError: there is no such run.
        SynaDBError: several runs have this name.
    """
    try:
        return tracker.get_run(wanted)
    except RunNotFoundError:
        found = [record for record in tracker.list_runs() if record.name == wanted]
    if not found:
        raise RunNotFoundError(
            f"no run in {tracker.path} has the id or name {wanted!r}; `synadb runs` lists them"
        )
    if len(found) > 1:
        ids = ", ".join(record.run_id for record in found)
        raise SynaDBError(f"{len(found)} runs are called {wanted!r}; choose one by its id: {ids}")
    return found[0]


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
