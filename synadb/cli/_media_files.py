"""Writing a run's media out as files that never leave their folder, and never replace others."""

from __future__ import annotations

import hashlib
import io
import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from synadb.errors import ArtifactNotFoundError, InvalidValueError, StorageError, SynaDBError
from synadb.folders import leads_out, safe_path, write_whole
from synadb.media.finding import FOLDER, VersionPlace, version_place

if TYPE_CHECKING:
    from synadb.records import ArtifactRecord
    from synadb.tracker import ExperimentTracker

__all__ = ["MediaFile", "media_files", "write_media"]


class MediaFile(NamedTuple):
    """What became of one file: `state` is written, present, kept or failed, `reason` says why."""

    path: str
    file: str
    size: int
    sha256: str
    state: str
    reason: str = ""


class _Source(NamedTuple):
    """A file to write: its path, and what it will hold, which `download` writes to a path."""

    path: str
    size: int
    sha256: str
    download: Callable[[str], object]


def media_files(tracker: ExperimentTracker, run_id: str) -> list[ArtifactRecord]:
    """The run's own media files by path."""
    return [file for file in tracker.list_files(run_id) if file.name.startswith(FOLDER)]


def write_media(tracker: ExperimentTracker, run_id: str, folder: str) -> list[MediaFile]:
    """Write a run's media below `folder`; what is there with another content is kept as it is.

    Raises:
        SynaDBError: `folder` cannot be made.
    """
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise SynaDBError(
            f"{folder!r} cannot be made a folder: {error.strerror or error}"
        ) from error
    taken: set[str] = set()
    return [_write(source, folder, taken) for source in _sources(tracker, run_id)]


def _sources(tracker: ExperimentTracker, run_id: str) -> Iterator[_Source]:
    """The run's files, tables with the JSON of the media in their cells, and then these media."""
    tables = [
        (record.path, place)
        for record in tracker.media(run_id)
        if (place := version_place(record.json)) is not None
    ]
    places = dict(tables)
    given = set()
    for file in media_files(tracker, run_id):
        source = _Source(
            file.name, file.size, file.digest, partial(tracker.download_file, run_id, file.name)
        )
        given.add((source.path, source.sha256))
        place = places.get(file.name)
        yield source if place is None else _completed(tracker, run_id, source, place)
    for source in _in_versions(tracker, (place for _, place in tables)):
        if (source.path, source.sha256) not in given:
            given.add((source.path, source.sha256))
            yield source


def _completed(
    tracker: ExperimentTracker, run_id: str, source: _Source, place: VersionPlace
) -> _Source:
    """A table's file, with what a version has of it and the file has not."""
    from synadb.media.table import Table

    version = tracker.artifacts.find(place.uid)
    if version is None:
        return source
    try:
        with tracker.open_file(run_id, source.path) as file:
            content = file.read()
        data = Table.decode(content, tracker.artifacts.read(version, place.path)).encode()
        if data == Table.decode(content).encode():
            return source
    except (ArtifactNotFoundError, InvalidValueError):
        return source
    except StorageError as error:
        return source._replace(download=partial(_refuse, error))
    digest = hashlib.sha256(data).hexdigest()
    return _Source(source.path, len(data), digest, partial(_put, partial(io.BytesIO, data)))


def _in_versions(tracker: ExperimentTracker, places: Iterable[VersionPlace]) -> Iterator[_Source]:
    """What the versions that hold tables have beside these."""
    for uid, path in dict.fromkeys(places):
        version = tracker.artifacts.find(uid)
        if version is None:
            continue
        for entry in tracker.artifacts.entries(version):
            if entry.path != path and entry.sha256 is not None:
                content = partial(tracker.artifacts.open, version, entry.path)
                yield _Source(entry.path, entry.size or 0, entry.sha256, partial(_put, content))


def _refuse(error: StorageError, target: str) -> None:
    raise error


def _put(source: Callable[[], BinaryIO], target: str) -> None:
    with source() as stream:
        write_whole(stream, target)


def _write(source: _Source, folder: str, taken: set[str]) -> MediaFile:
    relative = safe_path(source.path)
    if _folded(relative) in taken:  # two names that differ in what a file's name cannot hold
        above, name = os.path.split(relative)
        digest = hashlib.sha256(source.path.encode("utf-8", "surrogatepass")).hexdigest()
        relative = os.path.join(above, f"{digest[:20]}{os.path.splitext(name)[1]}")
    taken.add(_folded(relative))
    target = os.path.join(folder, *relative.split("/"))

    def outcome(state: str, reason: str = "") -> MediaFile:
        return MediaFile(source.path, target, source.size, source.sha256, state, reason)

    try:
        if os.path.lexists(target):
            if _same(target, source):
                return outcome("present")
            return outcome("kept", "something else of that name is there already")
        above = os.path.dirname(target)
        # Before any folder is made: a link on the way may lead elsewhere.
        if leads_out(folder, above):
            return outcome("failed", f"a link in {folder} leads out of it")
        os.makedirs(above, exist_ok=True)
        source.download(target)
    except OSError as error:
        return outcome("failed", error.strerror or str(error))
    except UnicodeEncodeError as error:  # outside of UTF-8 locales
        return outcome("failed", f"file names are {error.encoding} here, and cannot hold all of it")
    except StorageError as error:
        return outcome("failed", str(error))
    return outcome("written")


def _folded(path: str) -> str:
    """Equal for paths that some file system takes for one: case or composition of letters apart."""
    return unicodedata.normalize("NFC", path).casefold()


def _same(target: str, source: _Source) -> bool:
    if os.path.islink(target) or not os.path.isfile(target):
        return False
    if os.path.getsize(target) != source.size:
        return False
    whole = hashlib.sha256()
    with open(target, "rb") as file:
        while piece := file.read(1 << 20):
            whole.update(piece)
    return whole.hexdigest() == source.sha256
