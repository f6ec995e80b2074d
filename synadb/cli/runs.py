"""`synadb runs`: what has been recorded."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from synadb.cli._parsing import Subparsers, add_command, add_database, whole_number
from synadb.cli._reading import align, local_time, open_database, to_json

if TYPE_CHECKING:
    from synadb.records import RunRecord

DESCRIPTION = "List the runs of a database in order of creation."

EXAMPLE = """\
examples:
  synadb runs
  synadb runs results/experiments.db --experiment mnist --state failed
  synadb runs --tag best --last 5
  synadb show $(synadb runs --ids --last 1)
  synadb runs --json"""

HEAD = ("ID", "NAME", "EXPERIMENT", "STATE", "ROWS", "CREATED")


def add_parser(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = add_command(subparsers, "runs", run, DESCRIPTION, EXAMPLE)
    add_database(parser)
    parser.add_argument("--experiment", metavar="E", help="only the runs of this experiment")
    parser.add_argument("--state", metavar="S", help="only those: running, finished, failed, ...")
    parser.add_argument(
        "--tag", metavar="TAG", action="append", default=[], help="only those with it; repeatable"
    )
    parser.add_argument("--last", metavar="N", type=whole_number, help="only the last N of them")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--ids", action="store_true", help="print the ids alone")
    kinds.add_argument("--json", action="store_true", help="print a JSON list, all fields")


def run(args: argparse.Namespace) -> int:
    """Print the table, or the list as JSON."""
    with open_database(args) as tracker:
        found = _chosen(tracker.list_runs(args.experiment), args)
    if args.ids:
        for record in found:
            print(record.run_id)
    elif args.json:
        print(to_json([record._asdict() for record in found]))
    else:
        for line in align([HEAD, *map(_cells, found)], right={HEAD.index("ROWS")}):
            print(line)
    return 0


def _chosen(records: list[RunRecord], args: argparse.Namespace) -> list[RunRecord]:
    found = [
        record
        for record in records
        if args.state in (None, record.state) and set(args.tag) <= set(record.tags)
    ]
    return found if args.last is None else found[max(0, len(found) - args.last) :]


def _cells(record: RunRecord) -> tuple[str, ...]:
    return (
        record.run_id,
        record.name,
        record.experiment,
        record.state,
        str(record.row_count),
        local_time(record.created_at),
    )
