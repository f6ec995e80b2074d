"""The SQLite engine: connections, locks, transactions, and errors in SynaDB's words.

SQLite from 3.7.0 to 3.51.2 (bar 3.44.6 and 3.50.7) can corrupt a WAL database when two
connections write and checkpoint at once (https://sqlite.org/wal.html, "WAL-reset bug"). Every
write transaction and every checkpoint runs under one lock between processes, with automatic
checkpoints off. It is taken on every version: waiting in a queue for a lock is also fairer than
SQLite's own retries, and one path is tested rather than two.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeVar

from synadb.errors import (
    CorruptStoreError,
    InvalidValueError,
    NewerSchemaError,
    NotADatabaseError,
    ReadOnlyStoreError,
    StorageError,
    StoreBusyError,
    StoreFullError,
    SynaDBError,
)
from synadb.ops import Op
from synadb.records import ArtifactRecord, CheckReport, ConsoleLine, History, RunRecord, Series
from synadb.settings import Settings
from synadb.storage import reading, writing
from synadb.storage.base import JournalMark, Store
from synadb.storage.schema import APPLICATION_ID, PARTS, VERSION, complete, migrate
from synadb.system import FileLock, is_network_path, renew_after_fork, warn

if TYPE_CHECKING:
    from synadb.query import Filter, Order
    from synadb.storage.blocks import Block
    from synadb.storage.merging import Merged
    from synadb.storage.sweeps import SweepTables
    from synadb.storage.versions import VersionTables
    from synadb.storage.views import Answer

__all__ = ["SQLiteStore"]

BUSY_SECONDS = 60.0
# Large blobs are read and written faster than with SQLite's own 4 KiB
# (https://sqlite.org/intern-v-extern-blob.html).
PAGE_BYTES = 16384
WAL_LIMIT = 16 << 20  # bytes of write-ahead log after which a commit is followed by a checkpoint
BULK_WAL_LIMIT = 64 << 20  # while an artifact comes in: fewer waits for the disk

T = TypeVar("T")
# All parts of the schema are looked at, or one is written to.
Parts = Literal["seen", "versions", "sweeps"] | None

# A forked child must neither use nor close its parent's connections: closing one would drop the
# parent's locks and could reset its log. They are kept alive here, unused.
_inherited: list[Any] = []

FORK_SECONDS = 2.0  # a fork waits so long at most for the database calls of other threads


class _Gate:
    """Keeps `fork` out of SQLite: a child would inherit the locks of a call under way, locked."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside: dict[int, int] = {}  # thread -> nested calls
        self._forking = False
        self._alone: int | None = None  # the thread that has the gate for itself

    def __enter__(self) -> None:
        me = threading.get_ident()
        with self._changed:
            while me not in self._inside and (self._forking or self._alone not in (None, me)):
                self._changed.wait(FORK_SECONDS)
            self._inside[me] = self._inside.get(me, 0) + 1

    def __exit__(self, *_: object) -> None:
        me = threading.get_ident()
        with self._changed:
            self._inside[me] -= 1
            if not self._inside[me]:
                del self._inside[me]
                self._changed.notify_all()

    @contextlib.contextmanager
    def alone(self) -> Iterator[bool]:
        """Keep all other threads out of the block; False when one of them is inside already."""
        me = threading.get_ident()
        with self._changed:
            alone = self._alone is None and self._inside.keys() <= {me}
            if alone:
                self._alone = me
        try:
            yield alone
        finally:
            if alone:
                with self._changed:
                    self._alone = None
                    self._changed.notify_all()

    def before_fork(self) -> None:
        deadline = time.monotonic() + FORK_SECONDS
        self._changed.acquire()
        self._forking = True
        while self._inside.keys() - {threading.get_ident()}:
            rest = deadline - time.monotonic()
            if rest <= 0 or not self._changed.wait(rest):
                break

    def after_fork_in_parent(self) -> None:
        self._forking = False
        self._changed.notify_all()
        self._changed.release()

    def after_fork_in_child(self) -> None:
        # The other threads are gone, and with them whoever was inside.
        self.__init__()  # type: ignore[misc]


_gate = _Gate()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_gate.before_fork,
        after_in_parent=_gate.after_fork_in_parent,
        after_in_child=_gate.after_fork_in_child,
    )


class _Handle:
    """A connection that closes with the thread that used it."""

    __slots__ = ("__weakref__", "db", "log", "pid")

    def __init__(self, db: sqlite3.Connection, pid: int) -> None:
        self.db = db
        self.pid = pid
        self.log: tuple[int, int] | None = None  # the write-ahead log that it has open

    def __del__(self) -> None:
        if self.pid == os.getpid():
            with contextlib.suppress(sqlite3.Error), _gate:
                self.db.close()


class SQLiteStore(Store):
    """A database of runs in one SQLite file."""

    def __init__(self, path: str, *, read_only: bool = False) -> None:
        self.path = os.path.abspath(path)
        self.live_dir = self.path + "-live"
        self._closed = False
        self._local = threading.local()
        self._connections: weakref.WeakSet[_Handle] = weakref.WeakSet()
        self._identity: tuple[int, int] | None = None
        self._copied: tuple[bytes, int] = (b"", 0)  # frames of the log that are in the database
        self._guard = threading.Lock()
        self._pid = os.getpid()
        self.read_only = read_only
        self._immutable = False
        network = Settings.from_environment().network_fs
        self.network = is_network_path(self.path) if network is None else network
        self._lock = FileLock(os.path.join(self.live_dir, "write.lock"))
        self._prepare()
        renew_after_fork(self)

    # -- opening ---------------------------------------------------------------------------------

    def _prepare(self) -> None:
        folder = os.path.dirname(self.path)
        if os.path.isdir(self.path):
            raise NotADatabaseError(
                f"{self.path} is a directory; name a file in it, such as "
                f"{os.path.join(self.path, 'experiments.db')}"
            )
        exists = os.path.exists(self.path) and os.path.getsize(self.path) > 0
        if exists and not os.access(self.path, os.R_OK):
            raise StorageError(f"{self.path} cannot be read: Permission denied")
        writable = os.access(self.path if exists else folder, os.W_OK)
        if exists and not (writable and os.access(folder, os.W_OK)):
            self.read_only = True
        if not exists:
            if self.read_only:
                raise StorageError(f"{self.path}: there is no database to read")
            self._make_folder(folder)
        with self._errors(), _gate:
            if self.read_only:
                self._open_read_only()
            else:
                version = self._version(self._connection()) if exists else 0
                if version != VERSION:
                    with self._lock.held(BUSY_SECONDS):
                        self._create()
                self._set_journal_mode()
        self._identity = _identity(self.path)

    def _make_folder(self, folder: str) -> None:
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{folder} cannot be created: {error.strerror}") from error
        if not os.access(folder, os.W_OK):
            raise ReadOnlyStoreError(
                f"{folder} is not writable, so {self.path} cannot be created; "
                "set SYNADB_PATH to a file in a folder that is"
            )

    def _open_read_only(self) -> None:
        if not os.access(self.path, os.W_OK) and os.path.exists(self.path + "-journal"):
            raise ReadOnlyStoreError(
                f"{self.path}: its last writer died in the middle of a transaction, which "
                f"{self.path}-journal takes back; copy both to a place that can be written and "
                "open the copy there"
            )
        # Without a log nobody is writing, and SQLite need not leave files of its own behind.
        self._immutable = not os.access(self.path, os.W_OK) and not os.path.exists(
            self.path + "-wal"
        )
        try:
            version = self._version(self._connection())
        except sqlite3.OperationalError:
            # A WAL database on read-only media: its shared-memory file cannot be made, and need
            # not be, since nobody can be writing.
            self._drop_connections()
            self._immutable = True
            version = self._version(self._connection())
        if version < VERSION:
            raise ReadOnlyStoreError(
                f"{self.path} has an older schema ({version}) and is read-only; copy it to a "
                "place that can be written and open it there"
            )

    def _version(self, db: sqlite3.Connection) -> int:
        version = int(db.execute("pragma user_version").fetchone()[0])
        application = int(db.execute("pragma application_id").fetchone()[0])
        if application != APPLICATION_ID:
            tables = db.execute("select count(*) from sqlite_master").fetchone()[0]
            if version or tables:
                raise NotADatabaseError(
                    f"{self.path} is a SQLite database of another program; name another file"
                )
            return 0
        if version > VERSION:
            raise NewerSchemaError(
                f"{self.path} was written by a newer SynaDB (schema {version}, this one knows "
                f"{VERSION}); update SynaDB to open it"
            )
        return version

    def _create(self) -> None:
        db = self._connection()
        version = self._version(db)
        if version == VERSION:
            return
        if version == 0:
            # There is nothing to lose yet, and the first checkpoint syncs all of it.
            db.execute("pragma synchronous = off")
            db.execute(f"pragma page_size = {PAGE_BYTES}")
            db.execute("pragma auto_vacuum = incremental")
            if not self.network:
                self._set_journal_mode()
            db.execute(f"pragma application_id = {APPLICATION_ID}")
        migrate(db, version)
        self._set_synchronous(db)

    def _set_journal_mode(self) -> None:
        db = self._connection()
        mode = str(db.execute("pragma journal_mode").fetchone()[0])
        if self.network or self._lock.unsupported:
            if mode == "wal":
                with self._lock.held(BUSY_SECONDS):
                    db.execute("pragma journal_mode = delete")
            return
        if mode != "wal":
            self._enter_log()

    def _enter_log(self) -> None:
        deadline = time.monotonic() + self._patience
        while True:
            try:
                with self._lock.held(self._patience), _gate:
                    got = self._connection().execute("pragma journal_mode = wal").fetchone()[0]
                self.network = self.network or got != "wal"
                return
            except sqlite3.OperationalError:
                # A reader has it; SQLite does not wait for one here.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.002)

    def _set_synchronous(self, db: sqlite3.Connection) -> None:
        db.execute(f"pragma synchronous = {'full' if self.network else 'normal'}")

    def _connection(self) -> sqlite3.Connection:
        if self._closed:
            raise StorageError(f"{self.path} has been closed")
        handle: _Handle | None = getattr(self._local, "handle", None)
        if handle is not None and handle.pid == self._pid:
            log = _identity(self.path + "-wal")
            if handle.log in (None, log):
                handle.log = log
                return handle.db
            self._check_identity()
            # What this connection would write to is gone, and a new one would share its memory.
            raise StorageError(
                f"{self.path}-wal has been removed while it was in use: this program has probably "
                "copied the database during a run with means other than export(), which ends "
                f"SQLite's locks; end it and run `synadb recover {self.path}`"
            )
        self._check_identity()
        if self.read_only:
            from urllib.parse import quote

            # Where the file can be written SQLite removes its own files again at the end.
            flags = "?mode=rw" if os.access(self.path, os.W_OK) else "?mode=ro"
            if self._immutable:
                flags += "&immutable=1"
            name = "file:" + quote(self.path) + flags
        else:
            name = self.path
        db = sqlite3.connect(
            name,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            uri=self.read_only,
        )
        db.execute("pragma mmap_size = 0")
        db.execute("pragma wal_autocheckpoint = 0")
        self._set_synchronous(db)
        if self.read_only:
            db.execute("pragma query_only = 1")
        handle = _Handle(db, self._pid)
        self._local.handle = handle
        with self._guard:
            self._connections.add(handle)
        return db

    def _check_identity(self) -> None:
        if self._identity is None:
            return
        found = _identity(self.path)
        # Some network file systems number a file anew.
        if found is None or (found != self._identity and not self.network):
            raise StorageError(
                f"{self.path} has been removed or replaced while it was in use; put it back and "
                f"run `synadb recover {self.path}`"
            )

    def _after_fork(self) -> None:
        _inherited.append((list(self._connections), self._local))
        self._connections = weakref.WeakSet()
        self._local = threading.local()
        self._guard = threading.Lock()
        self._pid = os.getpid()
        self._lock.abandon()

    def _drop_connections(self) -> None:
        with self._guard:
            handles, self._connections = list(self._connections), weakref.WeakSet()
        self._local = threading.local()
        for handle in handles:
            handle.db.close()

    # -- transactions ----------------------------------------------------------------------------

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
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

    @contextlib.contextmanager
    def _transaction(
        self, wal_limit: int = WAL_LIMIT, *, parts: Parts = None
    ) -> Iterator[sqlite3.Connection]:
        if self.read_only:
            raise ReadOnlyStoreError(
                f"{self.path} is read-only; copy it to a place that can be written"
            )
        with self._errors(), self._lock.held(self._patience), _gate:
            db = self._connection()
            self._check_identity()
            self._see_parts(db, parts)
            db.execute("begin immediate")
            try:
                if parts in PARTS:
                    complete(db, parts)
                yield db
                db.execute("commit")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    db.execute("rollback")
                raise
            self._checkpoint_if_large(db, wal_limit)

    def _checkpoint_if_large(self, db: sqlite3.Connection, limit: int) -> None:
        with contextlib.suppress(OSError, sqlite3.Error):
            if os.path.getsize(self.path + "-wal") <= limit:
                return
            # A log that has started again keeps its size: what counts is what is new in it.
            salt, frames, page = _log_frames(self.path + "-wal")
            known, copied = self._copied
            if (frames - (copied if known == salt else 0)) * page > limit:
                _, _, done = db.execute("pragma wal_checkpoint(passive)").fetchone()
                self._copied = salt, done

    @contextlib.contextmanager
    def _snapshot(self, *, parts: Parts = None) -> Iterator[sqlite3.Connection]:
        with self._errors(), _gate:
            db = self._connection()
            self._see_parts(db, parts)
            db.execute("begin")
            try:
                yield db
            finally:
                db.execute("rollback")

    @contextlib.contextmanager
    def bulk(self) -> Iterator[None]:
        """Write to the database itself in the block, if nobody else has it open.

        The log takes every byte a second time. A rollback journal takes none of the pages that a
        long artifact adds (https://sqlite.org/atomiccommit.html), but is only for who is alone:
        SQLite refuses to leave the log while another connection has it open.
        """
        left = not self.network and self._leave_log()
        try:
            yield
        finally:
            if left:
                with contextlib.suppress(StorageError), self._errors():
                    self._enter_log()

    def _leave_log(self) -> bool:
        with self._errors(), self._lock.held(self._patience), _gate, _gate.alone() as alone:
            if not alone:
                return False
            self._drop_connections()
            db = self._connection()
            try:
                db.execute("pragma busy_timeout = 0")
                return str(db.execute("pragma journal_mode = delete").fetchone()[0]) == "delete"
            except sqlite3.OperationalError:
                return False  # somebody else has it open
            finally:
                db.execute(f"pragma busy_timeout = {int(self._patience * 1000)}")

    def _see_parts(self, db: sqlite3.Connection, parts: Parts) -> None:
        if parts != "seen":
            return
        if self.read_only:
            db.execute("pragma query_only = 0")
        try:
            complete(db)
        finally:
            if self.read_only:
                db.execute("pragma query_only = 1")

    def _read(self, function: Callable[[sqlite3.Connection], T], *, parts: Parts = None) -> T:
        """Run `function` on one snapshot."""
        with self._snapshot(parts=parts) as db:
            return function(db)

    # -- the contract ----------------------------------------------------------------------------

    @property
    def _patience(self) -> float:
        """Seconds that this thread waits for a lock."""
        seconds: float = getattr(self._local, "patience", BUSY_SECONDS)
        return seconds

    @contextlib.contextmanager
    def patience(self, seconds: float) -> Iterator[None]:
        before = self._patience
        self._be_patient(seconds)
        try:
            yield
        finally:
            self._be_patient(before)

    def _be_patient(self, seconds: float) -> None:
        self._local.patience = seconds
        # Whoever does not know of the lock file, say a `sqlite3` shell, is waited for by SQLite.
        with contextlib.suppress(sqlite3.Error, StorageError):
            self._connection().execute(f"pragma busy_timeout = {int(seconds * 1000)}")

    def apply(self, ops: Sequence[Op], mark: JournalMark | None = None) -> None:
        try:
            with self._transaction() as db:
                writing.apply(db, ops, mark, time.time())
        except (StorageError, *writing.UNFIT) as error:
            cause = error.__cause__ if isinstance(error, StorageError) else error
            if isinstance(cause, SynaDBError) or not isinstance(cause, writing.UNFIT):
                raise
            if isinstance(error, StorageError) and not isinstance(cause, sqlite3.Error):
                raise
            if mark is None:
                raise InvalidValueError(f"{self.path}: {error}") from error
            # One record that no database can take must not keep back all the others.
            with self._transaction() as db:
                refused = writing.apply(db, ops, mark, time.time(), refuse=True)
            for op, reason in refused:
                warn(
                    f"run {mark.run_id}: a record ({type(op).__name__}) cannot be stored and is "
                    f"left out: {reason}",
                    once=f"{mark.run_id} {type(op).__name__} {reason}",
                )

    def journal_offset(self, journal_id: str) -> int:
        return self._read(lambda db: writing.journal_offset(db, journal_id))

    def forget_journal(self, journal_id: str) -> None:
        with self._transaction() as db:
            db.execute("delete from journals where id = ?", (journal_id,))

    def get_run(self, run_id: str) -> RunRecord:
        return self._read(lambda db: reading.get_run(db, run_id))

    def list_runs(self, experiment: str | None = None) -> list[RunRecord]:
        return self._read(lambda db: reading.list_runs(db, experiment))

    def find_runs(
        self,
        where: Filter | None = None,
        order: Order = (),
        *,
        experiment: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[str]:
        from synadb.storage import querying

        return self._read(lambda db: querying.find(db, where, order, experiment, limit, offset))

    def get_runs(self, run_ids: Sequence[str], *, light: bool = False) -> list[RunRecord]:
        from synadb.storage import querying

        return self._read(lambda db: querying.load(db, run_ids, light))

    def query(
        self,
        where: Filter | None = None,
        order: Order = (),
        *,
        experiment: str | None = None,
        limit: int | None = None,
        offset: int = 0,
        light: bool = False,
    ) -> list[RunRecord]:
        from synadb.storage import querying

        return self._read(
            lambda db: querying.query(db, where, order, experiment, limit, offset, light)
        )

    def count_runs(self, where: Filter | None = None, *, experiment: str | None = None) -> int:
        from synadb.storage import querying

        return self._read(lambda db: querying.count(db, where, experiment))

    def run_ids(self) -> list[str]:
        return self._read(reading.run_ids)

    def list_experiments(self) -> list[str]:
        return self._read(reading.list_experiments)

    def last_steps(self, run_id: str) -> dict[str, int]:
        return self._read(lambda db: reading.last_steps(db, run_id))

    def get_metric(self, run_id: str, key: str) -> Series:
        return self._read(lambda db: reading.get_metric(db, run_id, key))

    def history(self, run_id: str, keys: Sequence[str] | None = None) -> History:
        return self._read(lambda db: reading.history(db, run_id, keys))

    def rows(self, run_id: str) -> Iterator[dict[str, Any]]:
        return iter(self._read(lambda db: reading.rows(db, run_id)))

    def scan(
        self,
        run_id: str,
        keys: Sequence[str] | None = None,
        *,
        min_step: int | None = None,
        max_step: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        from synadb.storage import scanning

        return scanning.scan(self._read, run_id, keys, min_step, max_step)

    def kinds(self, run_id: str) -> dict[str, str]:
        from synadb.storage import blocks

        return self._read(lambda db: blocks.kinds(db, run_id))

    def blocks(self, run_id: str) -> Iterator[Block]:
        from synadb.storage import blocks

        return blocks.blocks(self._read, run_id)

    def sample(
        self, run_id: str, samples: int | None, keys: Sequence[str] | None = None
    ) -> list[dict[str, Any]]:
        from synadb.storage import scanning

        if samples is None:
            return list(self.scan(run_id, keys))
        return self._read(lambda db: scanning.sample(db, run_id, samples, keys))

    def delete_run(self, run_id: str) -> None:
        from synadb.storage.versions import VersionTables

        with self._transaction(parts="seen") as db:
            VersionTables(db).forget_run(run_id)
            writing.delete_run(db, run_id)
        # Versions that have expired are for a `gc` that somebody has asked for.
        self._collect(expire=False)

    def media_rows(self, run_id: str) -> list[tuple[int, dict[str, Any]]]:
        from synadb.storage.media_rows import media_rows

        return self._read(lambda db: media_rows(db, run_id))

    def sketch(self, run_id: str, width: int) -> dict[str, list[float]]:
        return self._read(lambda db: reading.sketch(db, run_id, width))

    def console(self, run_id: str) -> list[ConsoleLine]:
        return self._read(lambda db: reading.console(db, run_id))

    def system_rows(self, run_id: str) -> list[dict[str, Any]]:
        return self._read(lambda db: reading.system_rows(db, run_id))

    def rename_run(self, run_id: str, new_id: str) -> None:
        with self._transaction(parts="seen") as db:
            writing.rename_run(db, run_id, new_id)

    def copy_history(self, source_id: str, target_id: str, last_step: int) -> None:
        from synadb.storage import branching
        from synadb.storage.media_rows import copy_media

        with self._transaction() as db:
            branching.copy_history(db, source_id, target_id, last_step)
            copy_media(db, source_id, target_id)

    def truncate(self, run_id: str, last_step: int) -> None:
        from synadb.storage import branching

        with self._transaction() as db:
            branching.truncate(db, run_id, last_step)

    def put_artifact(
        self, run_id: str, name: str, data: BinaryIO, now: float, kind: str = "artifact"
    ) -> ArtifactRecord:
        from synadb.storage import blobs

        # Measured: with a larger limit still, the one checkpoint at the end takes longer in sum.
        return blobs.put(
            lambda: self._transaction(BULK_WAL_LIMIT),
            self.bulk,
            run_id,
            name,
            data,
            now,
            kind,
        )

    def put_files(self, run_id: str, contents: Mapping[str, bytes], now: float) -> None:
        from synadb.storage import blobs

        with self._transaction() as db:
            blobs.put_small(db, run_id, contents, now, "file")

    def list_artifacts(self, run_id: str, kind: str = "artifact") -> list[ArtifactRecord]:
        from synadb.storage import blobs

        return self._read(lambda db: blobs.list_artifacts(db, run_id, kind))

    def read_artifact(self, run_id: str, name: str, kind: str = "artifact") -> Iterator[bytes]:
        from synadb.storage import blobs

        positions = self._read(lambda db: blobs.locate(db, run_id, name, kind))
        for blob in positions:
            yield self._read(lambda db, blob=blob: blobs.read(db, blob, name))  # type: ignore[misc]

    @contextlib.contextmanager
    def versions(self, *, write: bool = False) -> Iterator[VersionTables]:
        from synadb.storage.versions import VersionTables

        with (
            self._transaction(BULK_WAL_LIMIT, parts="versions")
            if write
            else self._snapshot(parts="seen")
        ) as db:
            yield VersionTables(db)

    @contextlib.contextmanager
    def sweeps(self, *, write: bool = False) -> Iterator[SweepTables]:
        from synadb.storage.sweeps import SweepTables

        with self._transaction(parts="sweeps") if write else self._snapshot(parts="seen") as db:
            yield SweepTables(db)

    def delete_artifact(self, run_id: str, name: str, kind: str = "artifact") -> None:
        from synadb.storage.editing import delete_artifact

        with self._transaction() as db:
            delete_artifact(db, run_id, name, kind)

    def add_experiment(self, name: str) -> None:
        from synadb.storage.editing import add_experiment

        with self._transaction() as db:
            add_experiment(db, name)

    def gc(self, *, dry_run: bool = False) -> Mapping[str, int]:
        if dry_run:
            from synadb.storage.collecting import unreferenced

            return self._read(unreferenced, parts="seen")
        return self._collect(expire=True)

    def _collect(self, *, expire: bool) -> Mapping[str, int]:
        from synadb.storage.collecting import collect

        self.checkpoint(truncate=True)
        before = os.path.getsize(self.path)  # with what was in the log
        with self._transaction(parts="seen") as db:
            found = collect(db, expire=expire)
        with self._errors(), self._lock.held(self._patience), _gate:
            # A step gives one page back, and only executescript steps to the end.
            self._connection().executescript("pragma incremental_vacuum")
        self.checkpoint(truncate=True)
        return {**found, "file_bytes_freed": max(0, before - os.path.getsize(self.path))}

    def compact(self, run_id: str, *, all_chunks: bool = False) -> None:
        if not self._read(lambda db: writing.compactable(db, run_id, all_chunks)):
            return
        with self._transaction() as db:
            for keyset, kind, group in writing.compactable(db, run_id, all_chunks):
                writing.merge(db, keyset, kind, group)

    def checkpoint(self, *, truncate: bool = False) -> None:
        if self.read_only or self.network:
            return
        with self._errors(), self._lock.held(self._patience), _gate:
            db = self._connection()
            self._check_identity()
            if truncate:
                # Wait a moment for readers; what they hold back is moved by a later checkpoint.
                db.execute(f"pragma busy_timeout = {int(min(2.0, self._patience) * 1000)}")
                try:
                    db.execute("pragma wal_checkpoint(truncate)")
                finally:
                    db.execute(f"pragma busy_timeout = {int(BUSY_SECONDS * 1000)}")
            else:
                db.execute("pragma wal_checkpoint(passive)")

    def export(self, path: str) -> None:
        if os.path.exists(path):
            raise StorageError(f"{path} exists already; name a file that does not")
        part = path + ".part"
        try:
            # Made here, so that an error which is the target's names the target.
            os.close(os.open(part, os.O_CREAT | os.O_RDWR, 0o644))
        except OSError as error:
            raise StorageError(f"{path} cannot be written: {error.strerror}") from error
        with self._errors(), _gate:
            target = sqlite3.connect(part)
            try:
                self._connection().backup(target)
                target.execute("pragma journal_mode = delete")
            except sqlite3.OperationalError as error:
                raise StorageError(f"{path} cannot be written: {error}") from error
            finally:
                target.close()
        os.replace(part, path)

    @contextlib.contextmanager
    def sql(self, text: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Iterator[Answer]:
        from synadb.storage import views

        # A connection of its own, which has what no other may have: views, functions, a guard.
        store = SQLiteStore(self.path, read_only=True)
        try:
            with (
                self._snapshot() as plain,
                store._errors(),
                _gate,
                views.query(store._connection(), plain, text, values) as answer,
            ):
                yield answer
        finally:
            store.close()

    def merge(
        self,
        source: Store,
        run_ids: Sequence[str] | None,
        *,
        clash: str,
        running: bool,
        notes: list[str],
    ) -> Iterator[Merged]:
        from synadb.storage.merging import Merge

        if not isinstance(source, SQLiteStore):
            raise StorageError(f"{source.path} cannot be merged: it is not in SQLite")

        def rows(sql: str, values: Any = ()) -> Iterator[Any]:
            # An error of the source's is to name the source.
            with source._errors():
                yield from source._connection().execute(sql, values)

        whole = run_ids is None
        with source._snapshot(parts="seen"), self.bulk():
            merge = Merge(rows, whole=whole, clash=clash, running=running)
            chosen = merge.choose(run_ids)
            self._read(merge.look, parts="seen")
            versions = next(rows("select count(*) from collections"))[0]
            parts: Parts = "versions" if versions else "seen"
            try:
                for run, source_id in chosen:
                    with self._transaction(BULK_WAL_LIMIT, parts=parts) as db:
                        merged = merge.run(db, run, source_id)
                    yield merged
                if whole:
                    with self._transaction(BULK_WAL_LIMIT, parts=parts) as db:
                        merge.rest(db)
                if next(rows("select count(*) from sweeps"))[0]:
                    with self._transaction(parts="sweeps") as db:
                        merge.sweeps(db)
            finally:
                notes += merge.notes

    def check(self, *, fix: bool = False) -> CheckReport:
        fixed: tuple[str, ...] = ()
        from synadb.storage import audit

        report = self._read(audit.check, parts="seen")
        if fix and not self.read_only:
            with self._transaction(parts="seen") as db:
                fixed = audit.fix(db)
            report = self._read(audit.check, parts="seen")
        return CheckReport(report.problems, report.notes, fixed)

    def rest(self) -> None:
        """Let go of the file until it is needed again, unless somebody is at it."""
        if self.read_only or self._closed or not self._lock.acquire(timeout=0.0):
            return
        try:
            with _gate, _gate.alone() as alone:
                if alone:
                    self._drop_connections()
        finally:
            self._lock.release()

    def close(self) -> None:
        if self._closed:
            return
        # What has been committed is safe in the log in any case; the next opener moves it.
        limit = min(self._patience, Settings.from_environment().finish_timeout)
        with contextlib.suppress(StorageError), self.patience(limit):
            self.checkpoint(truncate=True)
        # Whoever closes last removes the log: not in the middle of another's transaction.
        if not self.read_only:
            with contextlib.suppress(StorageError), self._lock.held(limit), _gate:
                self._drop_connections()
        with _gate:
            self._drop_connections()
        self._closed = True
        self._tidy()

    def _tidy(self) -> None:
        """Remove the folder of live files when nothing but our own lock is left in it."""
        if self.read_only or not os.path.isdir(self.live_dir):
            return
        if not self._lock.acquire(timeout=0.0):
            return
        try:
            with contextlib.suppress(OSError):
                if os.listdir(self.live_dir) == [os.path.basename(self._lock.path)]:
                    self._lock.remove()
                    os.rmdir(self.live_dir)
        finally:
            self._lock.release()


def _log_frames(path: str) -> tuple[bytes, int, int]:
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
    (("malformed", "corrupt"), CorruptStoreError, "run `synadb check` on it"),
    (("unable to open",), StorageError, "check that its folder exists and can be written"),
)
