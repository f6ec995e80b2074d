"""`synadb tail`: what a run prints and logs, as it comes."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from synadb.cli._parsing import Subparsers, add_command, add_database, whole_number
from synadb.cli._reading import as_text, find_run, flatten, one_line, open_database, to_json
from synadb.media.finding import is_under
from synadb.named import NamedTuple

if TYPE_CHECKING:
    from synadb.records import ConsoleLine, RunRecord
    from synadb.tracker import ExperimentTracker

DESCRIPTION = """\
Show the end of what a run has printed and logged, and go on as it prints and logs more, until it
ends; any other process may be the one that logs it. A row of metrics is a line with its step;
values that are added to a step later, as media are when they are encoded, come as another line. A
value that replaces one that has been shown already is not shown again: `synadb show` and `synadb
export` have the last.

What the run wrote to its standard error goes to standard error, the rest to standard output."""

EXAMPLE = """\
examples:
  synadb tail brisk-otter-1
  synadb tail RUN --only metrics --key loss --key val.acc
  synadb tail RUN --lines 100 --no-follow
  synadb tail RUN --json | jq .loss"""

INTERVAL = 0.5  # seconds between looks, as often as a run's process writes
RUNNING = ("running", "preempting")
_CLOCKS = ("_step", "_runtime", "_timestamp")


class _Event(NamedTuple):
    """A line of the console, or the new values of a row."""

    time: float
    step: int | None
    values: Mapping[str, Any]
    line: ConsoleLine | None


def add_parser(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = add_command(subparsers, "tail", run, DESCRIPTION, EXAMPLE)
    parser.add_argument("run", metavar="RUN", help="its id, how its id begins, or its name")
    add_database(parser)
    parser.add_argument(
        "--lines", "-n", metavar="N", type=whole_number, default=10, help="lines to begin with (10)"
    )
    parser.add_argument(
        "--only", choices=("console", "metrics"), help="one of the two (default: both)"
    )
    parser.add_argument(
        "--key",
        metavar="KEY",
        action="append",
        default=[],
        help="of the rows only this metric, or what is inside of it; may be repeated",
    )
    parser.add_argument("--no-follow", action="store_true", help="do not wait for more")
    parser.add_argument("--json", action="store_true", help="print a JSON object a line")


def run(args: argparse.Namespace) -> int:
    """Print until the run ends."""
    with open_database(args) as tracker:
        record = find_run(tracker, args.run)
        source = _Source(tracker, record.run_id, args)
        for event in source.first(record, args.lines):
            _print(event, args)
        while record.state in RUNNING and not args.no_follow:
            sys.stdout.flush()
            time.sleep(INTERVAL)
            tracker.recover()  # a process that has died says nothing any more
            # The state first: what was logged before it was set is there when it is read.
            record = tracker.get_run(record.run_id)
            for event in source.more(record):
                _print(event, args)
    if not args.no_follow:
        print(f"synadb: run {record.run_id}: {record.state}", file=sys.stderr)
    return 0


class _Source:
    """What there is of a run beyond what has been read."""

    def __init__(self, tracker: ExperimentTracker, run_id: str, args: argparse.Namespace) -> None:
        self._tracker = tracker
        self._run_id = run_id
        self._console = args.only != "metrics"
        self._metrics = args.only != "console"
        self._keys = tuple(args.key)
        self._fold_media = not args.json
        self._lines: dict[str, int] = {}  # the last number of each process
        self._step = -1  # up to which whole rows have been read
        self._steps: dict[str, int] = {}  # and the numbers of each key
        self._event = 0  # up to which other values have been read
        self._seen: dict[int, set[str]] = {}  # and of each step their keys

    def first(self, record: RunRecord, most: int) -> list[_Event]:
        """The last events; those before are taken as read."""
        events = self._new_lines() if self._console else []
        if self._metrics:
            events += self._last_rows(record, most)
        events.sort(key=lambda event: event.time)
        return events[max(0, len(events) - most) :]

    def more(self, record: RunRecord) -> list[_Event]:
        """What has come since."""
        events = self._new_lines() if self._console else []
        if self._metrics:
            events += self._new_rows(record)
        return sorted(events, key=lambda event: event.time)

    def _new_lines(self) -> list[_Event]:
        from synadb.storage.following import console_since

        found = console_since(self._tracker._store, self._run_id, self._lines)
        found.sort(key=lambda line: (line.source, line.number))
        self._lines.update((line.source, line.number) for line in found)
        # A line that was written to again, as a progress bar is, has a later time than lines
        # below it: it stands where it began.
        began: dict[str, float] = {}
        events = []
        for line in reversed(found):
            began[line.source] = min(line.time, began.get(line.source, line.time))
            events.append(_Event(began[line.source], None, {}, line))
        return events[::-1]

    def _last_rows(self, record: RunRecord, most: int) -> list[_Event]:
        from synadb.storage.following import last_event

        # First: what comes while rows are read is asked for again, and known by its key.
        self._event = last_event(self._tracker._store, self._run_id)
        # From the end, in steps that grow: a run may have millions of rows, or very few steps.
        span = max(1, most)
        last = self._tracker._store.last_steps(self._run_id)
        while True:
            low = max(0, record.last_step - span)
            self._steps = {key: min(step, low - 1) for key, step in last.items()}
            self._seen = {}
            events = self._rows(low, record.last_step + 1)
            if len(events) >= most or low == 0:
                break
            span *= 8
        self._step = record.last_step
        return events

    def _new_rows(self, record: RunRecord) -> list[_Event]:
        last = self._tracker._store.last_steps(self._run_id)
        events = self._late_values(last) + self._rows(self._step + 1, record.last_step + 1)
        self._step = record.last_step
        return events

    def _rows(self, low: int, end: int) -> list[_Event]:
        return self._events(self._tracker.scan(self._run_id, min_step=low, max_step=end))

    def _late_values(self, last: Mapping[str, int]) -> list[_Event]:
        """What has come to steps that were read without it.

        Media are there when they are encoded, and each key may count steps on its own.
        """
        rows = self._late_events()
        for key, step in last.items():
            before = self._steps.get(key, -1)
            if before >= min(step, self._step):
                continue
            keys = (key, "_timestamp")
            for row in self._tracker.scan(
                self._run_id, keys, min_step=before + 1, max_step=self._step + 1
            ):
                rows.setdefault(row["_step"], {}).update(row)
        return self._events((row for _, row in sorted(rows.items())), late=True)

    def _late_events(self) -> dict[int, dict[str, Any]]:
        from synadb.storage.following import events_since

        self._event, rows = events_since(self._tracker._store, self._run_id, self._event)
        return {step: row for step, row in rows.items() if step <= self._step}

    def _events(self, rows: Iterable[Mapping[str, Any]], *, late: bool = False) -> list[_Event]:
        events = []
        for row in rows:
            step = row["_step"]
            self._steps.update((key, max(step, self._steps.get(key, -1))) for key in row)
            told = {key: value for key, value in row.items() if key not in _CLOCKS}
            values = _chosen(told, self._keys, fold_media=self._fold_media)
            if late:
                values = _without(values, self._seen.get(step, ()))
            if others := _others(told):
                self._seen.setdefault(step, set()).update(others)
            if values:
                events.append(_Event(row["_timestamp"], step, values, None))
        return events


def _chosen(row: Mapping[str, Any], keys: Sequence[str], *, fold_media: bool) -> dict[str, Any]:
    """The values of a row to show: all, or those of the keys and what is inside of these."""
    flat = flatten(row, fold_media=fold_media)
    if not keys:
        return flat
    whole = flatten(row)  # a key may lead into media
    chosen: dict[str, Any] = {}
    for key in keys:
        for values in (flat, whole):
            found = {name: value for name, value in values.items() if is_under(name, key)}
            if found:
                chosen.update(found)
                break
    return chosen


def _others(row: Mapping[str, Any]) -> list[str]:
    """The keys of what is no number of its own: a run may have millions of those."""
    others = {key: value for key, value in row.items() if not isinstance(value, int | float)}
    # An empty dict is no value that another one inside of it would replace.
    return [key for key, value in flatten(others, fold_media=True).items() if value != {}]


def _without(values: Mapping[str, Any], seen: Collection[str]) -> dict[str, Any]:
    return {
        key: value
        for key, value in values.items()
        if not any(is_under(key, other) for other in seen)
    }


def _print(event: _Event, args: argparse.Namespace) -> None:
    line = event.line
    if args.json:
        facts: dict[str, Any]
        if line is not None:
            facts = {"time": line.time, "stream": line.stream, "line": line.line}
        else:
            facts = {"_step": event.step, "_timestamp": event.time, **event.values}
        print(to_json(facts, indent=None))
    elif line is not None:
        stream: TextIO = sys.stderr if line.stream == "stderr" else sys.stdout
        print(line.line, file=stream)
    else:
        cells = (one_line(f"{key}={_short(value)}") for key, value in event.values.items())
        print(f"step {event.step}:", *cells)


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else as_text(value)
