"""`synadb recover`: bring in the rows that processes left behind when they died."""

from __future__ import annotations

import argparse

from synadb.cli._parsing import Subparsers, add_command, add_database
from synadb.cli._reading import open_database

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


def run(args: argparse.Namespace) -> int:
    """Open the database, which recovers, and print what that brought."""
    # Not one that is missing: in a new database the rows would have no run, and be dropped.
    with open_database(args) as tracker:
        for found in tracker.recovered:
            torn = f", {found.torn} incomplete at the end" if found.torn else ""
            print(f"run {found.run_id}: {found.rows} records{torn}")
        if not tracker.recovered:
            print(f"{tracker.path}: nothing to recover")
    return 0
