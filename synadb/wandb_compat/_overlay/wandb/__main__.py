"""The `wandb` program of the overlay, also `python -m wandb`.

Scripts that call `wandb login` before they train, or `wandb offline`, go on working. What would
need a server, or is not built yet, is refused by name: doing nothing silently would be worse.
"""

from __future__ import annotations

import os
import sys

VERSION = "0.31.0"

# What each harmless command says. None of them changes anything.
ANSWERS = {
    "login": "nothing to log in to: SynaDB records into a local file and needs no account or key",
    "online": "SynaDB records into a local file, online or offline: nothing to switch",
    "offline": "SynaDB always records into a local file: nothing to switch",
    "enabled": "SynaDB is recording: nothing to switch",
    "disabled": "this switch does nothing under SynaDB; set WANDB_MODE=disabled to record nothing",
    "status": "SynaDB stands in for wandb here",
}
ANSWERS["on"], ANSWERS["off"] = ANSWERS["online"], ANSWERS["offline"]

# Done by synadb's own code.
SWEEPS = ("agent", "controller", "sweep")
KNOWN = ", ".join(sorted([*ANSWERS, *SWEEPS]))

USAGE = f"""\
usage: wandb COMMAND [ARGS...]

SynaDB's stand-in for the wandb program. It knows: {KNOWN}.
The records are read with `synadb runs`, `synadb show` and `synadb export`."""


def _say(text: str) -> None:
    print(f"wandb: {text}", file=sys.stderr)


def _import_synadb() -> None:
    # The stand-in beside this file sees to it that synadb can be imported, whichever way this
    # program was found.
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    import wandb  # noqa: F401


def _database() -> str:
    """Where a run started here would be written."""
    _import_synadb()
    from synadb.settings import database_path

    return str(database_path())


def _sweeps(arguments: list[str]) -> int:
    _import_synadb()
    from synadb.wandb_compat._sweeps.program import main as run

    return int(run(arguments))


def _refuse(command: str) -> int:
    _import_synadb()
    from synadb.wandb_compat._support import REFUSED_COMMANDS

    text = f"'wandb {command}' is not supported by SynaDB's stand-in for the wandb program"
    reason = REFUSED_COMMANDS.get(command)
    _say(f"{text}: {reason}" if reason else text)
    _say(f"it knows: {KNOWN}")
    return 2


def main(argv: list[str] | None = None) -> int:
    """Answer one command line; 2 means that the command is not there."""
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments or arguments[0] in {"-h", "--help"}:
        print(USAGE)
        return 0
    command = arguments[0]
    if command in {"-v", "--version"}:
        print(f"wandb, version {VERSION} (SynaDB's stand-in)")
        return 0
    if command in SWEEPS:
        return _sweeps(arguments)
    answer = ANSWERS.get(command)
    if answer is None:
        return _refuse(command)
    _say(answer)
    if command == "status":
        _say(f"runs started here are written to {_database()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
