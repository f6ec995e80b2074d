"""The SQLite engine: transactions on a file, and what each method of the contract does in them."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeVar

from synadb.errors import (
    InvalidValueError,
    ReadOnlyStoreError,
    StorageError,
    StoreBusyError,
    SynaDBError,
)
from synadb.ops import Op
from synadb.records import ArtifactRecord, CheckReport, ConsoleLine, History, RunRecord, Series
from synadb.settings import Settings
from synadb.storage import runs, writing
from synadb.storage.base import JournalMark, Store
from synadb.storage.schema import PARTS, complete
from synadb.storage.sqlite_file import SQLiteFile, gate, prepare, set_busy_timeout
from synadb.system import sync_file, warn

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from synadb.query import Filter, Order
    from synadb.storage.blocks import Block
    from synadb.storage.merging import Merged
    from synadb.storage.metering import Watch
    from synadb.storage.sweeps import SweepTables
    from synadb.storage.versions import VersionTables
    from synadb.storage.views import Answer

__all__ = ["SQLiteStore"]

WAL_LIMIT = 16 << 20  # bytes of write-ahead log after which a commit is followed by a checkpoint
BULK_WAL_LIMIT = 64 << 20  # while an artifact comes in: fewer waits for the disk
VACUUM_PAGES = 1024  # given back at once: others write between

T = TypeVar("T")
# All parts of the schema are looked at, or one is written to.
Parts = Literal["seen", "versions", "sweeps"] | None


class SQLiteStore(Store):
    """A database of runs in one SQLite file."""

    def __init__(self, path: str, *, read_only: bool = False) -> None:
        self._file = SQLiteFile(path, read_only=read_only)
        self._copied: tuple[bytes, int] = (b"", 0)  # frames of the log that are in the database
        self._synced = False  # whether the main file, as it was made, is known to be on the disk
        prepare(self._file)

    @property
    def path(self) -> str:
        return self._file.path

    @property
    def live_dir(self) -> str:
        return self._file.live_dir

    @property
    def network(self) -> bool:
        return self._file.network

    @property
    def read_only(self) -> bool:
        return self._file.read_only

    def patience(self, seconds: float) -> AbstractContextManager[None]:
        return self._file.limited(seconds)

    # -- transactions ----------------------------------------------------------------------------

    @contextlib.contextmanager
    def _transaction(
        self, wal_limit: int = WAL_LIMIT, *, parts: Parts = None
    ) -> Iterator[sqlite3.Connection]:
        if self.read_only:
            raise ReadOnlyStoreError(
                f"{self.path} is read-only; copy it to a place that can be written"
            )
        with self._file.locked():
            db = self._file.connection()
            self._file.check_identity()
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
        log = self.path + "-wal"
        with contextlib.suppress(OSError, sqlite3.Error):
            if os.path.getsize(log) <= limit:
                return
            from synadb.storage import sqlite_log

            # A log that has started again keeps its size: what counts is what is new in it.
            salt, frames, page = sqlite_log.frames(log)
            known, copied = self._copied
            if (frames - (copied if known == salt else 0)) * page > limit:
                _, _, done = db.execute("pragma wal_checkpoint(passive)").fetchone()
                self._copied = salt, done

    @contextlib.contextmanager
    def _snapshot(self, *, parts: Parts = None) -> Iterator[sqlite3.Connection]:
        with self._file.errors(), gate:
            db = self._file.connection()
            self._see_parts(db, parts)
            db.execute("begin")
            try:
                yield db
            finally:
                db.execute("rollback")

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
        return self._read(lambda db: runs.get_run(db, run_id))

    def list_runs(self, experiment: str | None = None) -> list[RunRecord]:
        return self._read(lambda db: runs.list_runs(db, experiment))

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
        return self._read(runs.run_ids)

    def list_experiments(self) -> list[str]:
        return self._read(runs.list_experiments)

    def last_steps(self, run_id: str) -> dict[str, int]:
        return self._read(lambda db: runs.last_steps(db, run_id))

    def get_metric(self, run_id: str, key: str) -> Series:
        from synadb.storage import reading

        return self._read(lambda db: reading.get_metric(db, run_id, key))

    def history(self, run_id: str, keys: Sequence[str] | None = None) -> History:
        from synadb.storage import reading

        return self._read(lambda db: reading.history(db, run_id, keys))

    def rows(self, run_id: str) -> Iterator[dict[str, Any]]:
        from synadb.storage import reading

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
        from synadb.storage.editing import delete_run
        from synadb.storage.lineage import forget_run

        with self._transaction(parts="seen") as db:
            forget_run(db, run_id)
            delete_run(db, run_id)
        # Versions that have expired are for a `gc` that somebody has asked for.
        self._collect(expire=False)

    def media_rows(self, run_id: str) -> list[tuple[int, dict[str, Any]]]:
        from synadb.storage.media_rows import media_rows

        return self._read(lambda db: media_rows(db, run_id))

    def sketch(self, run_id: str, width: int) -> dict[str, list[float]]:
        from synadb.storage import reading

        return self._read(lambda db: reading.sketch(db, run_id, width))

    def console(self, run_id: str) -> list[ConsoleLine]:
        from synadb.storage import reading

        return self._read(lambda db: reading.console(db, run_id))

    def system_rows(self, run_id: str) -> list[dict[str, Any]]:
        from synadb.storage import reading

        return self._read(lambda db: reading.system_rows(db, run_id))

    def rename_run(self, run_id: str, new_id: str) -> None:
        from synadb.storage.editing import rename_run

        with self._transaction(parts="seen") as db:
            rename_run(db, run_id, new_id)

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

    def bulk(self) -> AbstractContextManager[None]:
        from synadb.storage.sqlite_log import without_log

        return without_log(self._file)

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

    def gc(self, *, dry_run: bool = False, watch: Watch | None = None) -> Mapping[str, int]:
        if dry_run:
            from synadb.storage.collecting import unreferenced

            return self._read(unreferenced, parts="seen")
        return self._collect(expire=True, watch=watch)

    def _collect(self, *, expire: bool, watch: Watch | None = None) -> Mapping[str, int]:
        from synadb.storage.collecting import collect, free_pages
        from synadb.storage.metering import Meter

        meter = Meter(watch)
        self.checkpoint(truncate=True)
        before = os.path.getsize(self.path)  # with what was in the log
        with self._transaction(parts="seen") as db:
            found = collect(db, meter, expire=expire)
        rounds = -(-self._read(free_pages) // VACUUM_PAGES)
        for number in range(rounds):
            with self._file.locked():
                # A step gives one page back, and only executescript steps to the end.
                self._file.connection().executescript(f"pragma incremental_vacuum({VACUUM_PAGES})")
            meter.add(meter.left / (rounds - number))
        self.checkpoint(truncate=True)
        return {**found, "file_bytes_freed": max(0, before - os.path.getsize(self.path))}

    def compact(self, run_id: str, *, all_chunks: bool = False) -> None:
        if not self._read(lambda db: writing.compactable(db, run_id, all_chunks)):
            return
        with self._transaction() as db:
            for keyset, kind, group in writing.compactable(db, run_id, all_chunks):
                writing.merge(db, keyset, kind, group)

    def checkpoint(self, *, truncate: bool = False) -> bool:
        if self.read_only or self.network:
            return True
        with self._file.locked():
            db = self._file.connection()
            self._file.check_identity()
            if truncate:
                # Wait a moment for readers; what they hold back is moved by a later checkpoint.
                set_busy_timeout(db, min(2.0, self._file.patience))
                try:
                    found = db.execute("pragma wal_checkpoint(truncate)").fetchone()
                finally:
                    set_busy_timeout(db, self._file.patience)
            else:
                found = db.execute("pragma wal_checkpoint(passive)").fetchone()
        _, frames, moved = found
        return bool(frames == moved)

    def sync(self) -> None:
        if self.read_only or self.network:
            return  # with a rollback journal each commit is
        if not self._synced:
            # The main file is made without waiting for the disk; a checkpoint waits for it. Busy
            # is the connection over whose transaction a signal handler has come.
            with contextlib.suppress(StoreBusyError):
                self._synced = self.checkpoint()
                sync_file(os.path.dirname(self.path))
        with contextlib.suppress(FileNotFoundError):
            sync_file(self.path + "-wal")

    def export(self, path: str) -> None:
        if os.path.exists(path):
            raise StorageError(f"{path} exists already; name a file that does not")
        part = path + ".part"
        try:
            # Made here, so that an error which is the target's names the target.
            os.close(os.open(part, os.O_CREAT | os.O_RDWR, 0o644))
        except OSError as error:
            raise StorageError(f"{path} cannot be written: {error.strerror}") from error
        with self._file.errors(), gate:
            target = sqlite3.connect(part)
            try:
                self._file.connection().backup(target)
                target.execute("pragma journal_mode = delete")
            except sqlite3.OperationalError as error:
                raise StorageError(f"{path} cannot be written: {error}") from error
            finally:
                target.close()
        os.replace(part, path)
        sync_file(os.path.dirname(os.path.abspath(path)))

    @contextlib.contextmanager
    def sql(self, text: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Iterator[Answer]:
        from synadb.storage import views

        # A connection of its own, which has what no other may have: views, functions, a guard.
        own = SQLiteStore(self.path, read_only=True)
        try:
            with (
                self._snapshot() as plain,
                own._file.errors(),
                gate,
                views.query(own._file.connection(), plain, text, values) as answer,
            ):
                yield answer
        finally:
            own.close()

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
            with source._file.errors():
                yield from source._file.connection().execute(sql, values)

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
                        merge.sweeps.copy(db)
            finally:
                notes += merge.notes

    def check(self, *, fix: bool = False, watch: Watch | None = None) -> CheckReport:
        fixed: tuple[str, ...] = ()
        from synadb.storage import audit

        report = self._read(lambda db: audit.check(db, watch), parts="seen")
        if fix and not self.read_only:
            with self._transaction(parts="seen") as db:
                fixed = audit.fix(db)
            report = self._read(lambda db: audit.check(db, watch), parts="seen")
        return CheckReport(report.problems, report.notes, fixed)

    def rest(self) -> None:
        self._file.rest()

    def close(self) -> None:
        if self._file.closed:
            return
        # What has been committed is safe in the log in any case; the next opener moves it.
        limit = min(self._file.patience, Settings.from_environment().finish_timeout)
        with contextlib.suppress(StorageError), self.patience(limit):
            self.checkpoint(truncate=True)
        self._file.close(limit)
