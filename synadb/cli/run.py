"""`synadb run`: a script or a command, unmodified, with SynaDB in place of wandb.

The command takes this process's place, so that signals, exit code, terminal and process group are
its own. What it and its children find is arranged through the environment alone.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from typing import NoReturn

from synadb.cli._parsing import Subparsers, add_command
from synadb.wandb_compat._install import overlay_environment

NO_SCRIPT = 2  # Python's exit code for a script that is not there
NOT_EXECUTABLE = 126  # the exit codes of a shell
NOT_FOUND = 127

USAGE = """\
synadb run [--db FILE] SCRIPT.py [ARGS...]
       synadb run [--db FILE] -m MODULE [ARGS...]
       synadb run [--db FILE] -- COMMAND [ARGS...]"""

DESCRIPTION = """\
Run a script or a command in which every 'import wandb' imports SynaDB instead, in child processes
and in libraries too. Runs are recorded in one database, whatever folder the program changes to:
FILE, else $SYNADB_PATH, else the nearest experiments.db."""

EXAMPLE = """\
examples:
  synadb run train.py --epochs 3
  synadb run -m package.train --epochs 3
  synadb run -- torchrun --nproc-per-node 2 train.py"""


def add_parser(subparsers: Subparsers) -> None:
    """Add the command's own arguments; the rest of the line is the other program's."""
    parser = add_command(
        subparsers, "run", run, DESCRIPTION, EXAMPLE, usage=USAGE, allow_abbrev=False
    )
    parser.add_argument("--db", metavar="FILE", help="the database to record into")
    parser.add_argument("-m", dest="module", action="store_true", help="run a module, as python -m")


def split(argv: list[str]) -> tuple[list[str], list[str]]:
    """Split what follows `run` into our arguments and the other program's command line.

    Ours end at the first word that is no option. A leading "--" is left in the second part: what
    follows it is run as it stands.
    """
    own: list[str] = []
    position = 0
    while position < len(argv):
        word = argv[position]
        if word == "--" or not word.startswith("-"):
            break
        if word.startswith("-m"):
            own.append("-m")
            return own, [*filter(None, [word[2:]]), *argv[position + 1 :]]
        taken = 2 if word == "--db" else 1
        own += argv[position : position + taken]
        position += taken
    return own, argv[position:]


def run(args: argparse.Namespace) -> int:
    """Replace this process by the command; returns only when there is nothing to run."""
    rest: list[str] = args.rest
    as_it_stands = rest[:1] == ["--"] and not args.module
    if as_it_stands:
        rest = rest[1:]
    if not rest:
        args.parser.error("which module?" if args.module else "nothing to run")
    environment = overlay_environment(os.environ)
    environment["SYNADB_PATH"] = _database(args.db)
    try:
        if args.module:
            program, command = sys.executable, [sys.executable, "-m", *rest]
        else:
            program, command = _resolve(rest, as_it_stands, environment["PATH"])
        if os.name == "nt":
            return _run_child(program, command, environment)
        _replace_process(program, command, environment)
    except OSError as error:
        if not as_it_stands and (text := _no_script(rest[0])):
            print(f"synadb run: {text}", file=sys.stderr)
            return NO_SCRIPT
        print(f"synadb: {rest[0]}: {error.strerror or error}", file=sys.stderr)
        return NOT_FOUND if error.errno == errno.ENOENT else NOT_EXECUTABLE


def _database(chosen: str | None) -> str:
    """Where all processes of the command record to: absolute, since they may change folder."""
    named = chosen or os.environ.get("SYNADB_PATH")
    if named:
        return named if "://" in named else os.path.abspath(os.path.expanduser(named))
    from synadb.settings import database_path

    return database_path()


def _no_script(name: str) -> str | None:
    """Say what is wrong with a word that is no command and looks like a script or its folder."""
    if os.path.isdir(name):
        return f"{name} is a folder; name a script in it"
    if name.endswith(".py") and not os.path.exists(name):
        return f"there is no script {name}"
    return None


def _resolve(rest: list[str], as_it_stands: bool, search: str) -> tuple[str, list[str]]:
    """Return the program to execute and its command line.

    Raises:
        OSError: there is no such program, or it cannot be executed.
    """
    name = rest[0]
    script = name.endswith(".py") and os.path.exists(name)
    if script and not as_it_stands:
        return sys.executable, [sys.executable, *rest]
    try:
        return _find(name, search), rest
    except OSError:
        if script:  # `synadb run -- train.py` is not worth an error either
            return sys.executable, [sys.executable, *rest]
        raise


def _find(name: str, search: str) -> str:
    """Look a command up as a shell does: by its path, or in the folders of `search`."""
    if os.name == "nt":
        import shutil

        found = shutil.which(name, path=search)
        if found is None:
            raise OSError(errno.ENOENT, "command not found")
        return found
    by_path = os.sep in name
    folders = [""] if by_path else search.split(os.pathsep)
    refused = OSError(errno.ENOENT, "no such file" if by_path else "command not found")
    for folder in folders:
        candidate = os.path.join(folder, name)
        if os.path.isfile(candidate):
            if os.access(candidate, os.X_OK):
                return candidate
            refused = OSError(errno.EACCES, "not executable")
        elif by_path and os.path.isdir(candidate):
            refused = OSError(errno.EISDIR, "is a directory")
    raise refused


def _replace_process(program: str, command: list[str], environment: dict[str, str]) -> NoReturn:
    import signal

    sys.stdout.flush()
    sys.stderr.flush()
    # Python ignores these two, and what is ignored stays ignored in the program that takes over.
    for name in ("SIGPIPE", "SIGXFSZ"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    os.execve(program, command, environment)


def _run_child(program: str, command: list[str], environment: dict[str, str]) -> int:
    """Stand by while the command runs: for Windows, where no process can take another's place."""
    import subprocess

    child = subprocess.Popen(command, executable=program, env=environment)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue  # the child got it as well; its answer is the one that counts
