"""`synadb import`: bring in the runs of other trackers."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

from synadb.cli._parsing import Subparsers, add_command, add_database
from synadb.cli._progress import Progress
from synadb.cli._reading import align, counted, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from synadb.formats._bring_in import BroughtIn, Source
    from synadb.tracker import ExperimentTracker

DESCRIPTION = """\
Bring the runs of other trackers into a database; they need not be installed. A run that is there
already is left as it is, or replaced if it has grown. An error leaves the database as it was."""

EXAMPLE = """\
examples:
  synadb import wandb wandb/
  synadb import tensorboard runs/
  synadb import csv metrics.csv --step epoch
  synadb import mlflow mlruns/"""

WANDB = """\
Import what wandb has left in its folders `offline-run-*` and `run-*`: DIR is one of them, a folder
that holds some, or a run-*.wandb file. Rows, summary, config, console, system metrics, files,
media, tables and artifacts; a log that is cut short or damaged gives what it holds, and it is said
what is missing. Several folders of one run, which is what resuming leaves, become one run."""

WANDB_EXAMPLE = """\
examples:
  synadb import wandb wandb/
  synadb import wandb wandb/offline-run-20260101_120000-abc123 --db all.db"""

CSV = """\
Import CSV files: a run each, a metric a column, a row a step. A file with a column _run, as export
writes it, has a run for each value of it. Columns keep their type (int, float, bool, text); an
empty cell is a value that is missing."""

CSV_EXAMPLE = """\
examples:
  synadb import csv metrics.csv
  synadb import csv seed*/log.csv --step epoch --time when --project mnist"""

MLFLOW = """\
Import the runs of an MLflow store: a folder mlruns/, or its SQLite database. Parameters become the
config; metrics keep steps and times; tags, notes, states and the artifacts that lie on this machine
come along, and a nested run gets its parent's name as its group."""

MLFLOW_EXAMPLE = """\
examples:
  synadb import mlflow mlruns/
  synadb import mlflow sqlite:///mlflow.db --db all.db"""

TENSORBOARD = """\
Import the event files below LOGDIR: one run for each folder that has some, with scalars,
histograms, images, audio, texts, PR curves and hyperparameters."""

TENSORBOARD_EXAMPLE = """\
examples:
  synadb import tensorboard runs/
  synadb import tensorboard lightning_logs/ --project mnist --db all.db"""


def add_parser(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = add_command(subparsers, "import", _which, DESCRIPTION, EXAMPLE)
    kinds = parser.add_subparsers(title="formats", metavar="FORMAT", prog="synadb import")
    tensorboard = add_command(
        kinds,
        "tensorboard",
        run_tensorboard,
        TENSORBOARD,
        TENSORBOARD_EXAMPLE,
        help="the event files of a log folder",
    )
    tensorboard.add_argument("logdir", metavar="LOGDIR", help="the log folder, or one event file")
    tensorboard.add_argument(
        "--project", metavar="NAME", help="the project (default: the name of LOGDIR)"
    )
    tensorboard.add_argument(
        "--damaged", action="store_true", help="import what can be read of damaged files"
    )
    _add_output(tensorboard)

    wandb = add_command(
        kinds, "wandb", run_wandb, WANDB, WANDB_EXAMPLE, help="the folders wandb has written"
    )
    wandb.add_argument("folders", metavar="DIR", nargs="+", help="a folder, or a run-*.wandb file")
    wandb.add_argument("--project", metavar="NAME", help="the project (default: the runs' own)")
    _add_output(wandb)

    table = add_command(kinds, "csv", run_csv, CSV, CSV_EXAMPLE, help="tables of numbers")
    table.add_argument("files", metavar="FILE", nargs="+", help="a CSV file")
    table.add_argument(
        "--project", metavar="NAME", help="the project (default: the name of the file's folder)"
    )
    table.add_argument(
        "--step",
        metavar="COLUMN",
        help="the column of the steps (default: _step, step or global_step, else the row's number)",
    )
    table.add_argument(
        "--time",
        metavar="COLUMN",
        help="the column of the times: seconds, milliseconds or ISO 8601 (default: _timestamp)",
    )
    table.add_argument("--delimiter", metavar="CHAR", help="what stands between the cells")
    table.add_argument("--encoding", metavar="NAME", help="(default: UTF-8, or what a BOM says)")
    _add_output(table)

    mlflow = add_command(
        kinds, "mlflow", run_mlflow, MLFLOW, MLFLOW_EXAMPLE, help="a store of MLflow"
    )
    mlflow.add_argument("store", metavar="PATH", help="mlruns/, a database file or sqlite:///FILE")
    mlflow.add_argument(
        "--project", metavar="NAME", help="the project (default: the runs' experiments)"
    )
    _add_output(mlflow)


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_database(parser, positional=False)


def _which(args: argparse.Namespace) -> int:
    """Without a format: say which there are."""
    args.parser.print_help()
    return 2


def run_tensorboard(args: argparse.Namespace) -> int:
    """Import a log folder and say what it brought."""
    from synadb.formats.tensorboard import sources

    logdir = os.path.expanduser(args.logdir)
    project = args.project or _name_of(logdir)
    # The first error of the folder comes before a database is made.
    return _import(args, list(sources(logdir, project, damaged=args.damaged)), "tensorboard")


def run_wandb(args: argparse.Namespace) -> int:
    """Import the folders of wandb."""
    from synadb.formats.wandb_folder import sources

    found = sources(map(os.path.expanduser, args.folders), project=args.project)
    for problem in found.problems:
        print(f"synadb: {problem}", file=sys.stderr)
    return _import(args, found.sources, "wandb", left_out=found.problems)


def run_csv(args: argparse.Namespace) -> int:
    """Import CSV files."""
    from synadb.formats.csv_file import Options, sources

    delimiter = {"\\t": "\t", "tab": "\t"}.get(args.delimiter, args.delimiter)
    options = Options(args.step, args.time, delimiter, args.encoding)
    paths = map(os.path.expanduser, args.files)
    return _import(args, list(sources(paths, args.project, options)), "csv")


def run_mlflow(args: argparse.Namespace) -> int:
    """Import a store of MLflow."""
    from synadb.formats.mlflow import sources

    store = os.path.expanduser(args.store)
    return _import(args, list(sources(store, args.project)), "mlflow")


def _name_of(logdir: str) -> str:
    path = os.path.abspath(logdir)
    folder = os.path.dirname(path) if os.path.isfile(path) else path
    return os.path.basename(folder) or "tensorboard"


def _import(
    args: argparse.Namespace,
    sources: Sequence[Source],
    kind: str,
    *,
    left_out: Sequence[str] = (),
) -> int:
    """Bring the runs in, and say what became of each."""
    from synadb.formats._bring_in import bring_in
    from synadb.settings import database_path
    from synadb.tracker import ExperimentTracker

    path = os.path.abspath(os.path.expanduser(args.db)) if args.db else database_path()
    with ExperimentTracker(path) as tracker:
        with Progress("importing", len(sources), "runs") as progress:
            brought = bring_in(tracker, progress.each(sources), kind)
        runs = [_counted(tracker, run) for run in brought]
        _report(args, runs, list(left_out), tracker.path)
    return 0


def _counted(tracker: ExperimentTracker, run: BroughtIn) -> dict[str, Any]:
    """What there is of a run now; `digest` is that of what it was read from."""
    record = tracker.get_run(run.run_id)
    return {
        **run._asdict(),
        "project": record.experiment,
        "name": record.name,
        "state": record.state,
        "steps": record.row_count,
        "files": len(tracker.list_files(run.run_id)),
        "artifacts": len(tracker.artifacts.outputs(run.run_id)),
        "digest": record.metadata["imported"]["digest"],
    }


def _report(
    args: argparse.Namespace, runs: Sequence[dict[str, Any]], left_out: list[str], path: str
) -> None:
    projects = list(dict.fromkeys(run["project"] for run in runs))
    if args.json:
        found = {"database": path, "projects": projects, "runs": runs, "left_out": left_out}
        print(to_json(found | ({"project": projects[0]} if len(projects) == 1 else {})))
        return
    said = {"new": "imported", "changed": "imported anew", "known": "already there"}
    rows = [
        (
            run["run_id"],
            said[run["outcome"]],
            "" if run["outcome"] == "known" else counted(run["rows"], "step"),
            run["origin"],
        )
        for run in runs
    ]
    for line in align(rows):
        print(line)
    for run in runs:
        for problem in run["problems"]:
            print(f"synadb: {run['origin']}: {problem}", file=sys.stderr)
    new = sum(run["outcome"] != "known" for run in runs)
    one = f"project {projects[0]}" if len(projects) == 1 else f"{len(projects)} projects"
    print(f"{new} of {len(runs)} runs imported into {one} of {path}")
