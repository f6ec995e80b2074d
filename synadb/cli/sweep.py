"""`synadb sweep`: create a sweep, steer it, show it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synadb.cli._parsing import Subparsers, add_command, add_database
from synadb.cli._reading import align, existing_database, flatten, open_database, to_json
from synadb.errors import SweepNotFoundError, SynaDBError
from synadb.wandb_compat._sweeps.loop import parse_path
from synadb.wandb_compat._sweeps.program import add_sweep_arguments, steer
from synadb.wandb_compat.errors import Error

if TYPE_CHECKING:
    from synadb.records import TrialRecord
    from synadb.sweeps.view import Sweep

DESCRIPTION = """\
Create a sweep from a YAML file, change the state of one, or show one: its trials, the values of
its metric and the best of them."""

EXAMPLE = """\
examples:
  synadb sweep sweep.yaml             create it; `synadb agent ID` then runs its program
  synadb sweep sweep.yaml --json | jq -r .sweep_id
  synadb sweep --pause ID             and --resume, --stop, --cancel
  synadb sweep show ID
  synadb sweep show ID --plot s.png   parallel coordinates, and which parameters matter"""


def add_parser(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = add_command(subparsers, "sweep", run, DESCRIPTION, EXAMPLE)
    parser.add_argument(
        "words", metavar="FILE | ID | show ID", nargs="+", help="a YAML file; or a sweep's id"
    )
    add_sweep_arguments(parser)
    parser.add_argument("--plot", metavar="PNG", help="with `show`: draw the sweep into this file")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object; its sweep_id is the id"
    )
    add_database(parser, positional=False)


def run(args: argparse.Namespace) -> int:
    """Do what the words say."""
    words: list[str] = args.words
    shows = words[0] == "show" and len(words) == 2
    if len(words) > 1 and not shows:
        args.parser.error(f"one file or sweep at a time, not {' '.join(words)}")
    if args.plot and not shows:
        args.parser.error("--plot goes with `synadb sweep show ID`")
    if shows:
        return _show(args, words[1])
    if args.db:
        os.environ["SYNADB_PATH"] = os.path.abspath(os.path.expanduser(args.db))
    if args.state or args.update:
        existing_database(args)
    try:
        sweep = steer(args, words[0], "synadb")
    except Error as error:
        raise SynaDBError(str(error)) from error
    if args.json:
        print(to_json(_document(sweep)))
    return 0


def _show(args: argparse.Namespace, path: str) -> int:
    with open_database(args) as tracker:
        try:
            sweep = tracker.sweep(parse_path(path)[1])
        except SweepNotFoundError:
            raise SweepNotFoundError(
                f"no sweep in {tracker.path} has the id {path!r}; `synadb sweeps` lists them"
            ) from None
        if args.plot:
            from synadb.cli._sweep_plot import draw

            draw(sweep, args.plot)
        if args.json:
            print(to_json(_document(sweep)))
        else:
            for line in _lines(sweep):
                print(line)
            if args.plot:
                print(f"\ndrawn: {args.plot}")
    return 0


def _document(sweep: Sweep) -> dict[str, Any]:
    trials = sweep.trials
    best = sweep.best_of(trials)
    return {
        **sweep.record._asdict(),
        "expected_run_count": sweep.expected_run_count,
        "best": best._asdict() if best else None,
        "trials": [trial._asdict() for trial in trials],
    }


def _lines(sweep: Sweep) -> list[str]:
    record, trials = sweep.record, sweep.trials
    expected = sweep.expected_run_count
    lines = [
        f"sweep     {sweep.name}"
        + (f" ({record.sweep_id})" if sweep.name != record.sweep_id else ""),
        f"project   {record.project}",
        f"state     {record.state}"
        + (f" ({record.properties['reason']})" if "reason" in record.properties else ""),
        f"method    {record.config.get('method')}",
        f"trials    {len(trials)}" + (f" of {expected}" if expected is not None else ""),
    ]
    metric = sweep.metric
    if metric is not None:
        lines.append(f"metric    {metric[0]} ({'maximize' if metric[1] else 'minimize'})")
    best = sweep.best_of(trials)
    if best is not None:
        shown = ", ".join(f"{key}={_cell(value)}" for key, value in flatten(best.params).items())
        lines.append(f"best      {_cell(sweep.value(best))} in run {best.run_id}: {shown}")
    if trials:
        lines += ["", *_table(sweep, trials, metric[0] if metric else None)]
    return lines


def _table(sweep: Sweep, trials: Sequence[TrialRecord], metric: str | None) -> list[str]:
    flat = [flatten(trial.params) for trial in trials]
    names = list(dict.fromkeys(name for params in flat for name in params))
    head = ["#", "RUN", "STATE", *([metric] if metric else []), *names, "REASON"]
    rows = [
        [
            str(trial.number),
            trial.run_id,
            trial.state,
            *([_cell(value)] if metric else []),
            *(_cell(params.get(name)) for name in names),
            _reason(trial.properties),
        ]
        for trial, params, value in zip(trials, flat, sweep.values(trials), strict=True)
    ]
    return align([head, *rows], right={0})


def _reason(properties: Mapping[str, Any]) -> str:
    attempts = len(properties.get("attempts", ()))
    parts = [str(properties["reason"])] if "reason" in properties else []
    return "; ".join([*parts, *([f"handed on {attempts} times"] if attempts else [])])


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
