"""`synadb info`: what a database holds, and where it is looked for."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from synadb.cli._parsing import Subparsers, add_command, add_database
from synadb.cli._progress import byte_text
from synadb.cli._reading import (
    align,
    counted,
    existing_database,
    file_size,
    journal_size,
    open_database,
    to_json,
)

if TYPE_CHECKING:
    from synadb.storage.facts import Facts
    from synadb.tracker import ExperimentTracker

DESCRIPTION = """\
Say what a database holds: its size, runs by state and project, points, artifacts and the pieces
they are made of, the version of its schema, the journals that programs are writing to; and which of
the packages that SynaDB can make use of are installed."""

EXAMPLE = """\
examples:
  synadb info
  synadb info results/experiments.db --json"""

# Packages that some media, exports, plots and searches need, by the name they are imported by.
PACKAGES = (
    "imageio_ffmpeg",
    "matplotlib",
    "optuna",
    "pandas",
    "plotly",
    "pyarrow",
    "rdkit",
    "wandb",
)
_PARTS = ("", "-wal")  # the file, and what SQLite has not moved into it yet


def add_parser(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = add_command(subparsers, "info", run, DESCRIPTION, EXAMPLE)
    add_database(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Print the figures."""
    from synadb.storage.facts import facts

    path = existing_database(args)
    with open_database(args) as tracker:
        found = facts(tracker._store)
        journals = _journals(tracker)
        sizes = {path + part: file_size(path + part) for part in _PARTS}
    sizes = {name: size for name, size in sizes.items() if size}
    where = _found_by(args, path)
    if args.json:
        packages = _packages()
        document = {
            "database": path,
            "found_by": where,
            "sizes": sizes,
            "journals": journals,
            "packages": packages,
        }
        print(to_json({**document, **found._asdict()}))
        return 0
    for line in align(_lines(found, path, where, sizes, journals)):
        print(line)
    return 0


def _lines(
    found: Facts,
    path: str,
    where: str,
    sizes: dict[str, int],
    journals: list[dict[str, Any]],
) -> list[tuple[str, str]]:
    others = [f"{os.path.basename(f)} {byte_text(n)}" for f, n in sizes.items() if f != path]
    lines = [
        ("database", path),
        ("found by", where),
        ("size", "; ".join([byte_text(sizes[path]), *others])),
        ("runs", f"{found.runs}{_listed(found.states)}"),
        ("projects", f"{len(found.projects)}{_listed(found.projects)}"),
        ("points", f"{found.points:,}"),
        ("other rows", f"{found.events:,}"),
        ("console", f"{found.console_lines:,} lines"),
        ("machine", f"{found.samples:,} samples"),
        ("sweeps", str(found.sweeps)),
        ("versions", f"{found.versions}, {byte_text(found.version_bytes)}"),
        ("artifacts", f"{found.artifacts}, {byte_text(found.artifact_bytes)}"),
        ("files", f"{found.files}, {byte_text(found.file_bytes)}"),
        (
            "stored as",
            f"{counted(found.blobs, 'piece')}, {byte_text(found.blob_bytes)}",
        ),
        ("engine", f"{found.engine}, schema {found.schema}"),
        ("journals", str(len(journals))),
    ]
    for journal in journals:
        of = f"run {journal['run_id']}, process {journal['pid']} on {journal['host']}"
        lines.append(("", f"{of}, {byte_text(journal['size'])}"))
    installed = [name for name, there in _packages().items() if there]
    lacking = [name for name in PACKAGES if name not in installed]
    lines.append(("packages", ", ".join(installed) or "none"))
    lines.append(("not there", ", ".join(lacking) or "none"))
    return lines


def _packages() -> dict[str, bool]:
    from importlib.util import find_spec

    return {name: find_spec(name) is not None for name in PACKAGES}


def _listed(counts: dict[str, int]) -> str:
    return ": " + ", ".join(f"{name} {n}" for name, n in counts.items()) if counts else ""


def _journals(tracker: ExperimentTracker) -> list[dict[str, Any]]:
    """What is being written to; opening the database has brought in what dead processes left."""
    from synadb.journal import journal_ids, owner

    folder = tracker._store.live_dir
    found = []
    for journal_id in journal_ids(folder):
        said = owner(folder, journal_id)
        if said is not None:  # gone since it was listed
            facts = {name: said.get(name) for name in ("run_id", "host", "pid")}
            size = journal_size(folder, journal_id)
            found.append({"id": journal_id, **facts, "size": size})
    return found


def _found_by(args: argparse.Namespace, path: str) -> str:
    """Which rule of docs/architecture.md has led to the file."""
    if args.file or args.db:
        return "the command line"
    for name in ("SYNADB_PATH", "WANDB_DIR"):
        if os.environ.get(name):
            return name
    return "the current folder" if os.path.dirname(path) == os.getcwd() else "a folder above"
