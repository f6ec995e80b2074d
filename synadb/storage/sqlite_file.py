"""A SQLite file as this process holds it: opened, with its connections, its lock and its errors.

SQLite from 3.7.0 to 3.51.2 (bar 3.44.6 and 3.50.7) can corrupt a WAL database when two
connections write and checkpoint at once (https://sqlite.org/wal.html, "WAL-reset bug"). Every
write transaction and every checkpoint runs under one lock between processes, with automatic
checkpoints off. It is taken on every version: waiting in a queue for a lock is also fairer than
SQLite's own retries, and one path is tested rather than two.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

from synadb.errors import (
    CorruptStoreError,
    NewerSchemaError,
    NotADatabaseError,
    ReadOnlyStoreError,
    StorageError,
    StoreBusyError,
    StoreFullError,
)
from synadb.settings import Settings
from synadb.storage.schema import APPLICATION_ID, PAGE_BYTES, VERSION, migrate
from synadb.system import FileLock, ForkGate, is_network_path, renew_after_fork

__all__ = ["SQLiteFile", "enter_log", "gate", "prepare", "set_busy_timeout"]

BUSY_SECONDS = 60.0

# A child would inherit the locks of a call of SQLite's under way, locked.
gate = ForkGate()

# A forked child must neither use nor close its parent's connections: closing one would drop the
# parent's locks and could reset its log. They are kept alive here, unused.
_inherited: list[Any] = []


class _Handle:
    """A connection that closes with the thread that used it."""

    __slots__ = ("__weakref__", "db", "log", "pid")

    def __init__(self, db: sqlite3.Connection, pid: int) -> None:
        self.db = db
        self.pid = pid
        self.log: tuple[int, int] | None = None  # the write-ahead log that it has open

    def __del__(self) -> None:
        if self.pid == os.getpid():
            with contextlib.suppress(sqlite3.Error), gate:
                self.db.close()


class SQLiteFile:
    """A database file with a connection for each thread; `prepare` makes it ready.

    `lock` is held for every transaction that writes and every checkpoint, `gate` for every call of
    SQLite's.
    """

    def __init__(self, path: str, *, read_only: bool) -> None:
        self.path = os.path.abspath(path)
        self.live_dir = self.path + "-live"
        self.read_only = read_only
        self.immutable = False
        network = Settings.from_environment().network_fs
        self.network = is_network_path(self.path) if network is None else network
        self.lock = FileLock(os.path.join(self.live_dir, "write.lock"))
        self.closed = False
        self._handles: weakref.WeakSet[_Handle] = weakref.WeakSet()
        self._local = threading.local()  # the handle of a thread
        self._waiting = threading.local()  # how long a thread waits
        self._guard = threading.Lock()
        self._identity: tuple[int, int] | None = None
        self._pid = os.getpid()
        renew_after_fork(self)

    # -- connections -----------------------------------------------------------------------------

    def connection(self) -> sqlite3.Connection:
        """The connection of this thread."""
        if self.closed:
            raise StorageError(f"{self.path} has been closed")
        handle: _Handle | None = getattr(self._local, "handle", None)
        if handle is not None and handle.pid == self._pid:
            log = _identity(self.path + "-wal")
            if handle.log in (None, log):
                handle.log = log
                return handle.db
            self.check_identity()
            # What this connection would write to is gone, and a new one would share its memory.
            raise StorageError(
                f"{self.path}-wal has been removed while it was in use: this program has probably "
                "copied the database during a run with means other than export(), which ends "
                f"SQLite's locks; end it and run `synadb recover {self.path}`"
            )
        self.check_identity()
        handle = _Handle(self._connect(), self._pid)
        self._local.handle = handle
        with self._guard:
            self._handles.add(handle)
        return handle.db

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(
            self._address() if self.read_only else self.path,
            timeout=self.patience,
            isolation_level=None,
            check_same_thread=False,
            uri=self.read_only,
        )
        db.execute("pragma mmap_size = 0")
        db.execute("pragma wal_autocheckpoint = 0")
        self.set_synchronous(db)
        if self.read_only:
            db.execute("pragma query_only = 1")
        return db

    def _address(self) -> str:
        from urllib.parse import quote

        # Where the file can be written SQLite removes its own files again at the end.
        flags = "?mode=rw" if os.access(self.path, os.W_OK) else "?mode=ro"
        if self.immutable:
            flags += "&immutable=1"
        return "file:" + quote(self.path) + flags

    def set_synchronous(self, db: sqlite3.Connection) -> None:
        """Sync as often as the file system needs it."""
        db.execute(f"pragma synchronous = {'full' if self.network else 'normal'}")

    def note_identity(self) -> None:
        """From now on the file is to stay the one that it is."""
        self._identity = _identity(self.path)

    def check_identity(self) -> None:
        """StorageError when the file has been removed or replaced."""
        if self._identity is None:
            return
        found = _identity(self.path)
        # Some network file systems number a file anew.
        if found is None or (found != self._identity and not self.network):
            raise StorageError(
                f"{self.path} has been removed or replaced while it was in use; put it back and "
                f"run `synadb recover {self.path}`"
            )

    def drop_connections(self) -> None:
        """Close the connections of all threads, none of which is at it."""
        with self._guard:
            handles, self._handles = list(self._handles), weakref.WeakSet()
        self._local = threading.local()
        for handle in handles:
            handle.db.close()

    def _after_fork(self) -> None:
        _inherited.append((list(self._handles), self._local))
        self._handles = weakref.WeakSet()
        self._local = threading.local()
        self._guard = threading.Lock()
        self._pid = os.getpid()
        self.lock.abandon()

    # -- waiting ---------------------------------------------------------------------------------

    @property
    def patience(self) -> float:
        """Seconds that this thread waits for a lock."""
        seconds: float = getattr(self._waiting, "seconds", BUSY_SECONDS)
        return seconds

    @contextlib.contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Let this thread wait so long at most in the block."""
        before = self.patience
        self._wait(seconds)
        try:
            yield
        finally:
            self._wait(before)

    def _wait(self, seconds: float) -> None:
        self._waiting.seconds = seconds
        with contextlib.suppress(sqlite3.Error, StorageError):
            set_busy_timeout(self.connection(), seconds)

    @contextlib.contextmanager
    def locked(self, seconds: float | None = None) -> Iterator[None]:
        """The block of who writes: under the lock, kept out of forks, errors translated."""
        with self.errors(), self.lock.held(self.patience if seconds is None else seconds), gate:
            yield

    # -- errors ----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Raise SQLite's errors, and those of damaged texts, as SynaDB's, with what mends them."""
        try:
            yield
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise CorruptStoreError(
                f"{self.path}: a text in it cannot be decoded ({error}); `synadb check` says what "
                "is damaged"
            ) from error
        except sqlite3.Error as error:
            raise self._translated(error) from error
        except OSError as error:
            # Of the files beside the database; others are the caller's own.
            if not str(error.filename or "").startswith(self.path):
                raise
            raise StorageError(f"{error.filename} cannot be used: {error.strerror}") from error

    def _translated(self, error: sqlite3.Error) -> StorageError:
        text = str(error)
        if "not a database" in text:
            return NotADatabaseError(
                f"{self.path} is not a SynaDB database; name another file, or move this one away"
            )
        for words, kind, mend in _MESSAGES:
            if any(word in text for word in words):
                return kind(f"{self.path}: {text}; {mend}")
        return StorageError(f"{self.path}: {text}")

    # -- letting go ------------------------------------------------------------------------------

    def rest(self) -> None:
        """Close the connections until one is needed again, unless somebody is at it."""
        if self.read_only or self.closed or not self.lock.acquire(timeout=0.0):
            return
        try:
            with gate, gate.alone() as alone:
                if alone:
                    self.drop_connections()
        finally:
            self.lock.release()

    def close(self, limit: float) -> None:
        """Close the connections, waiting for writers so long at most."""
        # Whoever closes last removes the log: not in the middle of another's transaction.
        if not self.read_only:
            with contextlib.suppress(StorageError), self.lock.held(limit), gate:
                self.drop_connections()
        with gate:
            self.drop_connections()
        self.closed = True
        self._tidy()

    def _tidy(self) -> None:
        """Remove the folder of live files when nothing but our own lock is left in it."""
        if self.read_only or not os.path.isdir(self.live_dir):
            return
        if not self.lock.acquire(timeout=0.0):
            return
        try:
            with contextlib.suppress(OSError):
                if os.listdir(self.live_dir) == [os.path.basename(self.lock.path)]:
                    self.lock.remove()
                    os.rmdir(self.live_dir)
        finally:
            self.lock.release()


# -- opening -------------------------------------------------------------------------------------


def prepare(file: SQLiteFile) -> None:
    """Make a file ready for use: created, or with the newest schema, in the right journal mode.

    `read_only` is set where it can only be read.
    """
    folder = os.path.dirname(file.path)
    if os.path.isdir(file.path):
        raise NotADatabaseError(
            f"{file.path} is a directory; name a file in it, such as "
            f"{os.path.join(file.path, 'experiments.db')}"
        )
    exists = os.path.exists(file.path) and os.path.getsize(file.path) > 0
    if exists and not os.access(file.path, os.R_OK):
        raise StorageError(f"{file.path} cannot be read: Permission denied")
    writable = os.access(file.path if exists else folder, os.W_OK)
    if exists and not (writable and os.access(folder, os.W_OK)):
        file.read_only = True
    if not exists:
        if file.read_only:
            raise StorageError(f"{file.path}: there is no database to read")
        _make_folder(file, folder)
    with file.errors(), gate:
        if file.read_only:
            _open_read_only(file)
        else:
            version = _version(file) if exists else 0
            if version != VERSION:
                with file.lock.held(BUSY_SECONDS):
                    _create(file)
            _set_journal_mode(file)
    file.note_identity()


def _make_folder(file: SQLiteFile, folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{folder} cannot be created: {error.strerror}") from error
    if not os.access(folder, os.W_OK):
        raise ReadOnlyStoreError(
            f"{folder} is not writable, so {file.path} cannot be created; "
            "set SYNADB_PATH to a file in a folder that is"
        )


def _open_read_only(file: SQLiteFile) -> None:
    if not os.access(file.path, os.W_OK) and os.path.exists(file.path + "-journal"):
        raise ReadOnlyStoreError(
            f"{file.path}: its last writer died in the middle of a transaction, which "
            f"{file.path}-journal takes back; copy both to a place that can be written and "
            "open the copy there"
        )
    # Without a log nobody is writing, and SQLite need not leave files of its own behind.
    file.immutable = not os.access(file.path, os.W_OK) and not os.path.exists(file.path + "-wal")
    try:
        version = _version(file)
    except sqlite3.OperationalError:
        # A WAL database on read-only media: its shared-memory file cannot be made, and need
        # not be, since nobody can be writing.
        file.drop_connections()
        file.immutable = True
        version = _version(file)
    if version < VERSION:
        raise ReadOnlyStoreError(
            f"{file.path} has an older schema ({version}) and is read-only; copy it to a "
            "place that can be written and open it there"
        )


def _version(file: SQLiteFile) -> int:
    db = file.connection()
    version = int(db.execute("pragma user_version").fetchone()[0])
    application = int(db.execute("pragma application_id").fetchone()[0])
    if application != APPLICATION_ID:
        tables = db.execute("select count(*) from sqlite_master").fetchone()[0]
        if version or tables:
            raise NotADatabaseError(
                f"{file.path} is a SQLite database of another program; name another file"
            )
        return 0
    if version > VERSION:
        raise NewerSchemaError(
            f"{file.path} was written by a newer SynaDB (schema {version}, this one knows "
            f"{VERSION}); update SynaDB to open it"
        )
    return version


def _create(file: SQLiteFile) -> None:
    version = _version(file)
    if version == VERSION:
        return
    db = file.connection()
    if version == 0:
        # There is nothing to lose yet, and the first checkpoint syncs all of it.
        db.execute("pragma synchronous = off")
        db.execute(f"pragma page_size = {PAGE_BYTES}")
        db.execute("pragma auto_vacuum = incremental")
        if not file.network:
            _set_journal_mode(file)
        db.execute(f"pragma application_id = {APPLICATION_ID}")
    migrate(db, version)
    file.set_synchronous(db)


def _set_journal_mode(file: SQLiteFile) -> None:
    db = file.connection()
    mode = str(db.execute("pragma journal_mode").fetchone()[0])
    if file.network or file.lock.unsupported:
        if mode == "wal":
            with file.lock.held(BUSY_SECONDS):
                db.execute("pragma journal_mode = delete")
        return
    if mode != "wal":
        enter_log(file)


def enter_log(file: SQLiteFile) -> None:
    """Go over to a write-ahead log, as soon as nobody reads."""
    deadline = time.monotonic() + file.patience
    while True:
        try:
            with file.lock.held(file.patience), gate:
                got = file.connection().execute("pragma journal_mode = wal").fetchone()[0]
            file.network = file.network or got != "wal"
            return
        except sqlite3.OperationalError:
            # A reader has it; SQLite does not wait for one here.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.002)


# -- inside --------------------------------------------------------------------------------------


def set_busy_timeout(db: sqlite3.Connection, seconds: float) -> None:
    """Let SQLite wait so long for whoever does not know of the lock, say a `sqlite3` shell."""
    db.execute(f"pragma busy_timeout = {int(seconds * 1000)}")


def _identity(path: str) -> tuple[int, int] | None:
    """What tells a file from one that has taken its place."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


_MESSAGES: tuple[tuple[tuple[str, ...], type[StorageError], str], ...] = (
    (("is full",), StoreFullError, "free some space and try again"),
    (("readonly", "read-only"), ReadOnlyStoreError, "make the file and its folder writable"),
    (("locked", "busy"), StoreBusyError, "end the program that holds it and try again"),
    (("malformed", "corrupt", "Could not decode"), CorruptStoreError, "run `synadb check` on it"),
    (("unable to open",), StorageError, "check that its folder exists and can be written"),
)
