"""`synadb gc`: give back the space of what has been deleted."""

from __future__ import annotations

import argparse

from synadb.cli.runs import align, open_database

DESCRIPTION = """\
Delete stored content that no run refers to any more and make the file smaller. Prints counts and
bytes."""

EXAMPLE = """\
examples:
  synadb gc --dry-run
  synadb gc experiments.db"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "gc",
        description=DESCRIPTION,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "file", metavar="FILE", nargs="?", help="the database (default: the nearest)"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Collect, or only count, and print the figures."""
    with open_database(args.file) as tracker:
        found = tracker.gc(dry_run=args.dry_run)
        print(f"{tracker.path}: {'would be deleted' if args.dry_run else 'deleted'}")
    for line in align([(key.replace("_", " "), str(n)) for key, n in found.items()], right={1}):
        print(f"  {line}")
    return 0
