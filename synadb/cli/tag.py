"""`synadb tag`: the tags of runs."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import TYPE_CHECKING

from synadb.cli._parsing import Subparsers, add_command, add_runs, take_database
from synadb.cli._reading import align, find_runs, open_database, to_json

if TYPE_CHECKING:
    from synadb.tracker import ExperimentTracker

DESCRIPTION = """\
Show the tags of runs, after adding some and removing others. Without a RUN: every tag of the
database, and how many runs have it. A run that is being logged keeps what its program sets last."""

EXAMPLE = """\
examples:
  synadb tag                                  every tag
  synadb tag RUN                              those of a run
  synadb tag RUN OTHER --add best --add paper
  synadb tag RUN --remove best"""


def add_parser(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = add_command(subparsers, "tag", run, DESCRIPTION, EXAMPLE)
    add_runs(parser, "*")
    parser.add_argument(
        "--add", metavar="TAG", action="append", default=[], help="give them this one; repeatable"
    )
    parser.add_argument(
        "--remove",
        metavar="TAG",
        action="append",
        default=[],
        help="take this one from those that have it; repeatable",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Change the tags of all runs named, or of none where one cannot be found; print them."""
    take_database(args, least=0)
    if (args.add or args.remove) and not args.runs:
        args.parser.error("of which run?")
    with open_database(args) as tracker:
        if not args.runs:
            return _print_all(tracker, args)
        found = find_runs(tracker, args.runs)
        if args.add or args.remove:
            _change(tracker, found, args)
        rows = [(run_id, tracker.get_run(run_id).tags) for run_id in found]
    if args.json:
        print(to_json(dict(rows)))
    else:
        for line in align((run_id, ", ".join(tags)) for run_id, tags in rows):
            print(line)
    return 0


def _change(tracker: ExperimentTracker, run_ids: list[str], args: argparse.Namespace) -> None:
    from synadb.ops import UpdateRun
    from synadb.run import checked_fields

    ops = []
    for run_id in run_ids:
        tags = dict.fromkeys([*tracker.get_run(run_id).tags, *args.add])
        kept = [tag for tag in tags if tag not in args.remove]
        ops.append(UpdateRun(run_id, checked_fields({"tags": kept})))
    tracker._store.apply(ops)


def _print_all(tracker: ExperimentTracker, args: argparse.Namespace) -> int:
    counts = Counter(tag for record in tracker.list_runs() for tag in record.tags)
    if args.json:
        print(to_json(dict(sorted(counts.items()))))
    else:
        for line in align([("TAG", "RUNS"), *((t, str(counts[t])) for t in sorted(counts))], {1}):
            print(line)
    return 0
