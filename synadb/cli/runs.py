"""`synadb runs`: what has been recorded."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from synadb.cli._parsing import Subparsers, add_command, add_database, whole_number
from synadb.cli._reading import align, as_text, local_time, open_database, to_json

if TYPE_CHECKING:
    from synadb.query import Key
    from synadb.records import RunRecord

DESCRIPTION = """\
List the runs of a database in order of creation, or with --sort of a metric's last value or of
another field; runs that have no such number or text come last in either direction."""

EXAMPLE = """\
examples:
  synadb runs
  synadb runs results/experiments.db --experiment mnist --state failed
  synadb runs --tag best --last 5
  synadb runs --sort val.acc --reverse
  synadb show $(synadb runs --ids --last 1)
  synadb runs --json"""

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
    from synadb.query import arrange, document, value_of

    return arrange(records, (key,), lambda record, field: value_of(document(record), field))


def _table(records: list[RunRecord], key: Key | None) -> list[tuple[str, ...]]:
    """A line each, with what they are sorted by where that is of a summary or a config."""
    table = [HEAD, *map(_cells, records)]
    if key is None or not key.field.paths:
        return table
    from synadb.query import MISSING, document, value_of

    values = [value_of(document(record), key.field) for record in records]
    more = [str(key.field), *("-" if value is MISSING else as_text(value) for value in values)]
    return [(*row, cell) for row, cell in zip(table, more, strict=True)]


def _cells(record: RunRecord) -> tuple[str, ...]:
    return (
        record.run_id,
        record.name,
        record.experiment,
        record.state,
        str(record.row_count),
        local_time(record.created_at),
    )
