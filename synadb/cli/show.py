"""`synadb show`: one run with its config, summary, metrics, artifacts and media."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synadb.cli._parsing import Subparsers, add_command, add_database
from synadb.cli._reading import (
    align,
    as_text,
    counted,
    find_run,
    flatten,
    in_words,
    local_time,
    open_database,
    to_json,
)
from synadb.query import duration

if TYPE_CHECKING:
    from synadb.artifact_records import VersionRecord
    from synadb.cli._media_files import MediaFile
    from synadb.records import RunRecord
    from synadb.tracker import ExperimentTracker

DESCRIPTION = """\
Show one run: what it is, its config and summary, how often each metric was logged and its last
value, its artifacts, and the versions of artifacts that it logged and used. On a terminal, values
that do not fit into a line are cut short.

With --media its pictures, tables, sounds and so on are written to a folder instead, under the paths
that the rows name, and what is in the cells of a table under the paths that the table names. A file
that is there already is left alone; if it has another content, that is said, and the exit code is
1."""

EXAMPLE = """\
examples:
  synadb show brisk-otter-1
  synadb show RUN --db results/experiments.db --json
  synadb show RUN --media pictures"""

NARROWEST = 40  # characters that a value gets on a terminal even if its line is broken then
TOLD = 10  # media files that are named for one reason not to write them; --json has them all


def add_parser(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = add_command(subparsers, "show", run, DESCRIPTION, EXAMPLE)
    parser.add_argument("run", metavar="RUN", help="its id, how its id begins, or its name")
    add_database(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--media", metavar="DIR", help="write the run's media to DIR")


def run(args: argparse.Namespace) -> int:
    """Print the run, for people or as JSON."""
    from synadb.cli._media_files import media_files

    with open_database(args) as tracker:
        record = find_run(tracker, args.run)
        if args.media is not None:
            return _write_media(tracker, record.run_id, args)
        metrics = _metrics(tracker.scan(record.run_id))
        artifacts = tracker.list_artifacts(record.run_id)
        media = media_files(tracker, record.run_id)
        logged = tracker.artifacts.outputs(record.run_id)
        used = tracker.artifacts.inputs(record.run_id)
    if args.json:
        found = {
            "metrics": metrics,
            "artifacts": [{"name": a.name, "size": a.size, "digest": a.digest} for a in artifacts],
            "logged_artifacts": [_version(version) for version in logged],
            "used_artifacts": [_version(version) for version in used],
        }
        print(to_json({**record._asdict(), **found}))
        return 0
    _print(_facts(record), indent="")
    _section("config", _pairs(record.config))
    _section("summary", _pairs(record.summary, fold_media=True))
    _section(
        "metrics",
        [("", "COUNT", "LAST")] * bool(metrics)
        + [(key, str(found["count"]), as_text(found["last"])) for key, found in metrics.items()],
        right={1},
    )
    if artifacts or not (logged or used):
        _section("artifacts", [(a.name, f"{a.size} bytes") for a in artifacts])
    for title, versions in (("logged artifacts", logged), ("used artifacts", used)):
        if versions:
            _section(title, [_version_cells(version) for version in versions])
    if media:
        size = sum(file.size for file in media)
        print(f"\nmedia: {counted(len(media), 'file')}, {size} bytes; --media DIR writes them out")
    return 0


def _version(version: VersionRecord) -> dict[str, Any]:
    return {
        "name": version.name,
        "project": version.project,
        "type": version.type,
        "aliases": version.aliases,
        "files": version.file_count,
        "size": version.size,
        "digest": version.digest,
    }


def _version_cells(version: VersionRecord) -> tuple[str, ...]:
    return version.name, version.type, counted(version.file_count, "file"), f"{version.size} bytes"


def _write_media(tracker: ExperimentTracker, run_id: str, args: argparse.Namespace) -> int:
    from synadb.cli._media_files import write_media

    found = write_media(tracker, run_id, args.media)
    wrong = [file for file in found if file.state not in ("written", "present")]
    if args.json:
        print(to_json({"run_id": run_id, "media": [file._asdict() for file in found]}))
    else:
        for line in align((file.file,) for file in found if file.state == "written"):
            print(line)
        present = sum(file.state == "present" for file in found)
        there = f", {present} there already" if present else ""
        out = f", {len(wrong)} left out" if wrong else ""
        written = [file.size for file in found if file.state == "written"]
        done = f"{counted(len(written), 'file')}, {sum(written)} bytes written to {args.media}"
        print(f"{done}{there}{out}")
    for line in align((complaint,) for complaint in _complaints(wrong)):
        print(line, file=sys.stderr)
    return 1 if wrong else 0


def _complaints(wrong: Iterable[MediaFile]) -> Iterator[str]:
    """What is said of files that are left out: a full disk may be the reason of thousands."""
    files: dict[str, list[str]] = {}
    for file in wrong:
        files.setdefault(file.reason, []).append(file.file)
    for reason, names in files.items():
        yield from (f"synadb: {name}: {reason}" for name in names[:TOLD])
        if len(names) > TOLD:
            yield f"synadb: and {counted(len(names) - TOLD, 'file')} more: {reason}"


def _metrics(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Of everything numeric: the number of steps that have it, and the last value."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        for key, value in flatten(row, fold_media=True).items():
            if key.startswith("_") or isinstance(value, bool) or not isinstance(value, int | float):
                continue
            metric = found.setdefault(key, {"count": 0})
            metric["count"] += 1
            metric["last"] = value
    return found


def _facts(record: RunRecord) -> list[tuple[str, str]]:
    facts = [
        ("id", record.run_id),
        ("name", record.name),
        ("experiment", record.experiment),
        ("state", record.state),
        ("exit code", "" if record.exit_code is None else str(record.exit_code)),
        ("rows", str(record.row_count)),
        ("created", local_time(record.created_at)),
        ("ended", "" if record.ended_at is None else local_time(record.ended_at)),
        ("duration", in_words(duration(record)) + " so far" * (record.ended_at is None)),
        ("host", record.host),
        ("group", record.group),
        ("job type", record.job_type),
        ("tags", ", ".join(record.tags)),
        ("notes", record.notes or ""),
    ]
    return [fact for fact in facts if fact[1]]


def _pairs(values: Mapping[str, Any], *, fold_media: bool = False) -> list[tuple[str, str]]:
    told = {key: value for key, value in values.items() if key != "_wandb"}  # its notes to itself
    return [(key, as_text(value)) for key, value in flatten(told, fold_media=fold_media).items()]


def _section(title: str, table: Sequence[Sequence[str]], right: Iterable[int] = ()) -> None:
    print(f"\n{title}:" if table else f"\n{title}: none")
    _print(table, right)


def _print(
    table: Sequence[Sequence[str]], right: Iterable[int] = (), *, indent: str = "  "
) -> None:
    if table and sys.stdout.isatty():
        import shutil

        *others, _ = zip(*table, strict=True)
        taken = len(indent) + sum(max(map(len, column)) + 2 for column in others)
        room = max(NARROWEST, shutil.get_terminal_size().columns - taken)
        table = [_fitting(row, room) for row in table]
    for line in align(table, right):
        print(indent + line)


def _fitting(cells: Sequence[str], room: int) -> Sequence[str]:
    """The row with its last cell, the value, cut to `room` characters."""
    *others, value = cells
    if len(value) <= room:
        return cells
    length = f"... ({len(value)} characters)"
    return (*others, value[: room - len(length)] + length)
