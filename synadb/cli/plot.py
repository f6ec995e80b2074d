"""`synadb plot`: metrics as charts, on the terminal or in a picture."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synadb.cli._parsing import Subparsers, add_command, add_runs, take_database
from synadb.cli._reading import (
    align,
    find_runs,
    flatten,
    is_number,
    media_kind,
    one_line,
    open_database,
    to_json,
)
from synadb.errors import MetricNotFoundError
from synadb.named import NamedTuple

if TYPE_CHECKING:
    from synadb.cli._chart import Line
    from synadb.records import RunRecord
    from synadb.tracker import ExperimentTracker

DESCRIPTION = """\
Draw metrics of runs. With --key a chart each, all runs in it; without, a line of every metric of
every run. On the terminal, charts are made of characters and need nothing else; --out draws a
picture by matplotlib. Of long runs a part of the rows is drawn, with the ends and the least and the
greatest value of each metric among them.

A chart's axis is the step metric that define_metric has given the metric, where all runs have the
same one, and else the step; --x step is the step in any case.

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
_NAMES = {column: name for name, column in _CLOCKS.items()}
_SPARK = 40  # characters


class _Chart(NamedTuple):
    """One pair of axes: the key that x is read from, and of each run that has the metric a line."""

    axis: str
    lines: dict[str, Line]


def add_parser(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = add_command(subparsers, "plot", run, DESCRIPTION, EXAMPLE)
    add_runs(parser)
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
        help="step, time (seconds since the run began) or a metric (default: the step metric "
        "that define_metric gave, else step; with --json step)",
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
    take_database(args)
    with open_database(args) as tracker:
        records = tracker.get_runs(find_runs(tracker, args.runs))
        charts = _charts(tracker, records, args)
    if args.json:
        found = {
            key: {run_id: _points(line) for run_id, line in chart.lines.items()}
            for key, chart in charts.items()
        }
        print(to_json({"x": args.x or "step", "metrics": found}, indent=None))
    elif args.out:
        _draw(charts, args)
        print(f"drawn: {args.out}")
    elif args.key:
        _print_charts(charts, args)
    else:
        _print_sparklines(charts, several=len(records) > 1)
    return 0


def _points(line: Line) -> dict[str, Any]:
    return {"x": line.xs, "y": line.ys}


def _charts(
    tracker: ExperimentTracker, records: Sequence[RunRecord], args: argparse.Namespace
) -> dict[str, _Chart]:
    """The chart of each key, with a line for every run that has it.

    Raises:
        MetricNotFoundError: none of the runs has a key that is asked for, or any metric.
    """
    samples = None if args.json else SAMPLES
    labels = _labels(records)
    charts = {key: _Chart(_axis(tracker, records, key, args), {}) for key in args.key}
    for record in records:
        # Each key is read for itself: rows that lack another one are to count.
        for wanted in args.key or (None,):
            keys = None if wanted is None else (wanted, charts[wanted].axis)
            sampled = tracker.sample(record.run_id, samples, keys)
            # Who names a key may mean the width of a picture; all metrics do not.
            rows = [flatten(row, fold_media=wanted is None) for row in sampled]
            for key in (wanted,) if wanted else _metrics(rows, args.x):
                if key not in charts:
                    charts[key] = _Chart(_axis(tracker, records, key, args), {})
                line = _line(labels[record.run_id], rows, charts[key].axis, key)
                if line.xs:
                    charts[key].lines[record.run_id] = line
    if not args.key:
        charts = {key: chart for key, chart in charts.items() if chart.lines}
    lacking = [key for key, chart in charts.items() if not chart.lines]
    if lacking or not charts:
        _refuse_media(tracker, records, lacking)
        which = f"metric {lacking[0]!r}" if lacking else "metric of numbers"
        along = f" with {args.x!r} beside it" if args.x and args.x not in _CLOCKS else ""
        named = ", ".join(record.run_id for record in records)
        raise MetricNotFoundError(
            f"there is no {which}{along} in {named}; `synadb show RUN` lists them"
        )
    return charts


def _refuse_media(
    tracker: ExperimentTracker, records: Sequence[RunRecord], keys: Iterable[str]
) -> None:
    """MetricNotFoundError, where a key is that of media: how to look at them."""
    from synadb.media.finding import files_in

    for key in keys:
        for record in records:
            row = next(tracker.scan(record.run_id, (key,)), {})
            kind = media_kind(row.get(key))
            if kind is not None:
                look = "--media DIR" if any(files_in(row)) else "--json"
                raise MetricNotFoundError(
                    f"{key!r} of {record.run_id} is no metric of numbers but {kind}; "
                    f"`synadb show {record.run_id} {look}` has it"
                )


def _labels(records: Sequence[RunRecord]) -> dict[str, str]:
    """What each run is called in a chart: by its name, with its id where others have the name."""
    names = Counter(record.name for record in records)
    return {
        record.run_id: record.name
        if names[record.name] == 1
        else f"{record.name} ({record.run_id})"
        for record in records
    }


def _metrics(rows: Sequence[dict[str, Any]], axis: str | None) -> list[str]:
    keys = dict.fromkeys(key for row in rows for key in row)
    return [key for key in keys if key != axis and not key.startswith("_")]


def _axis(
    tracker: ExperimentTracker, records: Sequence[RunRecord], key: str, args: argparse.Namespace
) -> str:
    """The key that the x of a metric is read from."""
    asked: str | None = args.x
    if asked is not None:
        return _CLOCKS.get(asked, asked)
    drawn = args.key or args.out  # a sparkline has no axis, and is to show every value
    if args.json or not drawn:
        return "_step"
    found, *others = {_step_metric(record.metadata.get("metrics", ()), key) for record in records}
    if others or found in (None, key):
        return "_step"
    beside = (tracker.scan(record.run_id, (key, found)) for record in records)
    return found if any(True for rows in beside for _ in rows) else "_step"


def _step_metric(definitions: Iterable[Mapping[str, Any]], key: str) -> str | None:
    """What define_metric gave a metric: by its name, or else by the longest glob that fits."""
    given: dict[str, str | None] = {}
    for told in definitions:
        name, axis = told.get("name") or told["glob_name"], told.get("step_metric")
        # In these names a dot inside a key has a backslash.
        given[name.replace("\\.", ".")] = axis and axis.replace("\\.", ".")
    if key in given:
        return given[key]
    globs = [name for name in given if name[-1:] == "*" and key.startswith(name[:-1])]
    return given[max(globs, key=len)] if globs else None


def _line(name: str, rows: Sequence[dict[str, Any]], axis: str, key: str) -> Line:
    from synadb.cli._chart import Line

    pairs = [
        (row[axis], row[key])
        for row in rows
        if is_number(row.get(axis)) and is_number(row.get(key))
    ]
    if axis not in _NAMES:
        pairs.sort(key=lambda pair: pair[0])
    return Line(name, [x for x, _ in pairs], [y for _, y in pairs])


def _print_charts(charts: Mapping[str, _Chart], args: argparse.Namespace) -> None:
    import shutil

    from synadb.cli._chart import COLORS, MARKS, chart

    size = shutil.get_terminal_size()
    braille, color = _braille(), _color()
    # On a terminal all of them are to be seen at once, as far as that is possible.
    rows = max(8, min(20, (size.lines - 1) // len(charts) - 2))
    for number, (key, (axis, by_run)) in enumerate(charts.items()):
        lines = list(by_run.values())
        print("\n" * bool(number) + one_line(f"{key} by {_NAMES.get(axis, axis)}"))
        drawn = chart(lines, size.columns - 1, rows, braille=braille, color=color, log=args.log)
        for text in drawn:
            print(text.rstrip())
        for index, line in enumerate(lines if len(lines) > 1 else ()):
            mark = MARKS[index % len(MARKS)]
            if color:
                mark = f"\x1b[{COLORS[index % len(COLORS)]}m{'⣿' if braille else mark}\x1b[0m"
            print(f"  {mark} {one_line(line.name)}")


def _print_sparklines(charts: Mapping[str, _Chart], *, several: bool) -> None:
    from synadb.cli._chart import sparkline

    blocks = _braille()
    rows = [["METRIC", *["RUN"] * several, "", "MIN", "MAX", "LAST"]]
    for key in sorted(charts):
        for line in charts[key].lines.values():
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


def _draw(charts: Mapping[str, _Chart], args: argparse.Namespace) -> None:
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
    drawn = dict.fromkeys(run_id for chart in charts.values() for run_id in chart.lines)
    colors = {run_id: f"C{number}" for number, run_id in enumerate(drawn)}
    for place, (key, (axis, lines)) in zip(places, charts.items(), strict=False):
        for run_id, line in lines.items():
            alone = "." if len(line.xs) == 1 else None
            place.plot(line.xs, line.ys, label=line.name, color=colors[run_id], marker=alone)
        place.set(title=key, xlabel={"_step": "step", "_runtime": "seconds"}.get(axis, axis))
        if args.log:
            place.set_yscale("log")
        place.spines[["top", "right"]].set_visible(False)
        if len(lines) > 1:
            for text in place.legend(fontsize="small").get_texts():
                text.set_parse_math(False)  # a name may have $ in it
    for place in list(figure.axes)[len(charts) :]:
        place.set_axis_off()
    save(figure, args.out)
