"""`synadb gc`: give back the space of what has been deleted."""

from __future__ import annotations

import argparse

from synadb.cli._parsing import Subparsers, add_command, add_database
from synadb.cli._progress import Progress
from synadb.cli._reading import align, open_database, to_json

DESCRIPTION = """\
Delete stored content that no run refers to any more and make the file smaller. Prints counts and
bytes."""

EXAMPLE = """\
examples:
  synadb gc --dry-run
  synadb gc experiments.db"""


def add_parser(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = add_command(subparsers, "gc", run, DESCRIPTION, EXAMPLE)
    add_database(parser)
    parser.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Collect, or only count, and print the figures."""
    with open_database(args) as tracker, Progress("collecting") as progress:
        found = tracker._store.gc(dry_run=args.dry_run, watch=progress.at)
    if args.json:
        print(to_json({"database": tracker.path, "dry_run": args.dry_run, **found}))
        return 0
    print(f"{tracker.path}: {'would be deleted' if args.dry_run else 'deleted'}")
    for line in align([(key.replace("_", " "), str(n)) for key, n in found.items()], right={1}):
        print(f"  {line}")
    return 0
