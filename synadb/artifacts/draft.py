"""The content of a version that is being put together."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import stat
import tempfile
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, cast

from synadb.artifact_records import EntryRecord, b64_md5, manifest_digest
from synadb.artifacts.manifest import check_path
from synadb.artifacts.streams import CHUNK_BYTES, Hashes, Readable, as_stream, batches, read_piece
from synadb.errors import ArtifactNotFoundError, InvalidValueError, StorageError
from synadb.storage.codec import plain
from synadb.storage.versions import Incoming
from synadb.system import birth, host

if TYPE_CHECKING:
    from synadb.artifact_records import VersionRecord
    from synadb.artifacts.library import Artifacts
    from synadb.storage.versions import VersionTables

__all__ = ["Draft"]

Policy = Literal["mutable", "immutable"]

LONG_PIECES = 32  # content from here on is worth what `Store.bulk` costs
MEMORY_BYTES = 4 << 20  # content held in memory before it is put away


class _Content:
    """Where the bytes under a path are. With none of the places set: in the database."""

    __slots__ = ("md5", "path", "pieces", "sha256", "size", "spooled")

    def __init__(
        self,
        sha256: bytes,
        md5: bytes,
        size: int,
        *,
        pieces: list[tuple[bytes, bytes]] | None = None,
        spooled: tuple[int, int] | None = None,  # (number of the file, offset)
        path: str | None = None,
    ) -> None:
        self.sha256 = sha256
        self.md5 = md5
        self.size = size
        self.pieces = pieces
        self.spooled = spooled
        self.path = path


class Draft:
    """Paths with the files, bytes and references that are to be a version.

    What is added is safe from changes the moment the call returns: it has been read, and copied to
    memory, to the database of `artifacts`, or, without one, to a nameless file in the folder
    `staging` (default: that of `tempfile`), which goes with the draft or its process. The policy
    "immutable" promises that a file will not change: without a database it is not copied but read
    again when the draft is committed, and an InvalidValueError says so if it has changed. Not for
    several threads at once.

    Paths are relative, with `/`; anything else is an InvalidValueError (a ValueError). So is other
    content for a path that is there, unless `overwrite` says so; the same content again is fine.
    """

    def __init__(
        self, artifacts: Artifacts | None = None, *, staging: str | os.PathLike[str] | None = None
    ) -> None:
        self._library = artifacts
        self._staging = staging
        self._entries: dict[str, EntryRecord] = {}
        self._contents: dict[str, _Content] = {}
        self._fresh: dict[str, None] = {}  # paths that the row in the database has not, or has old
        self._removed: set[str] = set()  # paths that it has and should not
        self._memory = 0
        self._spools: list[_Spool] = []
        self._spool_end = 0
        self._uid = os.urandom(16).hex()
        self._pid = os.getpid()
        self._farewell: weakref.finalize[[list[str], str, int], Draft] | None = None
        self._committed: VersionRecord | None = None

    # -- what is in it ---------------------------------------------------------------------------

    @property
    def entries(self) -> Mapping[str, EntryRecord]:
        """All entries by path, in the order they were added (a read-only view)."""
        return MappingProxyType(self._entries)

    @property
    def digest(self) -> str:
        """The manifest's digest as it stands."""
        return manifest_digest((path, entry.digest) for path, entry in self._entries.items())

    @property
    def size(self) -> int:
        """Bytes of all entries, of references where known."""
        return sum(entry.size or 0 for entry in self._entries.values())

    @property
    def committed(self) -> VersionRecord | None:
        """The version that this draft has become; nothing can be added to it then."""
        return self._committed

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        done = f", committed as {self._committed.name}" if self._committed else ""
        return f"<Draft of {len(self)} entries, {self.size:,} bytes{done}>"

    # -- adding ----------------------------------------------------------------------------------

    def add_file(
        self,
        path: str | os.PathLike[str],
        name: str | None = None,
        *,
        policy: Policy = "mutable",
        overwrite: bool = False,
        extra: Mapping[str, Any] | None = None,
    ) -> EntryRecord:
        """Add a file as `name` (default: its base name); InvalidValueError when it is no file."""
        source = os.fspath(path)
        target = self._target(os.path.basename(source) if name is None else name)
        if policy not in ("mutable", "immutable"):
            raise InvalidValueError(f"the policy is 'mutable' or 'immutable', not {policy!r}")
        try:
            # Asked first: opening a pipe would wait for somebody to write to it.
            regular = stat.S_ISREG(os.stat(source).st_mode)
        except (OSError, ValueError) as error:
            raise InvalidValueError(f"{source!r} cannot be added: {_reason(error)}") from error
        if not regular:
            raise InvalidValueError(f"{source!r} cannot be added: it is not a file")
        with open(source, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(size + 1) if size <= CHUNK_BYTES else b""
            if size and len(data) == size:
                content = _small(data)
                if policy == "immutable" and self._library is None:
                    content.pieces, content.path = None, os.path.abspath(source)
                return self._admit(target, content, overwrite, extra)
            file.seek(0)
            if policy == "immutable" and self._library is None:
                hashes = Hashes()
                while piece := read_piece(file):
                    hashes.update(piece)
                place = os.path.abspath(source)
                content = _Content(hashes.sha256, hashes.md5, hashes.size, path=place)
                return self._admit(target, content, overwrite, extra)
            return self._take(target, file, overwrite, extra)

    def add_folder(
        self,
        path: str | os.PathLike[str],
        name: str | None = None,
        *,
        policy: Policy = "mutable",
        overwrite: bool = False,
        keep: Callable[[str], bool] | None = None,
    ) -> list[EntryRecord]:
        """Add every file below a folder, hidden ones too, below `name` (default: at the top).

        Links to files and folders are followed. `keep` is asked with each path below the folder.
        InvalidValueError when it is no folder, or links lead round in a circle.
        """
        root = os.fspath(path)
        if not os.path.isdir(root):
            raise InvalidValueError(f"{root!r} cannot be added: it is not a folder")
        top = check_path(name) + "/" if name else ""
        return [
            self.add_file(file, top + below, policy=policy, overwrite=overwrite)
            for file, below in _walk(root, "", ())
            if keep is None or keep(below)
        ]

    def add_bytes(
        self,
        name: str,
        data: bytes | bytearray | memoryview,
        *,
        overwrite: bool = False,
        extra: Mapping[str, Any] | None = None,
    ) -> EntryRecord:
        """Add bytes as `name`."""
        target = self._target(name)
        if len(memoryview(data).cast("B")) <= CHUNK_BYTES:
            return self._admit(target, _small(bytes(data)), overwrite, extra)
        return self._take(target, io.BytesIO(data), overwrite, extra)

    def add_stream(
        self,
        name: str,
        stream: BinaryIO,
        *,
        overwrite: bool = False,
        extra: Mapping[str, Any] | None = None,
    ) -> EntryRecord:
        """Add what a binary file object still holds as `name`."""
        return self._take(self._target(name), stream, overwrite, extra)

    def add_reference(
        self,
        name: str,
        uri: str,
        *,
        digest: str,
        size: int | None = None,
        overwrite: bool = False,
        extra: Mapping[str, Any] | None = None,
    ) -> EntryRecord:
        """Add a reference to content that stays elsewhere; nothing is read."""
        target = self._target(name)
        for what, text in (("uri", uri), ("digest", digest)):
            if not text or type(text) is not str:
                raise InvalidValueError(f"the {what} of a reference is a text, not {text!r}")
        entry = EntryRecord(target, digest, size, None, uri, _document(extra))
        return self._enter(entry, None, overwrite)

    def add_version(self, version: VersionRecord, *, overwrite: bool = False) -> None:
        """Add all entries of a version of the draft's `artifacts`, without reading content."""
        if self._library is None:
            raise InvalidValueError("a draft without a database has no versions to start from")
        with self._library._store.versions() as tables:
            found = tables.entries(version.uid)
        for entry in found:
            content = None
            if entry.sha256 is not None:
                content = _Content(
                    bytes.fromhex(entry.sha256), _raw_md5(entry.digest), entry.size or 0
                )
            self._enter(entry, content, overwrite)

    def remove(self, name: str) -> list[str]:
        """Take out an entry, or all below a folder; returns their paths ([]: there was none)."""
        self._changeable()
        target = check_path(name)
        if target in self._entries:
            gone = [target]
        else:
            gone = [path for path in self._entries if path.startswith(target + "/")]
        for path in gone:
            self._drop(path)
            self._removed.add(path)
        return gone

    def open(self, name: str) -> BinaryIO:
        """An entry's content as a stream; ArtifactNotFoundError; InvalidValueError: a reference."""
        path = check_path(name)
        entry = self._entries.get(path)
        if entry is None:
            raise ArtifactNotFoundError(f"the draft has no entry {name!r}")
        if entry.sha256 is None:
            raise InvalidValueError(f"{name!r} is a reference to {entry.reference}; open that")
        if self._committed is not None and self._library is not None:
            return self._library._content(entry.sha256, entry.size or 0, path)
        return self._stream(self._contents[path], path)

    def discard(self) -> None:
        """Let go of everything; the draft is empty afterwards."""
        begun = self._farewell is not None and self._pid == os.getpid()
        self._let_go()
        self._entries.clear()
        if begun and self._library is not None:
            with self._library._store.versions(write=True) as tables:
                tables.discard([self._uid])
        self._uid = os.urandom(16).hex()

    # -- inside ----------------------------------------------------------------------------------

    def _changeable(self) -> None:
        if self._committed is not None:
            raise InvalidValueError(
                f"the draft has been committed as {self._committed.name} and cannot be changed; "
                "begin another with add_version()"
            )
        if self._pid != os.getpid():
            # The row in the database is the parent's. What is in it is content like any other.
            self._pid = os.getpid()
            self._uid = os.urandom(16).hex()
            self._farewell = None
            self._fresh = dict.fromkeys(self._entries)
            self._removed.clear()
            self._spool_end = -1  # the parent goes on writing there

    def _target(self, name: str) -> str:
        self._changeable()
        return check_path(name)

    def _take(
        self, target: str, stream: Readable, overwrite: bool, extra: Mapping[str, Any] | None
    ) -> EntryRecord:
        """Add a stream of any length."""
        if isinstance(cast(object, stream), io.TextIOBase):
            raise InvalidValueError(f"{target!r}: open the file in binary mode ('rb')")
        piece = read_piece(stream)
        if len(piece) < CHUNK_BYTES:
            return self._admit(target, _small(bytes(piece)), overwrite, extra)
        joined = _Joined(piece, stream)
        if self._library is None:
            return self._admit(target, self._spool_stream(joined), overwrite, extra)
        with _Upload(self, self._library) as upload:
            content = upload.run(joined)
            entry = EntryRecord(
                target,
                b64_md5(content.md5),
                content.size,
                content.sha256.hex(),
                None,
                _document(extra),
            )
            if self._same(entry, overwrite):
                return self._entries[target]
            upload.finish(entry, content)
        self._drop(target)
        self._removed.discard(target)
        self._entries[target] = entry
        self._contents[target] = content
        return entry

    def _admit(
        self, target: str, content: _Content, overwrite: bool, extra: Mapping[str, Any] | None
    ) -> EntryRecord:
        entry = EntryRecord(
            target,
            b64_md5(content.md5),
            content.size,
            content.sha256.hex(),
            None,
            _document(extra),
        )
        return self._enter(entry, content, overwrite)

    def _enter(self, entry: EntryRecord, content: _Content | None, overwrite: bool) -> EntryRecord:
        path = entry.path
        if self._same(entry, overwrite):
            return self._entries[path]
        self._drop(path)
        self._entries[path] = entry
        self._fresh[path] = None
        self._removed.discard(path)
        if content is not None:
            self._contents[path] = content
            if content.pieces is not None:
                self._memory += content.size
                if self._memory > MEMORY_BYTES:
                    self._put_away()
        return entry

    def _same(self, entry: EntryRecord, overwrite: bool) -> bool:
        known = self._entries.get(entry.path)
        if known is None:
            return False
        if known == entry:
            return True
        if not overwrite and (known.digest, known.reference) != (entry.digest, entry.reference):
            raise InvalidValueError(
                f"{entry.path!r} is in the artifact with other content: the same path twice; "
                "use another name, or overwrite it"
            )
        return False

    def _drop(self, path: str) -> None:
        content = self._contents.pop(path, None)
        if content is not None and content.pieces is not None:
            self._memory -= content.size
        self._fresh.pop(path, None)
        self._entries.pop(path, None)

    def _put_away(self) -> None:
        """Give the content in memory to the database, or to a nameless file."""
        if self._library is not None:
            with self._library._store.versions(write=True) as tables:
                self._stage(tables)
            self._staged()
            return
        for content in self._contents.values():
            if content.pieces is not None:
                self._spool_pieces(content)
        self._memory = 0

    def _stage(self, tables: VersionTables) -> None:
        """Bring the row in the database up to date, with what is in memory."""
        now = time.time()
        if self._farewell is None:
            tables.begin(self._uid, _owner(), now)
        tables.stage(self._uid, self._incoming(), self._removed, now)

    def _staged(self) -> None:
        """The transaction of `_stage` has been committed."""
        self._begun()
        for path in self._fresh:
            if path in self._contents:
                self._contents[path].pieces = None
        self._fresh.clear()
        self._removed.clear()
        self._memory = 0

    def _begun(self) -> None:
        if self._farewell is None and self._library is not None:
            self._farewell = weakref.finalize(
                self, _abandon, self._library._abandoned, self._uid, os.getpid()
            )

    def _incoming(self) -> Iterator[Incoming]:
        for path in self._fresh:
            entry, content = self._entries[path], self._contents.get(path)
            if content is None:
                yield Incoming(
                    path, None, None, entry.size, None, entry.digest, entry.reference, entry.extra
                )
            else:
                yield _incoming(entry, content)

    def _hand_over(self, library: Artifacts) -> None:
        """Have everything but what is in memory in the database of `library`."""
        self._changeable()
        if self._library is not None and self._library._store.path != library._store.path:
            self._move(library)
        self._library = library
        in_files = {
            path: content
            for path in self._fresh
            if (content := self._contents.get(path))
            and (content.path is not None or content.spooled is not None)
        }
        for path in in_files:
            del self._fresh[path]
        try:
            for path in list(in_files):
                self._fetch_in(path, in_files[path])
                del in_files[path]
        finally:
            self._fresh.update(dict.fromkeys(in_files))

    def _fetch_in(self, path: str, content: _Content) -> None:
        """Bring what lies in a file to memory, or to the database."""
        expected = content.sha256
        if content.size <= CHUNK_BYTES:
            with self._stream(content, path) as stream:
                found = _small(stream.read(CHUNK_BYTES + 1))
            self._unchanged(path, found.sha256, expected)
            content.pieces = found.pieces
            self._fresh[path] = None
            self._memory += content.size
            if self._memory > MEMORY_BYTES:
                self._put_away()
        else:
            assert self._library is not None
            with (
                self._stream(content, path) as stream,
                _Upload(self, self._library) as upload,
            ):
                found = upload.run(stream)
                self._unchanged(path, found.sha256, expected)
                upload.finish(self._entries[path], found)
        content.path = content.spooled = None

    def _unchanged(self, path: str, found: bytes, expected: bytes) -> None:
        if found != expected:
            raise InvalidValueError(
                f"the file of {path!r} has changed since it was added with policy='immutable'; "
                "add it again, or without that policy"
            )

    def _move(self, library: Artifacts) -> None:
        """Take content that is in one database over to another."""
        other = Draft(library)
        for path, entry in self._entries.items():
            content = self._contents.get(path)
            if content is None:
                other._enter(entry, None, overwrite=False)
            else:
                with self._stream(content, path) as stream:
                    other._take(path, stream, False, entry.extra)
        self.discard()
        for name in ("_entries", "_contents", "_fresh", "_memory", "_uid", "_library"):
            setattr(self, name, getattr(other, name))
        if other._farewell is not None:
            other._farewell.detach()
            self._begun()

    def _become(self, version: VersionRecord, library: Artifacts) -> None:
        if self._farewell is not None and self._library is not library and self._library:
            # In a database that turned out not to be the one; nobody will come back to it.
            self._library._abandoned.append(self._uid)
        self._let_go()
        self._committed, self._library = version, library

    def _let_go(self) -> None:
        if self._farewell is not None:
            self._farewell.detach()
            self._farewell = None
        self._contents.clear()
        self._fresh.clear()
        self._removed.clear()
        self._memory = 0
        self._spools.clear()
        self._spool_end = 0

    # -- the nameless file -----------------------------------------------------------------------

    def _spool(self) -> _Spool:
        if not self._spools or self._spool_end < 0:
            self._spools.append(_Spool(self._staging_folder))
            self._spool_end = 0
        return self._spools[-1]

    def _spool_write(self, spool: _Spool, piece: bytes) -> None:
        try:
            spool.write(piece, self._spool_end)
        except OSError as error:
            raise StorageError(
                f"what is added to an artifact cannot be kept in {self._staging_folder}: "
                f"{_reason(error)}; set TMPDIR to a folder with space, or begin a run first"
            ) from error
        self._spool_end += len(piece)

    @property
    def _staging_folder(self) -> str:
        return tempfile.gettempdir() if self._staging is None else os.fspath(self._staging)

    def _spool_pieces(self, content: _Content) -> None:
        spool = self._spool()
        start = self._spool_end
        for _, piece in content.pieces or ():
            self._spool_write(spool, piece)
        content.spooled = len(self._spools) - 1, start
        content.pieces = None

    def _spool_stream(self, stream: Readable) -> _Content:
        spool = self._spool()
        start = self._spool_end
        hashes = Hashes()
        while piece := read_piece(stream):
            hashes.update(piece)
            self._spool_write(spool, piece)
        place = len(self._spools) - 1, start
        return _Content(hashes.sha256, hashes.md5, hashes.size, spooled=place)

    def _stream(self, content: _Content, path: str) -> BinaryIO:
        if content.path is not None:
            try:
                return open(content.path, "rb", buffering=0)
            except OSError as error:
                raise InvalidValueError(
                    f"the file of {path!r}, added with policy='immutable', cannot be read any "
                    f"more: {error}"
                ) from error
        if content.pieces is not None:
            pieces = content.pieces
            return as_stream(lambda index: pieces[index][1], content.size)
        if content.spooled is not None:
            number, start = content.spooled
            spool = self._spools[number]

            def fetch(index: int) -> bytes:
                at = index * CHUNK_BYTES
                return spool.read(start + at, min(CHUNK_BYTES, content.size - at))

            return as_stream(fetch, content.size)
        assert self._library is not None
        return self._library._content(content.sha256.hex(), content.size, path)


class _Spool:
    """A nameless file that goes with whoever holds it, at the latest with the process."""

    def __init__(self, folder: str) -> None:
        os.makedirs(folder, exist_ok=True)
        self._file = tempfile.TemporaryFile(buffering=0, dir=folder)  # noqa: SIM115 - held

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()

    def write(self, piece: bytes, offset: int) -> None:
        """Write all of it."""
        self._file.seek(offset)
        view = memoryview(piece)
        while view:
            view = view[self._file.write(view) :]

    def read(self, offset: int, size: int) -> bytes:
        """Read all of it."""
        if not hasattr(os, "pread"):
            self._file.seek(offset)
            return self._file.read(size)
        found = b""
        # Not `seek`: a forked child has the same position.
        while len(found) < size and (
            more := os.pread(self._file.fileno(), size - len(found), offset + len(found))
        ):
            found += more
        return found


class _Upload:
    """A stream on its way into the database, in transactions of a few MiB."""

    def __init__(self, draft: Draft, library: Artifacts) -> None:
        self._draft = draft
        self._store = library._store
        self._content: int | None = None

    def __enter__(self) -> _Upload:
        draft = self._draft
        with self._store.versions(write=True) as tables:
            if draft._farewell is None:
                tables.begin(draft._uid, _owner(), time.time())
            self._content = tables.begin_upload(draft._uid, time.time())
        draft._begun()
        return self

    def run(self, stream: Readable) -> _Content:
        """Read it to the end."""
        hashes = Hashes()
        position = 0
        assert self._content is not None
        with contextlib.ExitStack() as stack:
            for batch in batches(stream, hashes):
                if position < LONG_PIECES <= position + len(batch):
                    stack.enter_context(self._store.bulk())
                with self._store.versions(write=True) as tables:
                    tables.upload(self._draft._uid, self._content, position, batch)
                position += len(batch)
        return _Content(hashes.sha256, hashes.md5, hashes.size)

    def finish(self, entry: EntryRecord, content: _Content) -> None:
        """Put it under the path."""
        assert self._content is not None
        with self._store.versions(write=True) as tables:
            tables.end_upload(self._draft._uid, self._content, _incoming(entry, content))
        self._content = None

    def __exit__(self, *_: object) -> None:
        if self._content is not None:
            # What cannot be dropped goes with the draft; the error under way is the one to tell.
            with (
                contextlib.suppress(StorageError),
                self._store.versions(write=True) as tables,
            ):
                tables.drop_upload(self._draft._uid, self._content)


class _Joined:
    """A stream whose beginning has been read already."""

    def __init__(self, head: bytes, rest: Readable) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int, /) -> bytes:
        head, self._head = self._head, b""
        return head or self._rest.read(size)


def _small(data: bytes) -> _Content:
    sha256 = hashlib.sha256(data).digest()
    md5 = hashlib.md5(data, usedforsecurity=False).digest()
    return _Content(sha256, md5, len(data), pieces=[(sha256, data)] if data else [])


def _incoming(entry: EntryRecord, content: _Content) -> Incoming:
    return Incoming(
        entry.path,
        content.sha256,
        content.md5,
        content.size,
        content.pieces,
        None,
        None,
        entry.extra,
    )


def _walk(folder: str, below: str, above: Iterable[tuple[int, int]]) -> Iterator[tuple[str, str]]:
    """The files below a folder, (path, path below it), in the order of their names."""
    status = os.stat(folder)
    here = (status.st_dev, status.st_ino)
    if here in above:
        raise InvalidValueError(f"{folder!r} cannot be added: links lead round in a circle")
    above = (*above, here)
    with os.scandir(folder) as found:
        inside = sorted(found, key=lambda item: item.name)
    for item in inside:
        if item.is_dir():
            yield from _walk(item.path, f"{below}{item.name}/", above)
        else:
            yield item.path, below + item.name


def _owner() -> dict[str, Any]:
    """Who makes a draft, for the collector."""
    return {"host": host(), "pid": os.getpid(), "birth": birth(os.getpid())}


def _abandon(abandoned: list[str], uid: str, pid: int) -> None:
    # No transaction here: this may run anywhere, in the middle of another one too.
    if os.getpid() == pid:
        abandoned.append(uid)


def _document(extra: Mapping[str, Any] | None) -> dict[str, Any]:
    if not extra:
        return {}
    try:
        found: dict[str, Any] = plain(dict(extra))
    except TypeError as error:
        raise InvalidValueError(f"extra cannot be kept: {error}") from error
    return found


def _raw_md5(digest: str) -> bytes:
    import base64

    return base64.b64decode(digest)


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)
