"""`synadb rm`: delete runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from synadb.cli._parsing import Subparsers, add_command, add_runs, take_database
from synadb.cli._progress import Progress
from synadb.cli._reading import align, counted, find_run, local_time, open_database, to_json

if TYPE_CHECKING:
    from synadb.records import RunRecord

DECLINED = 1

DESCRIPTION = """\
Delete runs with their rows and artifacts, and give the space back. There is no way to get them
back. Shows what they are and asks, unless --yes is given."""

EXAMPLE = """\
examples:
  synadb rm abc123de
  synadb rm RUN RUN --db results/experiments.db --yes"""


def add_parser(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = add_command(subparsers, "rm", run, DESCRIPTION, EXAMPLE)
    add_runs(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="print one JSON object (with --yes)")


def run(args: argparse.Namespace) -> int:
    """Delete the runs; none of them if one cannot be found or the answer is no."""
    take_database(args)
    if args.json and not args.yes:
        args.parser.error("--json asks nothing: it needs --yes")
    with open_database(args) as tracker:
        named = {run.run_id: run for run in [find_run(tracker, word) for word in args.runs]}
        if not args.json:
            _print(named.values())
        runs = counted(len(named), "run")
        if not args.yes and not _confirmed(f"Delete {runs} from {tracker.path}? [y/N] "):
            print("synadb: nothing was deleted", file=sys.stderr)
            return DECLINED
        with Progress("deleting", len(named), "runs") as progress:
            for run_id in progress.each(named):
                tracker.delete_run(run_id)
    if args.json:
        print(to_json({"database": tracker.path, "deleted": list(named)}))
    else:
        print(f"{tracker.path}: deleted {runs}")
    return 0


def _print(runs: Iterable[RunRecord]) -> None:
    for line in align(
        (run.run_id, run.name, run.experiment, run.state, local_time(run.created_at))
        for run in runs
    ):
        print(f"  {line}")


def _confirmed(question: str) -> bool:
    try:
        return input(question).strip().lower() in ("y", "yes")
    except EOFError:
        print()
        return False
