"""The files and unversioned artifacts of a run: content of any kind in, streams and files out."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from synadb.errors import ArtifactNotFoundError, InvalidValueError
from synadb.folders import whole_file

if TYPE_CHECKING:
    from synadb.records import ArtifactRecord
    from synadb.storage import Store

__all__ = ["Content", "download", "open_stream", "put", "target_path"]

Content = bytes | str | os.PathLike[str] | BinaryIO


def put(store: Store, run_id: str, name: str, data: Content, kind: str) -> ArtifactRecord:
    """Store bytes, the file at a path, or what a binary file object still holds."""
    if isinstance(data, bytes | bytearray | memoryview):
        return store.put_artifact(run_id, name, io.BytesIO(data), time.time(), kind)
    if isinstance(data, str | os.PathLike):
        with open(data, "rb") as file:
            return store.put_artifact(run_id, name, file, time.time(), kind)
    if not hasattr(data, "read"):
        raise InvalidValueError(
            f"the content is bytes, a path or a binary file object, not {type(data).__name__}"
        )
    if isinstance(cast(object, data), io.TextIOBase):
        raise InvalidValueError(f"{name!r}: open the file in binary mode ('rb')")
    _check_rest(name, data)
    return store.put_artifact(run_id, name, data, time.time(), kind)


def _check_rest(name: str, file: BinaryIO) -> None:
    with contextlib.suppress(OSError, AttributeError):
        if file.seekable() and (at := file.tell()):
            if file.seek(0, os.SEEK_END) == at:
                raise InvalidValueError(
                    f"{name!r}: the file object is at its end, so there is nothing left to "
                    "read; seek(0) first"
                )
            file.seek(at)


def open_stream(store: Store, run_id: str, name: str, kind: str) -> BinaryIO:
    """The content as a stream, read and verified piece by piece; ArtifactNotFoundError."""
    if all(record.name != name for record in store.list_artifacts(run_id, kind)):
        raise ArtifactNotFoundError(f"run {run_id!r} has no {kind} {name!r}")
    return io.BufferedReader(_Pieces(store.read_artifact(run_id, name, kind)))


def download(store: Store, run_id: str, name: str, path: str | os.PathLike[str], kind: str) -> str:
    """Write the content to `path`, or into that folder if it is one; returns its path.

    The file appears only once whole.
    """
    target = target_path(path, name)
    with whole_file(target) as part, open(part, "wb") as file:
        file.writelines(store.read_artifact(run_id, name, kind))
    return target


def target_path(path: str | os.PathLike[str], name: str) -> str:
    """Where a file of this name is written: as with `cp`, into a folder that is there."""
    path = os.fspath(path)
    if not os.path.basename(path):
        os.stat(path)  # the error names the folder that is not there, not a file below it
    if not os.path.isdir(path):
        return path
    target = os.path.join(path, os.path.basename(name))
    if os.path.isdir(target):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), target)
    return target


class _Pieces(io.RawIOBase):
    """A readable stream over an iterator of bytes."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = next(self._pieces, b"")
        n = min(len(buffer), len(self._rest))
        buffer[:n] = self._rest[:n]
        self._rest = self._rest[n:]
        return n
