"""`synadb check`: audit a database, and repair what can be repaired."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from synadb.cli._parsing import Subparsers, add_command, add_database
from synadb.cli._reading import existing_database, open_database
from synadb.errors import CorruptStoreError, StorageError

if TYPE_CHECKING:
    from synadb.records import CheckReport

FOUND_PROBLEMS = 1
LISTED = 20  # losses shown of a file that cannot be audited

DESCRIPTION = """\
Audit a whole database. With --fix, repair what can be repaired and audit it again. What --fix
cannot repair, --salvage leaves as it is: it copies every run that can still be read to a new
database, and says what is lost."""

EXAMPLE = """\
examples:
  synadb check experiments.db
  synadb check experiments.db --fix
  synadb check experiments.db --salvage saved.db

exit code: 0 nothing is wrong (any more), 1 there are problems, or the file cannot be opened"""


def add_parser(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = add_command(subparsers, "check", run, DESCRIPTION, EXAMPLE)
    add_database(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--fix", action="store_true", help="repair what can be repaired")
    how.add_argument("--salvage", metavar="NEW", help="copy what can be read to the new file NEW")


def run(args: argparse.Namespace) -> int:
    """Print what the audit found, and say by the exit code whether anything is wrong."""
    path = existing_database(args)
    if args.salvage:
        return _salvage(path, args.salvage)
    try:
        with open_database(args) as tracker:
            report = tracker.check(fix=args.fix)
    except CorruptStoreError as error:
        # Its own advice is to run this command.
        _print_unreadable(path, str(error.__cause__ or error), fix=args.fix)
        return FOUND_PROBLEMS
    return _print_report(path, report)


def _print_report(path: str, report: CheckReport) -> int:
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


def _print_unreadable(path: str, error: str, *, fix: bool) -> None:
    """Say of a file too damaged to audit what is lost as far as known, and what can be done."""
    from synadb.cli._salvage import missing_bytes, salvage

    lines = [f"problem: {path}: {error}"]
    if missing := missing_bytes(path):
        size = os.path.getsize(path)
        lines.append(f"problem: its end is missing: {size:,} of {size + missing:,} bytes are there")
    try:
        runs, lost = salvage(path, None)
    except CorruptStoreError:
        lines.append("problem: the list of its runs cannot be read")
        following = (
            "restore it from a backup; a run whose id you know may still come out with "
            "`synadb export ID --csv`"
        )
    else:
        lines += [f"lost: {line}" for line in lost[:LISTED]]
        if len(lost) > LISTED:
            lines.append(f"lost: and {len(lost) - LISTED} more")
        base, ending = os.path.splitext(path)
        part = "what can be read of" if lost else "all of"
        following = (
            f"`synadb check {path} --salvage {base}-saved{ending}` copies {part} {runs} "
            f"run{'s' * (runs != 1)} to a new file"
        )
    if fix:
        lines.append(f"--fix cannot mend this; {path} is left as it was")
    print("\n".join([*lines, f"next: {following}"]), file=sys.stderr)


def _salvage(path: str, target: str) -> int:
    from synadb.cli._salvage import salvage

    if os.path.lexists(target):
        raise StorageError(f"{target} exists already; name a file that does not")
    try:
        saved, lost = salvage(path, target)
    except CorruptStoreError as error:
        _print_unreadable(path, str(error.__cause__ or error), fix=False)
        return FOUND_PROBLEMS
    for line in lost:
        print(f"lost: {line}")
    print(f"{target}: {saved} run{'s' * (saved != 1)} copied; {path} is left as it was")
    return FOUND_PROBLEMS if lost else 0
