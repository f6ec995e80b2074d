"""`synadb agent`: run the trials of a sweep."""

from __future__ import annotations

import argparse
import os

from synadb.cli._parsing import Subparsers, add_command, add_database
from synadb.cli._reading import existing_database
from synadb.errors import SynaDBError
from synadb.wandb_compat._sweeps.program import add_agent_arguments, run_agent
from synadb.wandb_compat.errors import Error

DESCRIPTION = """\
Run the program of a sweep once a trial, until the sweep is over. Any number of agents may run at
once, in any number of processes. Ctrl-C waits for the running trial, a second one ends it."""

EXAMPLE = """\
examples:
  synadb agent ID
  synadb agent ID --count 10"""


def add_parser(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = add_command(subparsers, "agent", run, DESCRIPTION, EXAMPLE)
    add_agent_arguments(parser)
    add_database(parser, positional=False)


def run(args: argparse.Namespace) -> int:
    """Run the agent."""
    os.environ["SYNADB_PATH"] = existing_database(args)
    try:
        run_agent(args)
    except (Error, ValueError, TypeError) as error:
        raise SynaDBError(str(error)) from error
    return 0
