"""`synadb merge`: runs of several databases in one."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

from synadb.cli._parsing import Subparsers, add_command
from synadb.cli._progress import Progress
from synadb.cli._reading import align, counted, to_json
from synadb.errors import CorruptStoreError, StorageError, SynaDBError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from synadb.tracker import ExperimentTracker

DESCRIPTION = """\
Copy everything in the databases FILE into OUT, which is made if it is not there: runs with their
history, console, media and files, artifacts with versions, aliases and lineage, and sweeps. A run
is copied in one transaction, compared with the original by its SHA-256, and known from then on: one
that is there already is left alone, so that merging twice is the same as once.

Where OUT has another run of the same id, the copy is ID-2 (--clash rename); or the run is left out
(skip), takes the place of the other (replace), or ends the command (error). An artifact's version
keeps its number where OUT does not have it yet, and gets the next one otherwise; an alias that OUT
has stays where it is, and latest is the newest."""

EXAMPLE = """\
examples:
  synadb merge all.db cluster/*.db
  synadb merge all.db laptop.db --clash replace"""

_CLASHES = ("rename", "skip", "replace", "error")


def add_parser(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = add_command(subparsers, "merge", run, DESCRIPTION, EXAMPLE)
    parser.add_argument("out", metavar="OUT", help="the database to copy into")
    parser.add_argument("files", metavar="FILE", nargs="+", help="a database to copy from")
    parser.add_argument(
        "--clash",
        choices=_CLASHES,
        default="rename",
        help="what becomes of a run whose id another one has (default: rename)",
    )
    parser.add_argument(
        "--running", action="store_true", help="copy runs that have not ended, as they stand"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Copy one file after the other."""
    from synadb.tracker import ExperimentTracker

    out = os.path.abspath(os.path.expanduser(args.out))
    files = [os.path.abspath(os.path.expanduser(file)) for file in args.files]
    for file in files:
        _check_source(file, out)
    reports = []
    with ExperimentTracker(out) as target:
        for file in files:
            with ExperimentTracker(file) as source:
                reports.append(_copy(source, target, None, args.clash, running=args.running))
            if not args.json:
                _print(reports[-1], target.path)
    if args.json:
        print(to_json({"database": out, "files": reports}))
    return 0


def copy_runs(tracker: ExperimentTracker, run_ids: Sequence[str], args: argparse.Namespace) -> int:
    """Copy chosen runs into the database `args.to`, for `synadb export --to`."""
    from synadb.tracker import ExperimentTracker

    out = os.path.abspath(os.path.expanduser(args.to))
    _check_source(tracker.path, out)
    with ExperimentTracker(out) as target:
        report = _copy(tracker, target, run_ids, "rename", running=True)
    if args.json:
        print(to_json({"database": out, "files": [report]}))
    else:
        _print(report, out)
    return 0


def _check_source(file: str, out: str) -> None:
    if not os.path.exists(file):
        raise StorageError(f"there is no database at {file}")
    if os.path.isfile(file) and not os.path.getsize(file):
        raise StorageError(f"{file} is empty, 0 bytes: no database has been written to it")
    if os.path.exists(out) and os.path.samefile(file, out):
        raise SynaDBError(f"{file} cannot be copied into itself; name another file")


def _copy(
    source: ExperimentTracker,
    target: ExperimentTracker,
    run_ids: Sequence[str] | None,
    clash: str,
    *,
    running: bool,
) -> dict[str, Any]:
    source.flush()
    notes: list[str] = []
    store = target._store
    merged = store.merge(source._store, run_ids, clash=clash, running=running, notes=notes)
    count = len(source._store.run_ids() if run_ids is None else run_ids)
    what = f"copying {os.path.basename(source.path)}"
    try:
        with Progress(what, count, "runs") as progress:
            runs = [found._asdict() for found in progress.each(merged)]
    except CorruptStoreError as error:
        raise CorruptStoreError(f"{source.path}: {error}; what came before it is copied") from error
    return {"file": source.path, "runs": runs, "notes": notes}


def _print(report: dict[str, Any], out: str) -> None:
    rows = []
    for found in report["runs"]:
        renamed = "" if found["run_id"] == found["source_id"] else f" as {found['run_id']}"
        counts = (
            f"{counted(found['rows'], 'row')}, {counted(found['console'], 'line')}, "
            f"{counted(found['files'], 'file')}, {counted(found['artifacts'], 'artifact')}, "
            f"{counted(found['bytes'], 'byte')}"
        )
        done = found["outcome"] in ("copied", "replaced")
        rows.append(
            (
                found["source_id"],
                {"known": "already there"}.get(found["outcome"], found["outcome"]) + renamed,
                counts if done else "",
                f"sha256 {found['digest'][:16]}",
            )
        )
    for line in align(rows) if rows else ():
        print(line)
    for note in report["notes"]:
        print(f"synadb: {report['file']}: {note}", file=sys.stderr)
    copied = sum(found["outcome"] in ("copied", "replaced") for found in report["runs"])
    print(f"{copied} of {len(report['runs'])} runs of {report['file']} copied to {out}")
