"""`synadb sweeps`: the sweeps of a database."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from synadb.cli._parsing import Subparsers, add_command, add_database
from synadb.cli._reading import align, local_time, open_database, to_json

if TYPE_CHECKING:
    from synadb.sweeps.view import Sweep

DESCRIPTION = "List the sweeps of a database in order of creation."

EXAMPLE = """\
examples:
  synadb sweeps
  synadb sweeps results/experiments.db --experiment mnist
  synadb sweeps --json"""

HEAD = ("ID", "NAME", "EXPERIMENT", "METHOD", "STATE", "TRIALS", "BEST", "CREATED")


def add_parser(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = add_command(subparsers, "sweeps", run, DESCRIPTION, EXAMPLE)
    add_database(parser)
    parser.add_argument("--experiment", metavar="E", help="only the sweeps of this experiment")
    parser.add_argument("--json", action="store_true", help="print a JSON list, all fields")


def run(args: argparse.Namespace) -> int:
    """Print the table, or the list as JSON."""
    with open_database(args) as tracker:
        found = tracker.list_sweeps(args.experiment)
        if args.json:
            print(to_json([record._asdict() for record in found]))
            return 0
        rows = [_cells(tracker.sweep(record.sweep_id)) for record in found]
    for line in align([HEAD, *rows], right={HEAD.index("TRIALS")}):
        print(line)
    return 0


def _cells(sweep: Sweep) -> tuple[str, ...]:
    record, trials, expected = sweep.record, sweep.trials, sweep.expected_run_count
    best = sweep.best_of(trials)
    value = sweep.value(best) if best else None
    return (
        record.sweep_id,
        str(record.config.get("name") or "-"),
        record.project,
        str(record.config.get("method")),
        record.state,
        str(len(trials)) + (f"/{expected}" if expected is not None else ""),
        "-" if value is None else f"{value:.6g}",
        local_time(record.created_at),
    )
