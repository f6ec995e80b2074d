"""`synadb plot`: metrics as charts, on the terminal or in a picture."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from synadb.cli._parsing import Subparsers, add_command, add_database
from synadb.cli._reading import (
    align,
    find_runs,
    flatten,
    is_number,
    one_line,
    open_database,
    to_json,
)
from synadb.errors import MetricNotFoundError

if TYPE_CHECKING:
    from synadb.cli._chart import Line
    from synadb.tracker import ExperimentTracker

DESCRIPTION = """\
Draw metrics of runs. With --key a chart each, all runs in it; without, a line of every metric of
every run. On the terminal, charts are made of characters and need nothing else; --out draws a
picture by matplotlib. Of long runs a part of the rows is drawn, with the ends and the least and the
greatest value of each metric among them.

Several runs in one chart are told apart by colours on a terminal, and by marks where the output is
none or NO_COLOR is set."""

EXAMPLE = """\
examples:
  synadb plot brisk-otter-1
  synadb plot RUN --key loss
  synadb plot RUN OTHER --key loss --key val.acc --x time
  synadb plot RUN --key loss --x epoch --log --out loss.png"""

SAMPLES = 4000  # rows that a chart is drawn from
PANELS = 24  # charts of one picture
_CLOCKS = {"step": "_step", "time": "_runtime"}
_SPARK = 40  # characters


def add_parser(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = add_command(subparsers, "plot", run, DESCRIPTION, EXAMPLE)
    parser.add_argument(
        "runs", metavar="RUN", nargs="+", help="its id, how its id begins, or its name"
    )
    # Only as an option: a last word FILE could not be told from a RUN.
    add_database(parser, positional=False)
    parser.add_argument(
        "--key",
        metavar="KEY",
        action="append",
        default=[],
        help="a metric, nested ones with dots; may be repeated (default: all)",
    )
    parser.add_argument(
        "--x",
        metavar="AXIS",
        default="step",
        help="step, time (seconds since the run began) or a metric (default: step)",
    )
    parser.add_argument("--log", action="store_true", help="a logarithmic scale of the values")
    parser.add_argument(
        "--out", metavar="FILE", help="draw into this file, PNG or as its ending says"
    )
    parser.add_argument("--json", action="store_true", help="print all the points as JSON")


def run(args: argparse.Namespace) -> int:
    """Draw what is asked for."""
    if args.json and args.out:
        args.parser.error("--json and --out: choose one")
    with open_database(args) as tracker:
        run_ids = find_runs(tracker, args.runs)
        charts = _charts(tracker, run_ids, args)
    if args.json:
        found = {key: {line.name: _points(line) for line in lines} for key, lines in charts.items()}
        print(to_json({"x": args.x, "metrics": found}, indent=None))
    elif args.out:
        _draw(charts, args)
        print(f"drawn: {args.out}")
    elif args.key:
        _print_charts(charts, args)
    else:
        _print_sparklines(charts, run_ids)
    return 0


def _points(line: Line) -> dict[str, Any]:
    return {"x": line.xs, "y": line.ys}


def _charts(
    tracker: ExperimentTracker, run_ids: Sequence[str], args: argparse.Namespace
) -> dict[str, list[Line]]:
    """The lines of each key, one for every run that has it.

    Raises:
        MetricNotFoundError: none of the runs has a key that is asked for, or any metric.
    """
    axis = _CLOCKS.get(args.x, args.x)
    samples = None if args.json else SAMPLES
    charts: dict[str, list[Line]] = {key: [] for key in args.key}
    for run_id in run_ids:
        # Each key is read for itself: rows that lack another one are to count.
        for wanted in args.key or (None,):
            keys = None if wanted is None else (wanted, axis)
            sampled = tracker.sample(run_id, samples, keys)
            # Who names a key may mean the width of a picture; all metrics do not.
            rows = [flatten(row, fold_media=wanted is None) for row in sampled]
            for key in (wanted,) if wanted else _metrics(rows, axis):
                line = _line(run_id, rows, axis, key)
                if line.xs:
                    charts.setdefault(key, []).append(line)
    lacking = [key for key, lines in charts.items() if not lines]
    if lacking or not charts:
        which = f"metric {lacking[0]!r}" if lacking else "metric of numbers"
        along = "" if args.x in _CLOCKS else f" with {args.x!r} beside it"
        raise MetricNotFoundError(
            f"there is no {which}{along} in {', '.join(run_ids)}; `synadb show RUN` lists them"
        )
    return charts


def _metrics(rows: Sequence[dict[str, Any]], axis: str) -> list[str]:
    keys = dict.fromkeys(key for row in rows for key in row)
    return [key for key in keys if key != axis and not key.startswith("_")]


def _line(run_id: str, rows: Sequence[dict[str, Any]], axis: str, key: str) -> Line:
    from synadb.cli._chart import Line

    pairs = [
        (row[axis], row[key])
        for row in rows
        if is_number(row.get(axis)) and is_number(row.get(key))
    ]
    if axis not in _CLOCKS.values():
        pairs.sort(key=lambda pair: pair[0])
    return Line(run_id, [x for x, _ in pairs], [y for _, y in pairs])


def _print_charts(charts: dict[str, list[Line]], args: argparse.Namespace) -> None:
    import shutil

    from synadb.cli._chart import COLORS, MARKS, chart

    size = shutil.get_terminal_size()
    braille, color = _braille(), _color()
    # On a terminal all of them are to be seen at once, as far as that is possible.
    rows = max(8, min(20, (size.lines - 1) // len(charts) - 2))
    for number, (key, lines) in enumerate(charts.items()):
        print("\n" * bool(number) + one_line(f"{key} by {args.x}"))
        drawn = chart(lines, size.columns - 1, rows, braille=braille, color=color, log=args.log)
        for text in drawn:
            print(text.rstrip())
        for index, line in enumerate(lines if len(lines) > 1 else ()):
            mark = MARKS[index % len(MARKS)]
            if color:
                mark = f"\x1b[{COLORS[index % len(COLORS)]}m{'⣿' if braille else mark}\x1b[0m"
            print(f"  {mark} {one_line(line.name)}")


def _print_sparklines(charts: dict[str, list[Line]], run_ids: Sequence[str]) -> None:
    from synadb.cli._chart import sparkline

    several = len(run_ids) > 1
    blocks = _braille()
    rows = [["METRIC", *["RUN"] * several, "", "MIN", "MAX", "LAST"]]
    for key in sorted(charts):
        for line in charts[key]:
            known = [value for value in line.ys if not math.isnan(value)] or [line.ys[-1]]
            figures = (min(known), max(known), line.ys[-1])
            drawn = sparkline(line.ys, _SPARK, blocks=blocks)
            rows.append(
                [key, *[line.name] * several, drawn, *(f"{number:.5g}" for number in figures)]
            )
    width = len(rows[0])
    for text in align(rows, right=range(width - 3, width)):
        print(text)


def _braille() -> bool:
    """Whether the output can show it."""
    try:
        "⣿█│".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _color() -> bool:
    """Whether to colour: https://no-color.org."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain


def _draw(charts: dict[str, list[Line]], args: argparse.Namespace) -> None:
    from synadb.cli._figure import new_figure, save
    from synadb.errors import InvalidValueError

    if len(charts) > PANELS:
        raise InvalidValueError(
            f"{len(charts)} metrics are too many for one picture; name up to {PANELS} with --key"
        )
    across = min(3, len(charts))
    down = -(-len(charts) // across)
    figure = new_figure("--out", (2 + 4.5 * across, 0.6 + 3.2 * down), "")
    places = figure.subplots(down, across, squeeze=False).flat
    names = {line.name: None for lines in charts.values() for line in lines}
    colors = {name: f"C{number}" for number, name in enumerate(names)}
    for place, (key, lines) in zip(places, charts.items(), strict=False):
        for line in lines:
            alone = "." if len(line.xs) == 1 else None
            place.plot(line.xs, line.ys, label=line.name, color=colors[line.name], marker=alone)
        place.set(title=key, xlabel="seconds" if args.x == "time" else args.x)
        if args.log:
            place.set_yscale("log")
        place.spines[["top", "right"]].set_visible(False)
        if len(lines) > 1:
            place.legend(fontsize="small")
    for place in list(figure.axes)[len(charts) :]:
        place.set_axis_off()
    save(figure, args.out)
