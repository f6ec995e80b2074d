"""`synadb compare-runs`: in what runs differ."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synadb.cli._parsing import Subparsers, add_command, add_runs, take_database
from synadb.cli._reading import (
    align,
    as_text,
    find_runs,
    flatten,
    is_number,
    local_time,
    open_database,
    to_json,
)
from synadb.query import duration

if TYPE_CHECKING:
    from synadb.records import RunRecord

DESCRIPTION = """\
Show in what runs differ: their facts, config and summary (the last value of each metric), a column
a run. Of two runs, numbers have their change as well. Without --all, what is the same in all of
them is left out, and so are keys that begin with _."""

EXAMPLE = """\
examples:
  synadb compare-runs brisk-otter-1 calm-fox-2
  synadb compare-runs RUN RUN RUN --all
  synadb compare-runs RUN RUN --json --db results/experiments.db"""

SECTIONS = ("run", "config", "summary")
ABSENT = "-"
NARROWEST = 8  # characters that a value gets on a terminal, however many runs there are
_FACTS = ("program", "args", "python", "git")  # of what is known of how a run was started

_Table = dict[str, dict[str, dict[str, Any]]]  # section, key, run


def add_parser(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = add_command(subparsers, "compare-runs", run, DESCRIPTION, EXAMPLE)
    add_runs(parser)
    parser.add_argument(
        "--all", action="store_true", help="also what is the same, and keys that begin with _"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Print the table."""
    take_database(args)
    with open_database(args) as tracker:
        run_ids = find_runs(tracker, args.runs)
        if len(run_ids) < 2:
            args.parser.error("takes two runs or more, each named once")
        records = tracker.get_runs(run_ids)
    table = _table(records)
    if not args.all:
        table = {
            section: {key: values for key, values in rows.items() if _tells(key, values, run_ids)}
            for section, rows in table.items()
        }
    if args.json:
        print(to_json({"runs": run_ids, **table}))
        return 0
    for line in _lines(table, run_ids):
        print(line)
    return 0


def _table(records: Sequence[RunRecord]) -> _Table:
    table: _Table = {section: {} for section in SECTIONS}
    for record in records:
        summary = flatten(record.summary, fold_media=True)
        of_run = (_facts(record), flatten(record.config), summary)
        for section, values in zip(SECTIONS, of_run, strict=True):
            for key, value in values.items():
                table[section].setdefault(key, {})[record.run_id] = value
    return table


def _facts(record: RunRecord) -> dict[str, Any]:
    known = {key: record.metadata[key] for key in _FACTS if record.metadata.get(key)}
    return {
        "name": record.name,
        "experiment": record.experiment,
        "state": record.state,
        "group": record.group,
        "job type": record.job_type,
        "tags": ", ".join(record.tags),
        "notes": record.notes or "",
        "host": record.host,
        "created": local_time(record.created_at),
        "seconds": round(duration(record), 1),
        "rows": record.row_count,
        **flatten(known),
    }


def _tells(key: str, values: Mapping[str, Any], run_ids: Sequence[str]) -> bool:
    """Whether the runs differ in this, which is no clock, as `_runtime` is: those always differ."""
    if key.startswith("_"):
        return False
    # By type too, 1 is not True; as text, NaN is NaN.
    kinds = {(type(value), to_json(value)) for value in values.values()}
    return len(values) < len(run_ids) or len(kinds) > 1


def _lines(table: _Table, run_ids: Sequence[str]) -> list[str]:
    two = len(run_ids) == 2
    rows = [["", *run_ids, *["CHANGE"] * two]]
    for section, keys in table.items():
        rows.append(
            [f"{section}:" if keys else f"{section}: no difference", *[""] * len(rows[0][1:])]
        )
        for key, values in keys.items():
            cells = [as_text(values[run_id]) if run_id in values else ABSENT for run_id in run_ids]
            change = [_change(*map(values.get, run_ids))] if two else []
            rows.append([f"  {key}", *cells, *change])
    return align(_fitting(rows) if sys.stdout.isatty() else rows)


def _change(old: Any, new: Any) -> str:
    if not (is_number(old) and is_number(new)) or old == new:
        return ""
    share = f" ({(new - old) / abs(old):+.1%})" if old else ""
    return f"{new - old:+.6g}{share}"


def _fitting(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The rows with values cut so that a line fits on the terminal."""
    import shutil

    columns = shutil.get_terminal_size().columns
    taken = max(len(row[0]) for row in rows)
    room = max(NARROWEST, (columns - taken) // (len(rows[0]) - 1) - 2)
    return [
        [row[0], *(cell if len(cell) <= room else f"{cell[: room - 3]}..." for cell in row[1:])]
        for row in rows
    ]
