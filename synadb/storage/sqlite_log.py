"""The write-ahead log of a SQLite file: how much of it is to be moved, and doing without it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator

from synadb.errors import StorageError
from synadb.storage.sqlite_file import SQLiteFile, enter_log, gate, set_busy_timeout

__all__ = ["frames", "without_log"]


def frames(path: str) -> tuple[bytes, int, int]:
    """The salt of a write-ahead log, how many of its frames are valid, and the page size.

    https://sqlite.org/fileformat2.html, section 4: a log that starts again has a new salt and
    overwrites the frames of the former one from the beginning.

    Only the log may be read like this. POSIX locks of a process end when it closes any descriptor
    of a file, and SQLite keeps its own on the database and its -shm file: neither must ever be
    opened by hand while a connection lives.
    """
    with open(path, "rb", buffering=0) as file:
        header = file.read(32)
        salt, page = header[16:24], int.from_bytes(header[8:12], "big")
        low, high = 0, (os.fstat(file.fileno()).st_size - 32) // (24 + page)
        while low < high:
            middle = (low + high) // 2
            file.seek(32 + middle * (24 + page) + 8)
            if file.read(8) == salt:
                low = middle + 1
            else:
                high = middle
    return salt, low, page


@contextlib.contextmanager
def without_log(file: SQLiteFile) -> Iterator[None]:
    """Write to the database itself in the block, if nobody else has it open.

    The log takes every byte a second time. A rollback journal takes none of the pages that a
    long artifact adds (https://sqlite.org/atomiccommit.html), but is only for who is alone:
    SQLite refuses to leave the log while another connection has it open.
    """
    left = not file.network and _leave(file)
    try:
        yield
    finally:
        if left:
            with contextlib.suppress(StorageError), file.errors():
                enter_log(file)


def _leave(file: SQLiteFile) -> bool:
    with file.locked(), gate.alone() as alone:
        if not alone:
            return False
        file.drop_connections()
        db = file.connection()
        try:
            set_busy_timeout(db, 0.0)
            return str(db.execute("pragma journal_mode = delete").fetchone()[0]) == "delete"
        except sqlite3.OperationalError:
            return False  # somebody else has it open
        finally:
            set_busy_timeout(db, file.patience)
