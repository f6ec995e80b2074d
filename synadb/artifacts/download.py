"""Entries out of the database into a folder, and a folder compared with them."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO

from synadb.artifacts.manifest import check_path, hash_file
from synadb.artifacts.streams import CHUNK_BYTES
from synadb.errors import ArtifactNotFoundError, CorruptStoreError, InvalidValueError
from synadb.folders import leads_out
from synadb.storage.blobs import ABANDONED_SECONDS
from synadb.system import host, lives

if TYPE_CHECKING:
    from synadb.artifact_records import EntryRecord
    from synadb.storage import Store

__all__ = ["differences", "local_target", "write_entries"]

BATCH_BYTES = 4 << 20
BATCH_FILES = 256
_PART = ".synadb-part-"  # then the host's digest, the process and a number
_numbers = itertools.count()
Fetch = Callable[["EntryRecord"], BinaryIO]


def write_entries(
    store: Store,
    entries: Iterable[EntryRecord],
    root: str,
    *,
    fetch: Fetch | None,
    allow_missing: bool,
) -> str:
    """Write entries below `root`, each whole or not at all; returns its absolute path."""
    folder = _Folder(root)
    small: list[tuple[EntryRecord, str]] = []
    total = 0
    for entry in entries:
        target = folder.place(entry.path)
        if entry.sha256 is None:
            _write_reference(entry, target, fetch, allow_missing)
        elif _is_there(target, entry):
            continue
        elif (entry.size or 0) > CHUNK_BYTES:
            _write(target, _pieces(store, entry))
        else:
            small.append((entry, target))
            total += entry.size or 0
            if total >= BATCH_BYTES or len(small) >= BATCH_FILES:
                _write_small(store, small)
                small, total = [], 0
    _write_small(store, small)
    return folder.root


def differences(entries: Sequence[EntryRecord], root: str) -> dict[str, str]:
    """What is missing, changed or extra in a folder."""
    found: dict[str, str] = {}
    top = os.path.abspath(root)
    for entry in entries:
        target = os.path.join(top, *check_path(entry.path).split("/"))
        if entry.sha256 is not None:
            if not os.path.isfile(target):
                found[entry.path] = "missing"
            elif not _is_there(target, entry, follow=True):
                found[entry.path] = "changed"
        elif (
            # Whoever downloads without references has none of them.
            os.path.isfile(target)
            and local_target(entry) is not None
            and _has_checksum(entry)
            and hash_file(target)[0] != entry.digest
        ):
            found[entry.path] = "changed"
    known = {entry.path for entry in entries}
    for folder, _, names in os.walk(top):
        below = os.path.relpath(folder, top).replace(os.sep, "/")
        for name in names:
            path = name if below == "." else f"{below}/{name}"
            if path not in known and not name.startswith(_PART):
                found[path] = "extra"
    return found


def local_target(entry: EntryRecord) -> str | None:
    """The file that a reference names; None where it names something else."""
    uri = entry.reference or ""
    if not uri.startswith("file://"):
        return None
    path = uri[len("file://") :]
    if not os.path.exists(path):
        from urllib.parse import urlsplit
        from urllib.request import url2pathname

        # Written with %20 and the like.
        decoded = url2pathname(urlsplit(uri).path)
        if os.path.exists(decoded):
            return decoded
    return path


class _Folder:
    """A folder that nothing is written outside of."""

    def __init__(self, root: str) -> None:
        self.root = os.path.abspath(root)
        os.makedirs(self.root, exist_ok=True)
        self._known: set[str] = set()
        _sweep(self.root)

    def place(self, path: str) -> str:
        """The file for an entry's path, with its folder made and checked."""
        parts = check_path(path).split("/")
        if os.sep != "/":
            parts = [part for each in parts for part in each.split(os.sep)]
        below = os.sep.join(parts[:-1])
        if below and below not in self._known:
            self._enter(parts[:-1], path)
            self._known.add(below)
        return os.path.join(self.root, below, parts[-1])

    def _enter(self, parts: Sequence[str], path: str) -> None:
        folder = os.path.join(self.root, *parts)
        # The part that is there may lead away; what is made below it cannot.
        there = folder
        while not os.path.lexists(there):
            there = os.path.dirname(there)
        if leads_out(self.root, there):
            raise InvalidValueError(
                f"{path!r} would be written outside of {self.root}: {there} is a link that leads "
                f"to {os.path.realpath(there)}; remove it, or download to another folder"
            )
        if there == folder:
            _sweep(folder)
        try:
            os.makedirs(folder, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise InvalidValueError(
                f"{path!r} cannot be written: {error.filename} is in the way of a folder; remove "
                "it, or download to another folder"
            ) from error


def _is_there(target: str, entry: EntryRecord, *, follow: bool = False) -> bool:
    """Whether a file has an entry's content already; a link does not count."""
    try:
        status = os.stat(target) if follow else os.lstat(target)
    except (FileNotFoundError, NotADirectoryError):
        return False
    if stat.S_ISDIR(status.st_mode):
        raise InvalidValueError(
            f"{entry.path!r} cannot be written: {target} is a folder; remove it, or download to "
            "another folder"
        )
    if not stat.S_ISREG(status.st_mode) or status.st_size != entry.size:
        return False
    whole = hashlib.sha256()
    with open(target, "rb", buffering=0) as file:
        while piece := file.read(CHUNK_BYTES):
            whole.update(piece)
    return whole.hexdigest() == entry.sha256


def _write_small(store: Store, wanted: Sequence[tuple[EntryRecord, str]]) -> None:
    if not wanted:
        return
    with store.versions() as tables:
        found = tables.small({entry.sha256 for entry, _ in wanted if entry.sha256})
    for entry, target in wanted:
        _write(target, (found[entry.sha256 or ""],))


def _pieces(store: Store, entry: EntryRecord) -> Iterator[bytes]:
    with store.versions() as tables:
        blobs = tables.pieces(entry.sha256 or "")
    for blob in blobs:
        with store.versions() as tables:
            yield tables.piece(blob, entry.path)


def _write_reference(
    entry: EntryRecord, target: str, fetch: Fetch | None, allow_missing: bool
) -> None:
    source = local_target(entry)
    with contextlib.ExitStack() as stack:
        if source is not None and os.path.isfile(source):
            if _has_checksum(entry):
                is_file = os.path.isfile(target) and not os.path.islink(target)
                if is_file and hash_file(target)[0] == entry.digest:
                    return
                if hash_file(source)[0] != entry.digest:
                    raise CorruptStoreError(
                        f"{entry.path!r}: the file {source} that it refers to has changed since "
                        "it was added"
                    )
            stream: BinaryIO = stack.enter_context(open(source, "rb"))
        elif source is None and fetch is not None:
            stream = stack.enter_context(fetch(entry))
        elif allow_missing:
            return
        else:
            how = "is not there" if source is not None else "has nobody to fetch it"
            raise ArtifactNotFoundError(
                f"{entry.path!r}: what it refers to, {entry.reference}, {how}; pass "
                "allow_missing_references=True to leave it out"
            )
        _write(target, iter(lambda: stream.read(CHUNK_BYTES), b""))


def _has_checksum(entry: EntryRecord) -> bool:
    return entry.digest != entry.reference


def _write(target: str, pieces: Iterable[bytes]) -> None:
    """Write a file under another name first; whoever looks sees the old one or all of it."""
    part = os.path.join(os.path.dirname(target), f"{_PART}{_host()}-{os.getpid()}-{next(_numbers)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    fd = os.open(part, flags, 0o666)
    try:
        try:
            for piece in pieces:
                view = memoryview(piece)
                while view:
                    view = view[os.write(fd, view) :]
        finally:
            os.close(fd)
        os.replace(part, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise


def _sweep(folder: str) -> None:
    """Remove what downloads that were killed have left in a folder."""
    with contextlib.suppress(OSError), os.scandir(folder) as found:
        for item in found:
            if item.name.startswith(_PART) and _is_stale(item):
                with contextlib.suppress(OSError):
                    os.unlink(item.path)


def _is_stale(item: os.DirEntry[str]) -> bool:
    where, _, rest = item.name[len(_PART) :].partition("-")
    pid = rest.partition("-")[0]
    if where == _host() and pid.isdigit() and not lives(int(pid), ""):
        return True
    with contextlib.suppress(OSError):
        return item.stat(follow_symlinks=False).st_mtime < time.time() - ABANDONED_SECONDS
    return False


def _host() -> str:
    return hashlib.sha256(host().encode(errors="replace")).hexdigest()[:8]
