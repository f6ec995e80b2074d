"""`synadb export`: a run's history as a file that other programs read."""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from synadb.cli._parsing import Subparsers, add_command, add_database
from synadb.cli._reading import find_run, flatten, open_database, to_json
from synadb.errors import SynaDBError

DESCRIPTION = """\
Write the rows of a run, merged by step, as CSV: one column for every key any row has, the parts of
nested keys joined by dots. A cell is empty where a row lacks the key."""

EXAMPLE = """\
examples:
  synadb export RUN --csv > history.csv
  synadb export RUN --csv --out history.csv --db results/experiments.db"""

FIRST = ("_step", "_runtime", "_timestamp")


def add_parser(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = add_command(subparsers, "export", run, DESCRIPTION, EXAMPLE)
    parser.add_argument("run", metavar="RUN", help="its id, how its id begins, or its name")
    add_database(parser)
    parser.add_argument("--csv", action="store_true", required=True, help="the format, CSV")
    parser.add_argument("--out", metavar="FILE", help="write to FILE (default: standard output)")


def run(args: argparse.Namespace) -> int:
    """Write the rows to the file or to standard output."""
    with open_database(args) as tracker:
        if args.out and os.path.exists(args.out) and os.path.samefile(args.out, tracker.path):
            raise SynaDBError(f"{args.out} is the database itself; name another file")
        record = find_run(tracker, args.run)
        rows = [flatten(row) for row in tracker.rows(record.run_id)]
    if not args.out:
        _write(rows, sys.stdout)
        return 0
    try:
        with open(args.out, "w", encoding="utf-8", newline="") as file:
            _write(rows, file)
    except OSError as error:
        raise SynaDBError(f"{args.out} cannot be written: {error.strerror or error}") from error
    return 0


def _write(rows: Iterable[Mapping[str, Any]], file: TextIO) -> None:
    seen = dict.fromkeys(key for row in rows for key in row)
    columns = [*(key for key in FIRST if key in seen), *(key for key in seen if key not in FIRST)]
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns or FIRST)
    for row in rows:
        writer.writerow([_cell(row.get(key)) for key in columns])


def _cell(value: Any) -> Any:
    return to_json(value, indent=None) if isinstance(value, list | tuple | Mapping) else value
