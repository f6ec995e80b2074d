"""`synadb check`: audit a database, and repair what can be repaired."""

from __future__ import annotations

import argparse
import sys

from synadb.cli.runs import open_database
from synadb.errors import CorruptStoreError

FOUND_PROBLEMS = 1

DESCRIPTION = "Audit a whole database. With --fix, repair what can be repaired and audit it again."

EXAMPLE = """\
examples:
  synadb check experiments.db
  synadb check experiments.db --fix

exit code: 0 nothing is wrong (any more), 1 there are problems, or the file cannot be opened"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "check",
        description=DESCRIPTION,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "file", metavar="FILE", nargs="?", help="the database (default: the nearest)"
    )
    parser.add_argument("--fix", action="store_true", help="repair what can be repaired")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Print what the audit found, and say by the exit code whether anything is wrong."""
    try:
        with open_database(args.file) as tracker:
            path = tracker.path
            report = tracker.check(fix=args.fix)
    except CorruptStoreError as error:
        # Too damaged to audit; its advice, to run this command, is of no use here.
        print(f"problem: {error.__cause__ or error}", file=sys.stderr)
        return FOUND_PROBLEMS
    for title, lines in (
        ("fixed", report.fixed),
        ("note", report.notes),
        ("problem", report.problems),
    ):
        for line in lines:
            print(f"{title}: {line}")
    if report.ok:
        print(f"{path}: ok")
        return 0
    count = len(report.problems)
    print(f"{path}: {count} problem{'s' * (count != 1)}")
    return FOUND_PROBLEMS
