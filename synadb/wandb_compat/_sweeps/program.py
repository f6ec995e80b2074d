"""`sweep`, `agent` and `controller` on the command line, for `wandb` and for `synadb`."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from synadb.errors import InvalidValueError, SweepStateError, SynaDBError
from synadb.settings import database_path
from synadb.wandb_compat import _session
from synadb.wandb_compat._sweeps import create as creating
from synadb.wandb_compat._term import termerror, termlog, termwarn
from synadb.wandb_compat.errors import Error

if TYPE_CHECKING:
    from synadb.sweeps.view import Sweep

__all__ = ["COMMANDS", "add_agent_arguments", "add_sweep_arguments", "main", "run_agent", "steer"]

# Option, state, what is being done.
STATES = {
    "stop": ("FINISHED", "Stopping", "no new runs; those that run go on to their end"),
    "cancel": ("CANCELED", "Cancelling", "no new runs, and those that run are stopped"),
    "pause": ("PAUSED", "Pausing", "no new runs for now"),
    "resume": ("RUNNING", "Resuming", "new runs again, also after the end"),
}


def add_sweep_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sweep`, without its words."""
    parser.add_argument("-p", "--project", metavar="P", help="the project of its runs")
    parser.add_argument("-e", "--entity", metavar="E", help="recorded with its runs")
    parser.add_argument("--name", metavar="NAME", help="the sweep's name")
    parser.add_argument("--program", metavar="FILE", help="the program that agents run")
    parser.add_argument("--controller", action="store_true", help="choose the trials from here")
    parser.add_argument("--verbose", action="store_true", help="say what the controller does")
    parser.add_argument("--update", metavar="ID", help="give this sweep the new config")
    parser.add_argument(
        "-R",
        "--prior_run",
        metavar="RUN",
        action="append",
        default=[],
        help="a run that counts as its first; may be repeated",
    )
    states = parser.add_mutually_exclusive_group()
    for name, (_, _, meaning) in STATES.items():
        states.add_argument(
            f"--{name}", dest="state", action="store_const", const=name, help=meaning
        )


def add_agent_arguments(parser: argparse.ArgumentParser) -> None:
    """All arguments of `agent`."""
    parser.add_argument("sweep_id", metavar="SWEEP", help="its id, or [ENTITY/]PROJECT/ID")
    parser.add_argument("-p", "--project", metavar="P", help="the project of the sweep")
    parser.add_argument("-e", "--entity", metavar="E", help="recorded with its runs")
    parser.add_argument("--count", metavar="N", type=int, help="run at most N trials")
    parser.add_argument(
        "-f", "--forward-signals", action="store_true", help="hand signals on to the program"
    )
    parser.add_argument(
        "-t", "--term-timeout", metavar="S", type=int, help="then kill it after S seconds"
    )
    parser.add_argument(
        "--max-consecutive-failed-runs",
        metavar="N",
        type=int,
        help="give up after N failed trials in a row",
    )


def steer(args: argparse.Namespace, word: str, program: str) -> Sweep:
    """Create or update a sweep from the file `word`, or change the state of the sweep `word`.

    Returns that sweep. Raises wandb's Error, or SynaDB's, where that is refused.
    """
    if args.state:
        return _change_state(args.state, word, args.project)
    made = _update(args, word) if args.update else _create(args, word)
    path = f"{made.project}/{made.sweep_id}"
    action = "Updating" if args.update else "Creating"
    termlog(f"{action} sweep with ID: {made.sweep_id}")
    tracker = _session.tracker_for(database_path())
    termlog(f"View sweep at: {creating.sweep_url(tracker.path, made.project, made.sweep_id)}")
    shown = repr(path) if " " in path else path
    termlog(f"Run sweep agent with: {program} agent {shown}")
    if args.controller:
        _control(made.sweep_id, verbose=args.verbose)
    return made


def _config(args: argparse.Namespace, path: str) -> dict[str, Any]:
    from synadb.sweeps.config import read_file

    termlog(f"{'Updating' if args.update else 'Creating'} sweep from: {path}")
    config = read_file(path)
    for key in ("name", "program"):
        if getattr(args, key):
            config[key] = getattr(args, key)
    if args.controller:
        config["controller"] = {**(config.get("controller") or {}), "type": "local"}
    return config


def _create(args: argparse.Namespace, path: str) -> Sweep:
    config = _config(args, path)
    entity = args.entity or os.environ.get("WANDB_ENTITY") or config.get("entity")
    if entity:
        os.environ["WANDB_ENTITY"] = str(entity)
    project = args.project or os.environ.get("WANDB_PROJECT") or config.get("project")
    tracker = _session.tracker_for(database_path())
    return creating.create(tracker, config, project, args.prior_run)


def _update(args: argparse.Namespace, path: str) -> Sweep:
    from synadb.sweeps.config import parse

    found = creating.find(_existing(), args.update, args.project)
    parsed = parse(_config(args, path))
    for text in parsed.warnings:
        termwarn(text)
    found.controller.update(parsed)
    return found


def _existing() -> Any:
    path = database_path()
    if not os.path.exists(path):
        raise InvalidValueError(f"there is no database at {path}; name one, or set SYNADB_PATH")
    return _session.tracker_for(path)


def _change_state(name: str, word: str, project: str | None) -> Sweep:
    state, doing, _ = STATES[name]
    found = creating.find(_existing(), word, project)
    termlog(f"{doing} sweep {found.project}/{found.sweep_id}")
    found.controller.move(state)
    termlog("Done.")
    return found


def run_agent(args: argparse.Namespace) -> None:
    """Run an agent to its end."""
    from synadb.wandb_compat._sweeps.agent import agent

    termlog("Starting wandb agent")
    agent(
        args.sweep_id,
        entity=args.entity,
        project=args.project,
        count=args.count,
        forward_signals=args.forward_signals,
        term_timeout=args.term_timeout,
        max_consecutive_failed_runs=args.max_consecutive_failed_runs,
    )


def _control(sweep_id: str, *, verbose: bool) -> None:
    from synadb.wandb_compat._sweeps.local import controller

    termlog("Starting wandb controller...")
    controller(sweep_id).run(verbose=verbose)


# -- as the program `wandb` ----------------------------------------------------------------------

COMMANDS = ("agent", "controller", "sweep")


def main(argv: list[str]) -> int:
    """Run `wandb sweep`, `wandb agent` or `wandb controller`; the exit code."""
    parser = argparse.ArgumentParser(prog=f"wandb {argv[0]}")
    if argv[0] == "sweep":
        parser.add_argument("config_yaml_or_sweep_id")
        add_sweep_arguments(parser)
    elif argv[0] == "agent":
        add_agent_arguments(parser)
    else:
        parser.add_argument("sweep_id")
        parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args(argv[1:])
    try:
        if argv[0] == "sweep":
            steer(args, args.config_yaml_or_sweep_id, "wandb")
        elif argv[0] == "agent":
            run_agent(args)
        else:
            _control(args.sweep_id, verbose=args.verbose)
    except SweepStateError as error:
        termerror(str(error))
        return 1
    except (Error, SynaDBError, TypeError, ValueError) as error:
        termerror(str(error))
        return 1
    return 0
