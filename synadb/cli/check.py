"""`synadb check`: audit a database, and repair what can be repaired."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from synadb.cli._parsing import Subparsers, add_command, add_database
from synadb.cli._progress import Progress, working_on
from synadb.cli._reading import counted, existing_database, open_database, to_json
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
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Print what the audit found, and say by the exit code whether anything is wrong."""
    path = existing_database(args)
    if args.salvage:
        return _salvage(path, args)
    try:
        with open_database(args) as tracker, Progress("checking") as progress:
            tracker._drain()
            report = tracker._store.check(fix=args.fix, watch=progress.at)
    except CorruptStoreError as error:
        # Its own advice is to run this command.
        return _print_unreadable(path, error, args)
    return _print_report(path, report, args)


def _print_report(path: str, report: CheckReport, args: argparse.Namespace) -> int:
    if args.json:
        print(to_json({"database": path, "ok": report.ok, **report._asdict()}))
        return 0 if report.ok else FOUND_PROBLEMS
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
    print(f"{path}: {counted(count, 'problem')}")
    return FOUND_PROBLEMS


def _print_unreadable(path: str, error: CorruptStoreError, args: argparse.Namespace) -> int:
    """Say of a file too damaged to audit what is lost as far as known, and what can be done."""
    from synadb.cli._salvage import missing_bytes

    problems = [f"{path}: {error.__cause__ or error}"]
    if missing := missing_bytes(path):
        size = os.path.getsize(path)
        problems.append(f"its end is missing: {size:,} of {size + missing:,} bytes are there")
    lost: list[str] = []
    try:
        with working_on("reading what is left of", path):
            following, lost = _outlook(path)
    except CorruptStoreError:
        problems.append("the list of its runs cannot be read")
        following = (
            "restore it from a backup; a run whose id you know may still come out with "
            "`synadb export ID --csv`"
        )
    if args.json:
        found = {"problems": problems, "notes": [], "fixed": [], "lost": lost, "next": following}
        print(to_json({"database": path, "ok": False, **found}))
        return FOUND_PROBLEMS
    lines = [f"problem: {line}" for line in problems]
    lines += [f"lost: {line}" for line in lost[:LISTED]]
    if len(lost) > LISTED:
        lines.append(f"lost: and {len(lost) - LISTED} more")
    if args.fix:
        lines.append(f"--fix cannot mend this; {path} is left as it was")
    print("\n".join([*lines, f"next: {following}"]), file=sys.stderr)
    return FOUND_PROBLEMS


def _outlook(path: str) -> tuple[str, list[str]]:
    """What can be done about a damaged file, and what would be lost then."""
    from synadb.cli._salvage import salvage

    runs, lost = salvage(path, None)
    base, ending = os.path.splitext(path)
    part = "what can be read of" if lost else "all of"
    command = f"`synadb check {path} --salvage {base}-saved{ending}`"
    return f"{command} copies {part} {counted(runs, 'run')} to a new file", lost


def _salvage(path: str, args: argparse.Namespace) -> int:
    from synadb.cli._salvage import salvage

    target: str = args.salvage
    if os.path.lexists(target):
        raise StorageError(f"{target} exists already; name a file that does not")
    try:
        with working_on("copying what is left of", path):
            saved, lost = salvage(path, target)
    except CorruptStoreError as error:
        return _print_unreadable(path, error, args)
    if args.json:
        print(to_json({"database": path, "saved": target, "runs": saved, "lost": lost}))
        return FOUND_PROBLEMS if lost else 0
    for line in lost:
        print(f"lost: {line}")
    print(f"{target}: {counted(saved, 'run')} copied; {path} is left as it was")
    return FOUND_PROBLEMS if lost else 0
