"""What a script recorded beside its rows, read back from either side into one shape.

That is the content of media and tables, artifacts, metric definitions, console output and saved
files. Left out is what either side writes of its own accord: its own lines on the console, and its
files about the run and the machine.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from synadb.bench.contents import Filler, Read, content_of
from synadb.bench.recorded import (
    Recorded,
    RecordedRun,
    is_made_up_id,
    is_made_up_name,
    plain,
    timeless,
)

if TYPE_CHECKING:
    from synadb.artifact_records import EntryRecord, VersionRecord
    from synadb.formats._bring_in import Entry, Imported, Version
    from synadb.tracker import ExperimentTracker

__all__ = ["add_synadb", "add_wandb"]

_OWN_FILES = frozenset(
    (
        "conda-environment.yaml",
        "config.yaml",
        "diff.patch",
        "output.log",
        "requirements.txt",
        "wandb-metadata.json",
        "wandb-summary.json",
    )
)
_OWN_FOLDERS = ("artifact/", "code/", "media/")  # media are compared where rows name them
_OWN_LINE = re.compile(r"(\x1b\[[0-9;]*m)*(wandb|synadb)(\x1b\[[0-9;]*m)*:")
_TIME = re.compile(r"(?<!\d)\d{8}_\d{6}(?!\d)")  # in the name of a run's folder
# The types of the artifact that goes with each table in a row.
_OF_TABLES = ("run_table", "wandb-run-incremental-table")
_BEFORE = "previous_increments_paths"

# Puts names that mean the same on both sides in place of what a side has made up.
Words: TypeAlias = Callable[[str], str]


def add_wandb(recorded: Recorded, folders: Iterable[Path]) -> None:
    """Add to `recorded` what real wandb left below `folders`.

    Raises:
        NotALogError: a file is no wandb log.
        OSError: a file cannot be read.
    """
    if not recorded.runs:
        return
    from synadb.formats.wandb_folder import sources

    places = [folder for folder in folders if any(folder.rglob("run-*.wandb"))]
    words = _words(recorded, places)
    by_id = {run.run_id: run for run in recorded.runs}
    shelf = _Shelf(words)
    for source in sources(map(str, places)).sources:
        run = by_id.get(source.run_id)
        if run is None:  # its log has no run record, and `recorded.problems` says so
            continue
        imported = source.read(source.run_id)
        _add(run, imported.files, _files(imported.files), _printed(imported), words)
        for logged in imported.versions:
            shelf.add(f"{run.project}/{logged.name}", *_of_wandb(logged))
    recorded.artifacts = shelf.versions


def add_synadb(recorded: Recorded, path: Path) -> None:
    """Add to `recorded` what the database at `path` has.

    Raises:
        StorageError: it is no database, or it cannot be opened.
    """
    if not recorded.runs:
        return
    from synadb.tracker import ExperimentTracker

    words = _words(recorded, [path.parent])
    shelf = _Shelf(words)
    with ExperimentTracker(path) as tracker:
        opened = [tracker]
        for run in recorded.runs:
            names = [file.name for file in tracker.list_files(run.run_id)]
            printed = [(line.stream, line.line) for line in tracker.console(run.run_id)]
            _add(run, names, _stored(path, opened, run.run_id, names), printed, words)
        library = tracker.artifacts
        for collection in library.collections():
            versions = library.list(collection.name, project=collection.project)
            for version in sorted(versions, key=lambda version: version.number):
                if version.source is None:
                    name = f"{version.project}/{version.collection}"
                    shelf.add(name, *_of_synadb(path, opened, version))
        opened.clear()
    recorded.artifacts = shelf.versions


def _add(
    run: RecordedRun,
    names: Iterable[str],
    read: Read,
    printed: Iterable[tuple[str, str]],
    words: Words,
) -> None:
    filler = Filler(read)
    run.history = [filler.row(row) for row in run.history]
    run.summary = filler.row(run.summary)
    run.metrics = _definitions(run.defined)
    for name in names:
        if name not in _OWN_FILES and not name.startswith(_OWN_FOLDERS):
            content = content_of(name, read, "files")
            if content is not None:
                run.files[words(name)] = content
    for stream, text in printed:
        if not _OWN_LINE.match(text):
            run.console.setdefault(stream, []).append(words(text))


def _definitions(told: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """By name, what several calls of define_metric add up to."""
    # Those that stand for one of the names that a glob matches are not the script's.
    calls = [definition for definition in told if not definition.get("bound")]
    if not calls:
        return {}
    from synadb.wandb_compat._metric_rules import MetricRules

    return {
        definition.get("glob_name") or definition["name"]: {
            key: value for key, value in definition.items() if key != "cancelled"
        }
        for definition in MetricRules.from_definitions(calls).definitions()
    }


def _words(recorded: Recorded, folders: Iterable[Path]) -> Words:
    chosen = Counter(run.name for run in recorded.runs if not is_made_up_name(run.name))
    names = {
        # By its name where it can be: of runs that start at once the numbers are chance.
        run.run_id: f"RUN({run.name})" if run.name and chosen[run.name] == 1 else f"RUN{number}"
        for number, run in enumerate(recorded.runs)
        if is_made_up_id(run.run_id)
    }
    for run in recorded.runs:
        if run.run_id in names:
            names |= _with_checksums(run, names[run.run_id])
    names |= {str(folder): "DATA" for folder in folders}
    pattern = re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))))
    return lambda text: _TIME.sub("TIME", pattern.sub(lambda found: names[found[0]], text))


def _with_checksums(run: RecordedRun, word: str) -> dict[str, str]:
    """The names of artifacts that have a checksum of the run's id, because of blanks in a key."""
    from synadb.wandb_compat._media.table_content import artifact_name

    keys = {key for row in run.history for key in _keys_with_type(row)}
    tails = [tail for key in keys for tail in (f"-{key}", f"-incr-{key}")]
    plain_names = {tail: f"run-{run.run_id}{tail}" for tail in tails}
    return {
        named: f"run-{word}{tail}"
        for tail, name in plain_names.items()
        if (named := artifact_name(name)) != name
    }


def _keys_with_type(tree: Mapping[str, Any]) -> Iterator[str]:
    """At any depth, the keys of what has a `_type`, as media and tables have."""
    for key, value in tree.items():
        if isinstance(value, dict):
            if "_type" in value:
                yield key
            yield from _keys_with_type(value)


# -- files and console -----------------------------------------------------------------------------


def _files(places: Mapping[str, bytes | str]) -> Read:
    def read(name: str) -> bytes | None:
        place = places.get(name)
        return Path(place).read_bytes() if isinstance(place, str) else place

    return read


def _stored(
    path: Path, opened: Sequence[ExperimentTracker], run_id: str, names: Iterable[str]
) -> Read:
    there = frozenset(names)

    def read(name: str) -> bytes | None:
        if name not in there:
            return None
        with _tracker(path, opened) as tracker, tracker.open_file(run_id, name) as file:
            return file.read()

    return read


@contextmanager
def _tracker(path: Path, opened: Sequence[ExperimentTracker]) -> Iterator[ExperimentTracker]:
    """The tracker that is `opened`, or another one.

    A content is read again when it turns out to be another than the other side's.
    """
    from synadb.tracker import ExperimentTracker

    if opened:
        yield opened[0]
        return
    if not path.exists():
        raise FileNotFoundError(path)
    with ExperimentTracker(path) as tracker:
        yield tracker


def _printed(imported: Imported) -> list[tuple[str, str]]:
    from synadb.ops import LogConsole

    return [
        (stream, text)
        for op in imported.ops
        if isinstance(op, LogConsole)
        for _, _, stream, text in op.lines
    ]


# -- artifacts -------------------------------------------------------------------------------------


class _Shelf:
    """Versions, counted as wandb's server and SynaDB count: by name, a new one for new content."""

    def __init__(self, words: Words) -> None:
        self.versions: dict[str, dict[str, Any]] = {}
        self._words = words
        self._counts: dict[str, int] = {}
        self._newest: dict[str, dict[str, Any]] = {}

    def add(self, name: str, version: dict[str, Any], files: dict[str, Any]) -> None:
        """Add what was logged; the content of the version before gives that one new aliases.

        `files` has the digest of each file, for tables too, which `version` has as values.
        """
        name = self._words(name)
        count = self._counts.get(name, 0)
        if count and self._newest[name] == files:
            newest = self.versions[f"{name}:v{count - 1}"]
            newest["aliases"] = sorted({*newest["aliases"], *version["aliases"]})
            count -= 1
        else:
            self.versions[f"{name}:v{count}"] = version
            self._counts[name], self._newest[name] = count + 1, files
        for number in range(count):
            older = self.versions[f"{name}:v{number}"]
            older["aliases"] = [one for one in older["aliases"] if one not in version["aliases"]]


def _of_wandb(logged: Version) -> tuple[dict[str, Any], dict[str, Any]]:
    from synadb.artifacts.manifest import hash_file

    files: dict[str, Any] = {}
    places: dict[str, bytes | str] = {}
    for entry in logged.entries:
        if entry.file is not None:
            places[entry.path] = entry.file
            files[entry.path] = hash_file(entry.file)[0]
        elif entry.extra.get("missing"):  # its digest is known all the same
            files[entry.path] = entry.digest
        else:
            files[entry.path] = _reference(entry)
    return _version(logged, files, _files(places)), files


def _of_synadb(
    path: Path, opened: Sequence[ExperimentTracker], version: VersionRecord
) -> tuple[dict[str, Any], dict[str, Any]]:
    files = {
        entry.path: entry.digest if entry.reference is None else _reference(entry)
        for entry in opened[0].artifacts.entries(version)
    }

    def read(name: str) -> bytes | None:
        if name not in files:
            return None
        with _tracker(path, opened) as tracker:
            return tracker.artifacts.read(version, name)

    return _version(version, files, read), files


def _reference(entry: Entry | EntryRecord) -> dict[str, Any]:
    return {"reference": entry.reference, "digest": entry.digest}


def _version(logged: Version | VersionRecord, files: dict[str, Any], read: Read) -> dict[str, Any]:
    return {
        "type": logged.type,
        "description": logged.description or "",
        "metadata": plain(dict(logged.metadata)),
        "aliases": sorted(alias for alias in logged.aliases if alias != "latest"),
        "tags": sorted(logged.tags),
        "ttl": logged.ttl,
        "files": _with_tables(files, read) if logged.type in _OF_TABLES else files,
    }


def _with_tables(files: Mapping[str, Any], read: Read) -> dict[str, Any]:
    """Tables with the media of their cells in place; these are the other files there are."""
    filler = Filler(read)
    found = {}
    for path in files:
        content = content_of(path, read, "tables") if path.endswith(".table.json") else None
        if content is not None:
            tree = filler.value(content.tree)
            if isinstance(tree, dict) and _BEFORE in tree:
                tree[_BEFORE] = plain(tree[_BEFORE])
            name = timeless(path)
            found[path if name in found else name] = replace(content, tree=tree)
    return found or dict(files)
