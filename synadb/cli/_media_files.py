"""Writing a run's media out as files that never leave their folder, and never replace others."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from synadb.errors import StorageError, SynaDBError
from synadb.folders import leads_out, safe_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from synadb.records import ArtifactRecord
    from synadb.tracker import ExperimentTracker

__all__ = ["PREFIX", "MediaFile", "write_media"]

PREFIX = "media/"


class MediaFile(NamedTuple):
    """What became of one file: `state` is written, present, kept or failed, `reason` says why."""

    path: str
    file: str
    size: int
    sha256: str
    state: str
    reason: str = ""


def write_media(
    tracker: ExperimentTracker, run_id: str, files: Iterable[ArtifactRecord], folder: str
) -> list[MediaFile]:
    """Write files below `folder`; one that is there with another content is kept as it is.

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
    return [_write(tracker, run_id, record, folder, taken) for record in files]


def _write(
    tracker: ExperimentTracker,
    run_id: str,
    record: ArtifactRecord,
    folder: str,
    taken: set[str],
) -> MediaFile:
    relative = safe_path(record.name)
    if _folded(relative) in taken:  # two names that differ in what a file's name cannot hold
        above, name = os.path.split(relative)
        digest = hashlib.sha256(record.name.encode("utf-8", "surrogatepass")).hexdigest()
        relative = os.path.join(above, f"{digest[:20]}{os.path.splitext(name)[1]}")
    taken.add(_folded(relative))
    target = os.path.join(folder, *relative.split("/"))

    def outcome(state: str, reason: str = "") -> MediaFile:
        return MediaFile(record.name, target, record.size, record.digest, state, reason)

    try:
        if os.path.lexists(target):
            if _same(target, record):
                return outcome("present")
            return outcome("kept", "something else of that name is there already")
        above = os.path.dirname(target)
        # Before any folder is made: a link on the way may lead elsewhere.
        if leads_out(folder, above):
            return outcome("failed", f"a link in {folder} leads out of it")
        os.makedirs(above, exist_ok=True)
        tracker.download_file(run_id, record.name, target)
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


def _same(target: str, record: ArtifactRecord) -> bool:
    if os.path.islink(target) or not os.path.isfile(target):
        return False
    if os.path.getsize(target) != record.size:
        return False
    whole = hashlib.sha256()
    with open(target, "rb") as file:
        while piece := file.read(1 << 20):
            whole.update(piece)
    return whole.hexdigest() == record.digest
