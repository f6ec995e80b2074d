"""The `synadb` command: a table of commands, and what they have in common.

Each command is a file of this package with `add_parser(subparsers)`, which calls `add_command`, and
`run(args) -> int`. Only the chosen command's file is imported. A command that runs another
program also has `split(argv)`, which tells its own arguments from that program's.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from synadb.errors import SynaDBError

if TYPE_CHECKING:
    from types import ModuleType

    from synadb.cli._parsing import Subparsers

__all__ = ["COMMANDS", "Command", "full_parser", "main"]

INTERRUPTED = 130  # what a shell reports for a program ended by SIGINT
BROKEN_PIPE = 141  # and by SIGPIPE
CANNOT_WRITE = 1


class Command(NamedTuple):
    """A row of the table of commands."""

    name: str
    module: str
    help: str


COMMANDS = (
    Command("run", "synadb.cli.run", "run a script or a command with SynaDB in place of wandb"),
    Command("compare", "synadb.cli.compare", "run a script under wandb and under SynaDB"),
    Command("runs", "synadb.cli.runs", "list the runs of a database"),
    Command("show", "synadb.cli.show", "show one run: config, summary, metrics"),
    Command("compare-runs", "synadb.cli.compare_runs", "show in what runs differ"),
    Command("plot", "synadb.cli.plot", "draw metrics, on the terminal or in a picture"),
    Command("tail", "synadb.cli.tail", "follow what a run prints and logs"),
    Command("tag", "synadb.cli.tag", "show and change the tags of runs"),
    Command("info", "synadb.cli.info", "say what a database holds, and where it is"),
    Command("sweep", "synadb.cli.sweep", "create a sweep, pause, resume or end it, show it"),
    Command("agent", "synadb.cli.agent", "run the trials of a sweep"),
    Command("sweeps", "synadb.cli.sweeps", "list the sweeps of a database"),
    Command("import", "synadb.cli.import_", "bring in runs of other trackers"),
    Command("export", "synadb.cli.export", "write runs to files that others read"),
    Command("merge", "synadb.cli.merge", "copy the runs of several databases into one"),
    Command("sql", "synadb.cli.sql", "answer a query over runs, metrics, artifacts"),
    Command("check", "synadb.cli.check", "audit a database, and repair it with --fix"),
    Command("recover", "synadb.cli.recover", "bring rows left behind by dead processes in"),
    Command("rm", "synadb.cli.rm", "delete runs, after asking"),
    Command("gc", "synadb.cli.gc", "give the space of deleted runs back"),
    Command("completion", "synadb.cli.completion", "print a script for a shell's completion"),
)

DESCRIPTION = "Experiment tracking in one local file, for scripts that import wandb and others."
EXAMPLE = """\
example:
  synadb run train.py --epochs 3    the script's wandb calls are recorded in experiments.db
  synadb runs                       what has been recorded
  synadb show RUN                   one of them
"""


def main(argv: list[str] | None = None) -> int:
    """Run one command line and return its exit code; an interrupt ends the process."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the output's encoding lacks is no reason to end in the middle of a table.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        try:
            return _dispatch(sys.argv[1:] if argv is None else argv)
        finally:
            sys.stdout.flush()  # here, where a closed pipe is still ours to deal with
    except SynaDBError as error:
        print(f"synadb: {' '.join(str(error).splitlines())}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        _discard_output()  # the reader, `head` for one, has gone
        return BROKEN_PIPE
    except OSError as error:
        # An error without a file's name is one of writing to standard output.
        where = error.filename or "standard output"
        print(f"synadb: {where}: {error.strerror or error}", file=sys.stderr)
        if not error.filename:
            _discard_output()
        return CANNOT_WRITE
    except KeyboardInterrupt:
        _die_interrupted()


def _discard_output() -> None:
    """Let the interpreter's own flush at exit succeed, wherever standard output led."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _die_interrupted() -> NoReturn:
    """End as a program that knows nothing of Ctrl-C does: a shell's loop around it ends too."""
    import signal

    if os.name != "nt":
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    sys.exit(INTERRUPTED)


def _dispatch(argv: list[str]) -> int:
    chosen = argv[0] if argv else None
    rest: list[str] | None = None
    parser, subparsers = _top_parser()
    for command in COMMANDS:
        if command.name != chosen:
            subparsers.add_parser(command.name, help=command.help)
            continue
        module = _load(command)
        module.add_parser(subparsers)
        if hasattr(module, "split"):
            own, rest = module.split(argv[1:])
            argv = [command.name, *own]
    arguments, unknown = parser.parse_known_args(argv)
    if len(unknown) == 1 and unknown[0][:1] != "-" and getattr(arguments, "file", "") is None:
        # The first words up to an option use FILE up, as empty: `export RUN --csv FILE`.
        arguments.file = unknown.pop()
    if unknown:
        # Left to itself the top parser would show its own usage, and not the command's.
        chosen_parser: argparse.ArgumentParser = getattr(arguments, "parser", parser)
        chosen_parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    if chosen is None:
        parser.print_help()
        return 0
    if rest is not None:
        arguments.rest = rest
    function: Callable[[argparse.Namespace], int] = arguments.func
    return function(arguments)


def full_parser() -> argparse.ArgumentParser:
    """The parser with the arguments of every command; this imports all of them."""
    parser, subparsers = _top_parser()
    for command in COMMANDS:
        _load(command).add_parser(subparsers)
    return parser


def _top_parser() -> tuple[argparse.ArgumentParser, Subparsers]:
    parser = argparse.ArgumentParser(
        prog="synadb",
        description=DESCRIPTION,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    package = sys.modules[__name__.partition(".")[0]]
    version = f"synadb {package.__version__}"
    parser.add_argument("--version", action="version", version=version)
    # With `prog` given, argparse need not format (and import) anything to find it out.
    return parser, parser.add_subparsers(title="commands", metavar="COMMAND", prog="synadb")


def _load(command: Command) -> ModuleType:
    try:
        return import_module(command.module)
    except ModuleNotFoundError as error:
        if error.name != command.module:
            raise
        raise SynaDBError(
            f"the command '{command.name}' is not part of this installation "
            f"(there is no module {command.module})"
        ) from None
