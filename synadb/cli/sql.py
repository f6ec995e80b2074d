"""`synadb sql`: a query over the runs of a database."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from synadb.cli._parsing import Subparsers, add_command
from synadb.cli._reading import align, open_database, to_json

DESCRIPTION = """\
Answer a query, in SQLite's SQL, over these views. It can read and nothing else.

  runs           a run; config, summary, metadata and tags are JSON
  params         a value of a config: run_id, key (nested ones with dots), value
  summaries      a value of a summary: run_id, key, value
  metrics        a number of the history: run_id, key, step, value, time; NaN is null
  events         the rest of the history as JSON: run_id, step, time, data
  artifacts      a version: project, name, version, type, size, aliases, run_id, ...
  lineage        a run that logged (output) or used (input) a version
  run_artifacts  an artifact of one run, without versions: run_id, name, size, sha256
  files          a file of a run, media among them: run_id, path, size, sha256
  console        a line that a run printed: run_id, time, stream, line
  system         a value of a sample of the machine: run_id, time, key, value

The tables of the file itself (docs/format.md) go by main.NAME. A query over metrics is quick where
it names a run_id or a key: only what it reaches is decoded."""

EXAMPLE = """\
examples:
  synadb sql experiments.db "select run_id, name, state from runs"
  synadb sql "select run_id, min(value) from metrics where key = 'loss' group by run_id"
  synadb sql "select * from params where key = 'lr'" --csv > lr.csv
  synadb sql experiments.db - < query.sql"""


def add_parser(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = add_command(subparsers, "sql", run, DESCRIPTION, EXAMPLE)
    parser.add_argument(
        "words",
        metavar="[FILE] QUERY",
        nargs="+",
        help="the database (default: the nearest), and the query; - reads it from standard input",
    )
    parser.add_argument("--db", metavar="FILE", help="the database, as an option")
    parser.set_defaults(file=None)
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--json", action="store_true", help="print a JSON list of objects")
    kinds.add_argument("--csv", action="store_true", help="print CSV")


def run(args: argparse.Namespace) -> int:
    """Print what the query gives."""
    if len(args.words) > 2:
        args.parser.error("there is one FILE at most, and one QUERY in quotes")
    args.file = args.words[0] if len(args.words) == 2 else None
    text = sys.stdin.read() if args.words[-1] == "-" else args.words[-1]
    # Opened as every command does it: what dead processes left behind comes in first.
    with open_database(args) as tracker, tracker._store.sql(text) as answer:
        if args.csv:
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow(answer.columns)
            writer.writerows([_plain(cell) for cell in row] for row in answer.rows)
        elif args.json:
            _print_json(answer.columns, answer.rows)
        else:
            rows = [[_shown(cell) for cell in row] for row in answer.rows]
            for line in align([answer.columns, *rows]):
                print(line)
    return 0


def _print_json(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A list, a line an object, as it comes: there may be very many."""
    print("[", end="")
    before = "\n"
    for row in rows:
        cells = dict(zip(columns, map(_plain, row), strict=True))
        print(before + to_json(cells, indent=None), end="")
        before = ",\n"
    print("\n]")


def _plain(cell: Any) -> Any:
    return cell.hex() if isinstance(cell, bytes) else cell


def _shown(cell: Any) -> str:
    return "" if cell is None else str(_plain(cell))
