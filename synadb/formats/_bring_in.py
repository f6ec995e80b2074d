"""Brings runs of other trackers into a database: each whole or not at all, and each once.

A run is stored under another id first, and takes its own when all of them are there. What a process
that was killed has left under such ids is deleted by the next import into the database.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from synadb.errors import (
    ArtifactNotFoundError,
    InvalidValueError,
    RunExistsError,
    RunNotFoundError,
    SynaDBError,
)
from synadb.media.finding import IN_VERSION
from synadb.ops import LogRow, LogRows, Op, SetSummary, UpdateRun
from synadb.system import FileLock

if TYPE_CHECKING:
    from synadb.artifact_records import VersionRecord
    from synadb.artifacts.draft import Draft
    from synadb.records import RunRecord
    from synadb.tracker import ExperimentTracker

__all__ = ["BroughtIn", "Entry", "Imported", "Source", "Version", "bring_in"]

_UNFINISHED = "~importing"
_FILES_TOGETHER = 16 << 20  # bytes of files that are stored in one transaction
_ROWS_TOGETHER = 1 << 19  # rows that are
_KEPT = ("name", "notes", "tags", "group", "job_type")  # what a person may have changed since


class Entry(NamedTuple):
    """A path of an artifact: the file that has its content, or a reference to it."""

    path: str
    file: str | None
    reference: str = ""
    digest: str = ""
    size: int | None = None
    extra: Mapping[str, Any] = {}


class Version(NamedTuple):
    """A version of an artifact that a run has logged; `key` is nobody else's."""

    key: str
    name: str
    type: str
    entries: Sequence[Entry]
    aliases: Sequence[str] = ()
    tags: Sequence[str] = ()
    description: str | None = None
    metadata: Mapping[str, Any] = {}
    ttl: float | None = None


class Imported(NamedTuple):
    """Everything about one run: `ops` that write it, the last of them its end, and its files.

    A file is its content, or the path of where it lies. `versions` are those that the run has
    logged; where their keys stand in a row, the ids that they get are put in. `uses` are names of
    artifacts (`name:alias`) that the run has used, as far as they are there.
    """

    ops: Iterable[Op]
    files: Mapping[str, bytes | str]
    rows: int
    problems: list[str]
    versions: Sequence[Version] = ()
    uses: Sequence[str] = ()


class Source(NamedTuple):
    """A run that can be brought in.

    `run_id` is the same each time, and `digest` for as long as nothing has been added. `read`
    takes the id to write it under. With `parts`, the size of each of its files by what the file
    begins with, a run is only replaced by one that goes on with all of them; and with `project` a
    run whose id another project has taken gets the id `project/id`.
    """

    run_id: str
    origin: str
    digest: str
    read: Callable[[str], Imported]
    parts: Mapping[str, int] = {}
    project: str = ""


class BroughtIn(NamedTuple):
    """What became of one run: "new", "changed" (replaced by a longer one) or "known"."""

    run_id: str
    origin: str
    outcome: str
    rows: int
    problems: list[str]


class _Staged(NamedTuple):
    """A run that is stored under `temporary`; its versions are there and not yet visible."""

    temporary: str
    run_id: str
    versions: list[tuple[Version, Draft | VersionRecord]]
    uses: Sequence[str]


def bring_in(tracker: ExperimentTracker, sources: Iterable[Source], kind: str) -> list[BroughtIn]:
    """Store the runs that are not there yet; `kind` names their format.

    Raises whatever a source raises: then none of the runs has been stored or changed.
    """
    with _in_turn(tracker):
        return _bring_in(tracker, sources, kind)


@contextlib.contextmanager
def _in_turn(tracker: ExperimentTracker) -> Iterator[None]:
    """One import into a database at a time: what is unfinished before it is of one that died."""
    store = tracker._store
    lock = FileLock(os.path.join(store.live_dir, "importing"))
    mine = not store.read_only and lock.acquire()
    try:
        if mine and not lock.unsupported:
            for run_id in store.run_ids():
                if run_id.endswith(_UNFINISHED):
                    tracker.delete_run(run_id)
        yield
    finally:
        if mine:
            lock.remove()
            lock.release()


def _bring_in(tracker: ExperimentTracker, sources: Iterable[Source], kind: str) -> list[BroughtIn]:
    done: list[BroughtIn] = []
    staged: list[_Staged] = []
    begun: list[str] = []
    try:
        for given in sources:
            source = _with_own_id(tracker, given)
            if any(run.run_id == source.run_id for run in done):
                raise RunExistsError(f"there are two runs {source.run_id!r} in what is imported")
            old = _find(tracker, source.run_id)
            known = (old.metadata.get("imported") or {}) if old is not None else {}
            if old is not None and known.get("from") != kind:
                raise RunExistsError(
                    f"{tracker.path} has a run {source.run_id!r} that was not imported from "
                    f"{kind}; rename it"
                )
            if known.get("digest") == source.digest:
                problems = known.get("problems", [])
                done.append(BroughtIn(source.run_id, source.origin, "known", 0, problems))
                continue
            _check_parts(tracker, source, known)
            temporary = source.run_id + _UNFINISHED
            if _find(tracker, temporary) is not None:
                tracker.delete_run(temporary)
            begun.append(temporary)
            imported = source.read(temporary)
            versions = _drafts(tracker, source, imported)
            staged.append(_Staged(temporary, source.run_id, versions, imported.uses))
            _store(tracker, temporary, source, kind, imported, old, _links(versions))
            outcome = "new" if old is None else "changed"
            done.append(
                BroughtIn(source.run_id, source.origin, outcome, imported.rows, imported.problems)
            )
    except BaseException:
        for run in staged:
            _discard(run)
        for temporary in begun:
            with contextlib.suppress(RunNotFoundError):
                tracker.delete_run(temporary)
        raise
    for run in staged:
        _show(tracker, run)
    return done


def _show(tracker: ExperimentTracker, run: _Staged) -> None:
    """Give a staged run its own id, and make its versions visible."""
    from synadb.artifacts.draft import Draft

    again: list[VersionRecord] = []
    for version, made in run.versions:
        if not isinstance(made, Draft):
            again.append(made)
            continue
        tracker.artifacts.commit(
            made,
            version.name,
            type=version.type,
            run_id=run.temporary,
            aliases=version.aliases,
            tags=version.tags,
            description=version.description,
            metadata=version.metadata,
            ttl=version.ttl,
            properties={"imported": version.key},
        )
    with contextlib.suppress(RunNotFoundError):
        tracker.delete_run(run.run_id)
    if again:
        with tracker._store.versions(write=True) as tables:
            for known in again:
                tables.lineage.made_by(known.uid, run.temporary, time.time())
    for name in run.uses:
        with contextlib.suppress(SynaDBError):
            project = tracker.get_run(run.temporary).experiment
            found = tracker.artifacts.get(name, project=project)
            tracker.artifacts.use(found, run.temporary)
    tracker.rename_run(run.temporary, run.run_id)


def _discard(run: _Staged) -> None:
    from synadb.artifacts.draft import Draft

    for _, made in run.versions:
        if isinstance(made, Draft):
            with contextlib.suppress(SynaDBError):
                made.discard()


def _with_own_id(tracker: ExperimentTracker, source: Source) -> Source:
    """The source with an id that a run of another project has not taken."""
    if source.project:
        taken = _find(tracker, source.run_id)
        if taken is not None and taken.experiment != source.project:
            return source._replace(run_id=f"{source.project}/{source.run_id}")
    return source


def _check_parts(tracker: ExperimentTracker, source: Source, known: Mapping[str, Any]) -> None:
    """See that what is there would be all in what takes its place."""
    for part, size in (known.get("parts") or {}).items():
        if source.parts.get(part, -1) < size:
            raise RunExistsError(
                f"{tracker.path} has a run {source.run_id!r}, imported from {known.get('origin')}, "
                f"of which {source.origin} has only a part or nothing; import the folders of a "
                "run together, or rename the one that is there"
            )


def _drafts(
    tracker: ExperimentTracker, source: Source, imported: Imported
) -> list[tuple[Version, Draft | VersionRecord]]:
    """The versions of a run: those that are there from an earlier time, and drafts of others."""
    made: list[tuple[Version, Draft | VersionRecord]] = []
    library = tracker.artifacts if imported.versions else None
    for version in imported.versions:
        assert library is not None
        try:
            there = library.collection(version.name, project=source.project)
        except ArtifactNotFoundError:
            known = []
        else:
            if there.type != version.type:
                imported.problems.append(
                    f"the artifact {version.name!r} is left out: the name stands for the type "
                    f"{there.type!r} and not {version.type!r}"
                )
                continue
            known = [*library.list(version.name, project=source.project)]
        same = [one for one in known if one.properties.get("imported") == version.key]
        if same:
            made.append((version, same[0]))
            continue
        draft = library.draft()
        try:
            for entry in version.entries:
                _add(draft, entry, imported.problems)
        except BaseException:
            draft.discard()
            raise
        made.append((version, draft))
    return made


def _add(draft: Draft, entry: Entry, problems: list[str]) -> None:
    try:
        if entry.file is not None:
            draft.add_file(entry.file, entry.path, overwrite=True, extra=entry.extra)
        else:
            draft.add_reference(
                entry.path,
                entry.reference,
                digest=entry.digest,
                size=entry.size,
                overwrite=True,
                extra=entry.extra,
            )
    except InvalidValueError as error:
        problems.append(f"the path {entry.path!r} of an artifact is left out: {error}")


def _links(versions: Sequence[tuple[Version, Draft | VersionRecord]]) -> dict[str, str]:
    """The id of each version by its key."""
    from synadb.artifacts.draft import Draft

    return {
        version.key: made._uid if isinstance(made, Draft) else made.uid
        for version, made in versions
        if version.key
    }


def _find(tracker: ExperimentTracker, run_id: str) -> RunRecord | None:
    try:
        return tracker.get_run(run_id)
    except RunNotFoundError:
        return None


def _store(
    tracker: ExperimentTracker,
    run_id: str,
    source: Source,
    kind: str,
    imported: Imported,
    old: RunRecord | None,
    links: Mapping[str, str],
) -> None:
    end: Op | None = None
    for ops in _together(imported.ops):
        if end is not None:
            ops.insert(0, end)
        end = ops.pop()
        if ops:
            tracker._store.apply([_linked(op, links) for op in ops])
    assert end is not None
    facts: dict[str, Any] = {
        "from": kind,
        "origin": source.origin,
        "digest": source.digest,
        "problems": imported.problems,
    }
    if source.parts:
        facts["parts"] = dict(source.parts)
    values: dict[str, Any] = {"metadata": {"imported": facts}}
    if old is not None:
        values |= {name: getattr(old, name) for name in _KEPT}
    tracker._store.apply([UpdateRun(run_id, values)])
    together: dict[str, bytes] = {}
    size = 0
    for path, content in imported.files.items():
        if isinstance(content, str):
            if os.path.getsize(content) > _FILES_TOGETHER:
                tracker.log_file(run_id, path, content)
                continue
            with open(content, "rb") as file:
                content = file.read()
        together[path] = content
        size += len(content)
        if size > _FILES_TOGETHER:
            tracker.log_files(run_id, together)
            together, size = {}, 0
    if together:
        tracker.log_files(run_id, together)
    tracker._store.apply([end])


def _together(ops: Iterable[Op]) -> Iterator[list[Op]]:
    """Ops that are stored in one transaction; the end of the run is the last of the last."""
    batch: list[Op] = []
    rows = 0
    for op in ops:
        if rows > _ROWS_TOGETHER:
            yield batch
            batch, rows = [], 0
        batch.append(op)
        rows += len(op.steps) if isinstance(op, LogRows) else 1
    yield batch


def _linked(op: Op, links: Mapping[str, str]) -> Op:
    if links and isinstance(op, LogRow | SetSummary):
        return op._replace(values=_relinked(dict(op.values), links))
    return op


def _relinked(value: Any, links: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _relinked(inner, links) for key, inner in value.items()}
    if isinstance(value, list):
        return [_relinked(inner, links) for inner in value]
    if isinstance(value, str) and value.startswith(IN_VERSION):
        for key, uid in links.items():
            if key in value:
                return value.replace(key, uid)
    return value
