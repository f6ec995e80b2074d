"""Content that a draft has taken: where its bytes are until they are in a database."""

from __future__ import annotations

import hashlib
import os
import tempfile
from typing import BinaryIO

from synadb.artifacts.streams import CHUNK_BYTES, Hashes, Readable, as_stream, read_piece
from synadb.errors import StorageError

__all__ = ["Content", "Joined", "Spools", "reason", "small"]


class Content:
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


def small(data: bytes) -> Content:
    """What one piece holds, in memory."""
    sha256 = hashlib.sha256(data).digest()
    md5 = hashlib.md5(data, usedforsecurity=False).digest()
    return Content(sha256, md5, len(data), pieces=[(sha256, data)] if data else [])


class Joined:
    """A stream whose beginning has been read already."""

    def __init__(self, head: bytes, rest: Readable) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int, /) -> bytes:
        """The beginning, then the rest."""
        head, self._head = self._head, b""
        return head or self._rest.read(size)


class Spools:
    """Nameless files in a folder, which go with the draft or its process.

    A forked child reads those of its parent and writes to one of its own.
    """

    def __init__(self, folder: str | os.PathLike[str] | None) -> None:
        self._chosen = folder
        self._spools: list[_Spool] = []
        self._end = 0

    @property
    def _folder(self) -> str:
        return tempfile.gettempdir() if self._chosen is None else os.fspath(self._chosen)

    def clear(self) -> None:
        """Let go of all content."""
        self._spools.clear()
        self._end = 0

    def leave(self) -> None:
        """Another process goes on writing to the file at hand."""
        self._end = -1

    def take_pieces(self, content: Content) -> None:
        """Put away what is in memory."""
        content.spooled = self._place()
        for _, piece in content.pieces or ():
            self._write(piece)
        content.pieces = None

    def take_stream(self, stream: Readable) -> Content:
        """Read a stream to its end."""
        place = self._place()
        hashes = Hashes()
        while piece := read_piece(stream):
            hashes.update(piece)
            self._write(piece)
        return Content(hashes.sha256, hashes.md5, hashes.size, spooled=place)

    def open(self, place: tuple[int, int], size: int) -> BinaryIO:
        """What lies at a place, as a stream."""
        number, start = place
        spool = self._spools[number]

        def fetch(index: int) -> bytes:
            at = index * CHUNK_BYTES
            return spool.read(start + at, min(CHUNK_BYTES, size - at))

        return as_stream(fetch, size)

    def _place(self) -> tuple[int, int]:
        if not self._spools or self._end < 0:
            self._spools.append(_Spool(self._folder))
            self._end = 0
        return len(self._spools) - 1, self._end

    def _write(self, piece: bytes) -> None:
        try:
            self._spools[-1].write(piece, self._end)
        except OSError as error:
            raise StorageError(
                f"what is added to an artifact cannot be kept in {self._folder}: "
                f"{reason(error)}; set TMPDIR to a folder with space, or begin a run first"
            ) from error
        self._end += len(piece)


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


def reason(error: Exception) -> str:
    """What an error says, without the number and the name of the file."""
    return (isinstance(error, OSError) and error.strerror) or str(error)
