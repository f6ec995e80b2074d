"""The content of a version that is being put together."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, cast

from synadb.artifact_records import EntryRecord, b64_md5, manifest_digest
from synadb.artifacts.manifest import check_path
from synadb.artifacts.staging import Content, Joined, Spools, reason, small
from synadb.artifacts.streams import CHUNK_BYTES, Hashes, Readable, as_stream, read_piece
from synadb.artifacts.uploading import Upload, incoming
from synadb.errors import ArtifactNotFoundError, InvalidValueError
from synadb.storage.codec import as_document
from synadb.storage.drafts import Incoming
from synadb.system import birth, host

if TYPE_CHECKING:
    from synadb.artifact_records import VersionRecord
    from synadb.artifacts.library import Artifacts
    from synadb.storage.versions import VersionTables

__all__ = ["Draft"]

Policy = Literal["mutable", "immutable"]

MEMORY_BYTES = 4 << 20  # content held in memory before it is put away


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
        self._entries: dict[str, EntryRecord] = {}
        self._contents: dict[str, Content] = {}
        self._fresh: dict[str, None] = {}  # paths that the row in the database has not, or has old
        self._removed: set[str] = set()  # paths that it has and should not
        self._memory = 0
        self._spools = Spools(staging)
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
            raise InvalidValueError(f"{source!r} cannot be added: {reason(error)}") from error
        if not regular:
            raise InvalidValueError(f"{source!r} cannot be added: it is not a file")
        with open(source, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(size + 1) if size <= CHUNK_BYTES else b""
            if size and len(data) == size:
                content = small(data)
                if policy == "immutable" and self._library is None:
                    content.pieces, content.path = None, os.path.abspath(source)
                return self._admit(target, content, overwrite, extra)
            file.seek(0)
            if policy == "immutable" and self._library is None:
                hashes = Hashes()
                while piece := read_piece(file):
                    hashes.update(piece)
                place = os.path.abspath(source)
                content = Content(hashes.sha256, hashes.md5, hashes.size, path=place)
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
            return self._admit(target, small(bytes(data)), overwrite, extra)
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
        entry = EntryRecord(target, digest, size, None, uri, as_document("extra", extra or {}))
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
                content = Content(
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
                tables.drafts.discard([self._uid])
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
            self._spools.leave()

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
            return self._admit(target, small(bytes(piece)), overwrite, extra)
        joined = Joined(piece, stream)
        if self._library is None:
            return self._admit(target, self._spools.take_stream(joined), overwrite, extra)
        with self._upload() as upload:
            content = upload.run(joined)
            entry = EntryRecord(
                target,
                b64_md5(content.md5),
                content.size,
                content.sha256.hex(),
                None,
                as_document("extra", extra or {}),
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
        self, target: str, content: Content, overwrite: bool, extra: Mapping[str, Any] | None
    ) -> EntryRecord:
        entry = EntryRecord(
            target,
            b64_md5(content.md5),
            content.size,
            content.sha256.hex(),
            None,
            as_document("extra", extra or {}),
        )
        return self._enter(entry, content, overwrite)

    def _enter(self, entry: EntryRecord, content: Content | None, overwrite: bool) -> EntryRecord:
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
                self._spools.take_pieces(content)
        self._memory = 0

    def _stage(self, tables: VersionTables) -> None:
        """Bring the row in the database up to date, with what is in memory."""
        now = time.time()
        if self._farewell is None:
            tables.drafts.begin(self._uid, _owner(), now)
        tables.drafts.stage(self._uid, self._incoming(), self._removed, now)

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

    @contextlib.contextmanager
    def _upload(self) -> Iterator[Upload]:
        assert self._library is not None
        owner = _owner() if self._farewell is None else None
        with Upload(self._library._store, self._uid, owner) as upload:
            self._begun()
            yield upload

    def _incoming(self) -> Iterator[Incoming]:
        for path in self._fresh:
            entry, content = self._entries[path], self._contents.get(path)
            if content is None:
                yield Incoming(
                    path, None, None, entry.size, None, entry.digest, entry.reference, entry.extra
                )
            else:
                yield incoming(entry, content)

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

    def _fetch_in(self, path: str, content: Content) -> None:
        """Bring what lies in a file to memory, or to the database."""
        expected = content.sha256
        if content.size <= CHUNK_BYTES:
            with self._stream(content, path) as stream:
                found = small(stream.read(CHUNK_BYTES + 1))
            self._unchanged(path, found.sha256, expected)
            content.pieces = found.pieces
            self._fresh[path] = None
            self._memory += content.size
            if self._memory > MEMORY_BYTES:
                self._put_away()
        else:
            with self._stream(content, path) as stream, self._upload() as upload:
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

    def _stream(self, content: Content, path: str) -> BinaryIO:
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
            return self._spools.open(content.spooled, content.size)
        assert self._library is not None
        return self._library._content(content.sha256.hex(), content.size, path)


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


def _raw_md5(digest: str) -> bytes:
    import base64

    return base64.b64decode(digest)
