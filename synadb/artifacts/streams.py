"""Content in pieces: hashed while it is read, and read again as a file object."""

from __future__ import annotations

import hashlib
import io
import os
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from synadb.storage.blobs import CHUNK_BYTES, Readable, read_piece, workers

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = [
    "CHUNK_BYTES",
    "ContentStream",
    "Hashes",
    "Readable",
    "as_stream",
    "batches",
    "read_piece",
]


BATCH_PIECES = 8
BATCHES_AHEAD = 3  # read and hashed, waiting to be written


class Hashes:
    """MD5, SHA-256 and size of content that comes in pieces."""

    __slots__ = ("_md5", "_sha256", "size")

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self.size = 0

    def update(self, piece: bytes) -> None:
        """Take the next piece."""
        self.update_md5(piece)
        self._sha256.update(piece)

    def update_md5(self, piece: bytes) -> None:
        """Take the next piece; its SHA-256 is to follow from `update_sha256`."""
        self._md5.update(piece)
        self.size += len(piece)

    def update_sha256(self, piece: bytes) -> bytes:
        """Take the next piece and return the SHA-256 of it alone."""
        self._sha256.update(piece)
        return hashlib.sha256(piece).digest()

    @property
    def md5(self) -> bytes:
        """The MD5 of all of it."""
        return self._md5.digest()

    @property
    def sha256(self) -> bytes:
        """The SHA-256 of all of it."""
        return self._sha256.digest()


def batches(stream: Readable, hashes: Hashes) -> Iterator[list[tuple[bytes, bytes]]]:
    """The pieces of a stream with their SHA-256, a few at a time, read and hashed ahead.

    `hashes` are those of the whole once the last batch has been given out.
    """
    with workers() as (reader, hasher):

        def read() -> tuple[list[tuple[Future[bytes], bytes]], bool]:
            batch: list[tuple[Future[bytes], bytes]] = []
            while len(batch) < BATCH_PIECES:
                piece = read_piece(stream)
                if piece:
                    batch.append((hasher.submit(hashes.update_sha256, piece), piece))
                    hashes.update_md5(piece)
                if len(piece) < CHUNK_BYTES:
                    return batch, True
            return batch, False

        ahead = deque(reader.submit(read) for _ in range(BATCHES_AHEAD))
        ended = False
        while not ended:
            batch, ended = ahead.popleft().result()
            if not ended:
                ahead.append(reader.submit(read))
            yield [(digest.result(), piece) for digest, piece in batch]


class ContentStream(io.RawIOBase):
    """A file object over pieces of CHUNK_BYTES that `fetch` gets by number."""

    def __init__(self, fetch: Callable[[int], bytes], size: int) -> None:
        self._fetch = fetch
        self._size = size
        self._at = 0
        self._piece = (-1, b"")

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to another place."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError(f"cannot seek to {base + offset}")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """Where it is."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read what is left of the piece at hand."""
        if self._at >= self._size:
            return 0
        index, offset = divmod(self._at, CHUNK_BYTES)
        if self._piece[0] != index:
            self._piece = index, self._fetch(index)
        view = memoryview(self._piece[1])[offset : offset + len(buffer)]
        buffer[: len(view)] = view
        self._at += len(view)
        return len(view)


def as_stream(fetch: Callable[[int], bytes], size: int) -> BinaryIO:
    """The same, buffered."""
    return io.BufferedReader(ContentStream(fetch, size))
