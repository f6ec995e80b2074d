"""`synadb runs`: what has been recorded."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from synadb.cli._parsing import Subparsers, add_command, add_database
from synadb.cli._reading import align, local_time, open_database, to_json

if TYPE_CHECKING:
    from synadb.records import RunRecord

DESCRIPTION = "List the runs of a database in order of creation."

EXAMPLE = """\
examples:
  synadb runs
  synadb runs results/experiments.db --experiment mnist
  synadb runs --json"""

HEAD = ("ID", "NAME", "EXPERIMENT", "STATE", "ROWS", "CREATED")


def add_parser(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = add_command(subparsers, "runs", run, DESCRIPTION, EXAMPLE)
    add_database(parser)
    parser.add_argument("--experiment", metavar="E", help="only the runs of this experiment")
    parser.add_argument("--json", action="store_true", help="print a JSON list, all fields")


def run(args: argparse.Namespace) -> int:
    """Print the table, or the list as JSON."""
    with open_database(args) as tracker:
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
