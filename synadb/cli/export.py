"""`synadb export`: runs as files that other programs read."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any

from synadb.cli._parsing import Subparsers, add_command, add_runs, take_database
from synadb.cli._progress import Progress
from synadb.cli._reading import counted, find_runs, open_database, to_json
from synadb.errors import SynaDBError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from synadb.bench.replay import Replayed
    from synadb.formats._history import Advance
    from synadb.tracker import ExperimentTracker

DESCRIPTION = """\
Write the history of runs, rows merged by step, as CSV, JSON Lines or Parquet: one column for every
key any row has (CSV, Parquet: the parts of nested keys joined by dots), and _run in front where
there are several runs. --long writes a line for each value instead.

With --out DIR each run becomes a folder below DIR: config, summary, metadata, history, console,
system metrics, media and other files, artifacts, and the checksums of them all. With --to FILE.db
the runs are copied, whole, into another database (see `synadb merge`). With --to wandb they are
logged again by the real wandb, below --out DIR (default: here), for `wandb sync` to take; what it
wrote is read back and compared, and exit code 1 says that something is different.

A row that lacks a key has an empty cell (CSV), no such key (JSON Lines), null (Parquet). NaN is nan
(CSV), "NaN" (JSON Lines), NaN (Parquet)."""

EXAMPLE = """\
examples:
  synadb export RUN --csv > history.csv
  synadb export RUN --csv --out history.csv --db results/experiments.db
  synadb export RUN OTHER --parquet --out both.parquet
  synadb export --all --out everything/
  synadb export RUN --to elsewhere.db
  synadb export RUN --to wandb && wandb sync wandb/offline-run-*"""

_SHOWN = 10  # differences of a run
_FORMATS = ("csv", "jsonl", "parquet")


def add_parser(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = add_command(subparsers, "export", run, DESCRIPTION, EXAMPLE)
    add_runs(parser, "*")
    parser.add_argument("--all", action="store_true", help="all runs of the database")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--csv", action="store_true", help="the format, CSV")
    kinds.add_argument("--jsonl", action="store_true", help="the format, JSON Lines")
    kinds.add_argument("--parquet", action="store_true", help="the format, Parquet (needs pyarrow)")
    parser.add_argument("--long", action="store_true", help="a line for each value of each row")
    parser.add_argument(
        "--out",
        metavar="FILE|DIR",
        help="write to FILE, whose ending may tell the format (default: standard output), or "
        "below DIR",
    )
    parser.add_argument(
        "--to",
        metavar="FILE.db|wandb",
        help="copy the runs into this database, or log them again by the wandb that is installed",
    )
    parser.add_argument(
        "--online", action="store_true", help="--to wandb: straight to its server, with your key"
    )
    parser.add_argument("--json", action="store_true", help="report as JSON (--out DIR, --to)")


def run(args: argparse.Namespace) -> int:
    """Write what is asked for."""
    take_database(args, least=0 if args.all else 1)
    kind = next((name for name in _FORMATS if getattr(args, name)), None)
    if args.to and (kind or args.long or (args.out and args.to != "wandb")):
        args.parser.error("--to takes no format and no --out: runs are copied whole")
    if args.online and args.to != "wandb":
        args.parser.error("--online belongs to --to wandb")
    folder = bool(args.out) and _is_folder(args.out, kind)
    if kind is None and args.out and not folder and not args.to:
        kind = os.path.splitext(args.out)[1][1:].lower()
    if kind is None and not folder and not args.to:
        args.parser.error("choose a format (--csv, --jsonl, --parquet), --out DIR or --to FILE.db")
    if kind == "parquet" and not args.out:
        args.parser.error("--parquet needs --out FILE: it is no text")
    if bool(args.runs) == args.all:
        args.parser.error("name the runs, or all of them with --all")
    with open_database(args) as tracker:
        same = args.out and os.path.exists(args.out) and os.path.samefile(args.out, tracker.path)
        if same:
            raise SynaDBError(f"{args.out} is the database itself; name another file")
        if args.all:
            run_ids = [record.run_id for record in tracker.list_runs()]
        else:
            run_ids = find_runs(tracker, args.runs)
        if args.to == "wandb":
            return _to_wandb(tracker, run_ids, args)
        if args.to:
            from synadb.cli.merge import copy_runs

            return copy_runs(tracker, run_ids, args)
        if folder:
            return _folders(tracker, run_ids, args, kind or "jsonl")
        if not args.out:
            with _counted(tracker, run_ids, sys.stdout.isatty()) as advance:
                _write_text(tracker, run_ids, kind, sys.stdout, args.long, advance)
        else:
            _write_file(tracker, run_ids, kind, args.out, args.long)
    return 0


@contextlib.contextmanager
def _counted(
    tracker: ExperimentTracker, run_ids: Sequence[str], quiet: bool = False
) -> Iterator[Advance | None]:
    """Show how many rows have been written, unless the rows themselves are on the terminal."""
    if quiet:
        yield None
        return
    rows = sum(run.row_count for run in tracker.get_runs(run_ids, light=True))
    with Progress("exporting", rows, "rows") as progress:
        yield progress.advance


def _is_folder(out: str, kind: str | None) -> bool:
    if out.endswith(("/", os.sep)) or os.path.isdir(out):
        return True
    return kind is None and os.path.splitext(out)[1][1:].lower() not in _FORMATS


def _write_file(
    tracker: ExperimentTracker, run_ids: Sequence[str], kind: str | None, out: str, long: bool
) -> None:
    from synadb.formats._history import target

    # What is no plain file, /dev/stdout for one, cannot be put in place when it is whole.
    plain = not os.path.exists(out) or os.path.isfile(out)
    place = target(out) if plain else contextlib.nullcontext(out)
    with place as path, _counted(tracker, run_ids) as advance:
        _write_history(tracker, run_ids, kind, path, long, advance)


def _write_history(
    tracker: ExperimentTracker,
    run_ids: Sequence[str],
    kind: str | None,
    path: str,
    long: bool,
    advance: Advance | None = None,
) -> int:
    if kind == "parquet":
        from synadb.formats.history_parquet import write_parquet

        return write_parquet(tracker, run_ids, path, long=long, advance=advance)
    with open(path, "w", encoding="utf-8", newline="") as file:
        return _write_text(tracker, run_ids, kind, file, long, advance)


def _write_text(
    tracker: ExperimentTracker,
    run_ids: Sequence[str],
    kind: str | None,
    file: Any,
    long: bool,
    advance: Advance | None,
) -> int:
    if kind == "csv":
        from synadb.formats.history_csv import write_csv

        return write_csv(tracker, run_ids, file, long=long, advance=advance)
    from synadb.formats.history_jsonl import write_jsonl

    return write_jsonl(tracker, run_ids, file, long=long, advance=advance)


def _to_wandb(tracker: ExperimentTracker, run_ids: Sequence[str], args: argparse.Namespace) -> int:
    from synadb.bench.replay import find_wandb, replay

    version = find_wandb()
    done = []
    try:
        with Progress("exporting", len(run_ids), "runs") as progress:
            for run_id in progress.each(run_ids):
                done.append(replay(tracker, run_id, args.out or ".", online=args.online))
                if not args.json:
                    with progress.aside():
                        _print_replayed(done[-1], online=args.online)
    finally:
        if not args.json:
            _print_left_out(done)
    if args.json:
        print(to_json({"wandb": version, "runs": [found._asdict() for found in done]}))
    return int(any(found.differences for found in done))


def _print_replayed(found: Replayed, *, online: bool) -> None:
    print(
        f"{found.run_id}: {counted(found.rows, 'row')}, {counted(found.values, 'value')}, "
        f"{counted(found.files, 'file')}, {counted(found.artifacts, 'artifact')}; "
        f"{counted(len(found.differences), 'difference')}"
    )
    for line in found.differences[:_SHOWN]:
        print(f"  different: {line}")
    print(f"  {found.folder}" if online else f"  wandb sync {found.folder}")


def _print_left_out(done: Sequence[Replayed]) -> None:
    """What could not go over: of many runs it is mostly the same, and said once."""
    runs: dict[str, list[str]] = {}
    for found in done:
        for line in found.left_out:
            runs.setdefault(line, []).append(found.run_id)
    for line, run_ids in runs.items():
        several = len(set(run_ids))
        who = f"{several} runs" if several > 1 else run_ids[0]
        times = f" ({len(run_ids)} times)" if len(run_ids) > several else ""
        print(f"left out of {who}: {line}{times}")


def _folders(
    tracker: ExperimentTracker, run_ids: Sequence[str], args: argparse.Namespace, kind: str
) -> int:
    from synadb.folders import safe_path
    from synadb.formats.folder import write_folder

    def written(run_id: str) -> dict[str, Any]:
        return write_folder(
            tracker,
            run_id,
            os.path.join(args.out, safe_path(run_id).replace("/", "_")),
            f"history.{kind}",
            lambda path: _write_history(tracker, [run_id], kind, path, args.long),
        )

    done = []
    with Progress("exporting", len(run_ids), "runs") as progress:
        for run_id in progress.each(run_ids):
            done.append(written(run_id))
            if not args.json:
                with progress.aside():
                    _print_folder(done[-1])
    if args.json:
        print(to_json({"database": tracker.path, "runs": done}))
    return 0


def _print_folder(found: dict[str, Any]) -> None:
    print(
        f"{found['folder']}: {counted(found['rows'], 'row')}, {counted(found['console'], 'line')}, "
        f"{counted(found['files'], 'file')}, {counted(found['artifacts'], 'artifact')}; "
        f"{counted(found['bytes'], 'byte')}, "
        f"sha256 of checksums.json {found['sha256']}"
    )
