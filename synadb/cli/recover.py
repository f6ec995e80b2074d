"""`synadb recover`: bring in the rows that processes left behind when they died."""

from __future__ import annotations

import argparse

from synadb.cli._parsing import Subparsers, add_command, add_database
from synadb.cli._progress import Progress
from synadb.cli._reading import existing_database, journal_size, open_database, to_json

DESCRIPTION = """\
Bring the rows that lie in the journals of dead processes into the database, and mark their runs as
crashed. What running processes still write to is left alone."""

EXAMPLE = """\
example:
  synadb recover experiments.db"""


def add_parser(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = add_command(subparsers, "recover", run, DESCRIPTION, EXAMPLE)
    add_database(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Open the database, which recovers, and print what that brought."""
    # Not one that is missing: in a new database the rows would have no run, and be dropped.
    path = existing_database(args)
    before = _journal_bytes(path)
    # A journal's files go when it has been brought in.
    brought = Progress("recovering", before, measure=lambda: before - _journal_bytes(path))
    with brought, open_database(args) as tracker:
        recovered = tracker.recovered
    if args.json:
        print(to_json({"database": path, "recovered": [one._asdict() for one in recovered]}))
        return 0
    for found in recovered:
        torn = f", {found.torn} incomplete at the end" if found.torn else ""
        print(f"run {found.run_id}: {found.rows} records{torn}")
    if not recovered:
        print(f"{path}: nothing to recover")
    return 0


def _journal_bytes(path: str) -> int:
    from synadb.journal import journal_ids

    folder = path + "-live"
    return sum(journal_size(folder, journal_id) for journal_id in journal_ids(folder))
