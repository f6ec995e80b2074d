"""`synadb runs`: what has been recorded."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from synadb.cli._parsing import Subparsers, add_command, add_database, whole_number
from synadb.cli._reading import (
    align,
    as_text,
    flatten,
    is_number,
    local_time,
    media_kind,
    open_database,
    to_json,
)
from synadb.errors import MetricNotFoundError

if TYPE_CHECKING:
    from synadb.query import Field, Key
    from synadb.records import RunRecord

DESCRIPTION = """\
List the runs of a database in order of creation, or with --sort of a metric's last value or of
another field; runs that have no such number or text come last in either direction. Of a metric
whose summary holds several numbers, as those that define_metric asked for, it takes best, else
last, else the one of the direction; KEY.max, KEY.min, ... name one."""

EXAMPLE = """\
examples:
  synadb runs
  synadb runs results/experiments.db --experiment mnist --state failed
  synadb runs --tag best --last 5
  synadb runs --sort val.acc --reverse
  synadb show $(synadb runs --ids --last 1)
  synadb runs --json"""

LISTED = 10  # keys that an error message names
HEAD: tuple[str, ...] = ("ID", "NAME", "EXPERIMENT", "STATE", "ROWS", "CREATED")
STATES = (
    "running",
    "finished",
    "failed",
    "killed",
    "crashed",
    "pending",
    "preempting",
    "preempted",
)


def add_parser(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = add_command(subparsers, "runs", run, DESCRIPTION, EXAMPLE)
    add_database(parser)
    parser.add_argument("--experiment", metavar="E", help="only the runs of this experiment")
    parser.add_argument(
        "--state", metavar="S", choices=STATES, help=f"only those: {', '.join(STATES)}"
    )
    parser.add_argument(
        "--tag", metavar="TAG", action="append", default=[], help="only those with it; repeatable"
    )
    parser.add_argument(
        "--last", metavar="N", type=whole_number, help="only the N of them that were created last"
    )
    parser.add_argument(
        "--sort",
        metavar="KEY",
        help="order by a metric of the summary, nested ones with dots, or by a field, as "
        "config.lr or duration; the least first",
    )
    parser.add_argument("--reverse", action="store_true", help="the other way round")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--ids", action="store_true", help="print the ids alone")
    kinds.add_argument("--json", action="store_true", help="print a JSON list, all fields")


def run(args: argparse.Namespace) -> int:
    """Print the table, or the list as JSON."""
    with open_database(args) as tracker:
        found = _chosen(tracker.list_runs(args.experiment), args)
    key = None
    if args.sort is not None:
        key = _key(args.sort, descending=args.reverse)
        found = _sorted(found, key)
    elif args.reverse:
        found.reverse()
    if args.ids:
        for record in found:
            print(record.run_id)
    elif args.json:
        print(to_json([record._asdict() for record in found]))
    else:
        for line in align(_table(found, key), right={HEAD.index("ROWS")}):
            print(line)
    return 0


def _chosen(records: list[RunRecord], args: argparse.Namespace) -> list[RunRecord]:
    found = [
        record
        for record in records
        if args.state in (None, record.state) and set(args.tag) <= set(record.tags)
    ]
    return found if args.last is None else found[max(0, len(found) - args.last) :]


def _key(name: str, *, descending: bool) -> Key:
    """What is none of the fields of `tracker.query` is a metric of the summary."""
    from synadb.query import DOCUMENTS, FIELDS, parse_order

    known = name in FIELDS or name.partition(".")[0] in DOCUMENTS
    (key,) = parse_order(["+-"[descending] + (name if known else f"summary.{name}")])
    return key


def _sorted(records: list[RunRecord], key: Key) -> list[RunRecord]:
    """In order.

    Raises:
        MetricNotFoundError: it is a value of a document, and none of the runs has one to sort by.
    """
    from synadb.query import DOCUMENTS, arrange

    values = {record.run_id: _value(record, key) for record in records}
    orderable = any(isinstance(value, str | int | float) for value in values.values())
    if key.field.root in DOCUMENTS and records and not orderable:
        raise _nothing_to_sort_by(records, key.field)
    return arrange(records, (key,), lambda record, _: values[record.run_id])


def _value(record: RunRecord, key: Key) -> Any:
    """What a run is sorted by, or MISSING."""
    from synadb.query import document, metric_number, value_of

    value = value_of(document(record), key.field)
    if key.field.root != "summary":
        return value
    return metric_number(value, "best", "last", "max" if key.descending else "min")


def _nothing_to_sort_by(records: list[RunRecord], field: Field) -> MetricNotFoundError:
    from synadb.media.finding import is_under
    from synadb.query import document, value_of

    prefix = "" if field.root == "summary" else f"{field.root}."
    name = str(field).removeprefix("summary.")
    known = dict.fromkeys(
        f"{prefix}{key}"
        for record in records
        for key, value in flatten(document(record)[field.root], fold_media=True).items()
        if is_number(value) and not key.startswith("_")
    )
    # Where the key leads to a dict it is one of those inside that is meant.
    near = [key for key in known if is_under(key, name)] or list(known)
    more = f" and {len(near) - LISTED} more" if len(near) > LISTED else ""
    there = f"; there are {', '.join(near[:LISTED])}{more}" if near else ""
    kinds = (media_kind(value_of(document(record), field)) for record in records)
    kind = next(filter(None, kinds), None)
    lack = f"{name!r} is {kind}, no number" if kind else f"no run has a number {name!r}"
    return MetricNotFoundError(f"{lack} to sort by{there}")


def _table(records: list[RunRecord], key: Key | None) -> list[tuple[str, ...]]:
    """A line each, with what they are sorted by where that is of a summary or a config."""
    table = [HEAD, *map(_cells, records)]
    if key is None or not key.field.paths:
        return table
    more = [str(key.field), *(_cell(_value(record, key)) for record in records)]
    return [(*row, cell) for row, cell in zip(table, more, strict=True)]


def _cell(value: Any) -> str:
    from synadb.query import MISSING

    return "-" if value is MISSING else media_kind(value) or as_text(value)


def _cells(record: RunRecord) -> tuple[str, ...]:
    return (
        record.run_id,
        record.name,
        record.experiment,
        record.state,
        str(record.row_count),
        local_time(record.created_at),
    )
