"""The writer: drains the journals of this process into a store, and adopts those of dead ones."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from typing import NamedTuple

from synadb.errors import CorruptStoreError, RunNotFoundError, StorageError
from synadb.journal import Journal, journal_ids, read_segments
from synadb.ops import EndRun
from synadb.settings import Settings
from synadb.storage.base import JournalMark, Store
from synadb.system import FileLock, after_fork_in_child, warn

__all__ = ["Adopted", "Writer", "adopt"]

INTERVAL = 0.5  # seconds between drains
COMPACT_EVERY = 16  # drains of a journal between looks at its small chunks
LONGEST_PAUSE = 30.0  # seconds between tries while the store is out of reach


class Adopted(NamedTuple):
    """What recovering a dead journal brought."""

    run_id: str
    rows: int
    torn: int


class Writer:
    """One thread a store, started with the first journal, that keeps its errors and retries."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.error: Exception | None = None
        self._begin()
        reference = weakref.ref(self)

        def forked() -> None:
            writer = reference()
            if writer is not None:
                writer._after_fork()

        after_fork_in_child(forked)

    def _begin(self) -> None:
        self._journals: list[Journal] = []
        self._guard = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._finished: list[str] = []
        self._drains: dict[str, int] = {}

    def _after_fork(self) -> None:
        journals = self._journals
        self._begin()
        for journal in journals:
            journal.abandon()
        self._journals = journals

    def open(self, run_id: str) -> Journal:
        """A new journal for a run, drained from now on."""
        journal = Journal(
            self.store.live_dir, run_id, mapped=not self.store.network, reborn=self.attach
        )
        self.attach(journal)
        return journal

    def attach(self, journal: Journal) -> None:
        """Drain this journal too, and see that the thread runs (it does not after a fork)."""
        with self._guard:
            if journal not in self._journals:
                self._journals.append(journal)
            if self._thread is None or not self._thread.is_alive():
                self._stopping = False
                # A daemon: a forgotten finish must not keep the interpreter from ending.
                self._thread = threading.Thread(
                    target=_loop, args=(weakref.ref(self), self._wake), daemon=True
                )
                self._thread.name = "synadb-writer"
                self._thread.start()

    def drain_all(self) -> None:
        """One round over all journals; an error is kept, warned about once, and tried again."""
        with self._guard:
            journals = list(self._journals)
        for journal in journals:
            if journal.closed or journal.inherited:
                continue
            try:
                self.drain(journal)
            except RunNotFoundError:
                warn(f"run {journal.run_id} has been deleted; what is logged to it is dropped")
                self.drop(journal)
            except (StorageError, OSError) as error:
                self.error = error
                warn(
                    f"{error} (rows are safe in {self.store.live_dir} and will be written when "
                    "the database can be reached)",
                    once=journal.id + "error",
                )
                return
        self.error = None

    def drain(self, journal: Journal) -> None:
        """Move everything in a journal into the store; raises what the store raises."""
        with journal.drain_lock:
            while True:
                ops, start, end = journal.pending()
                if end == start:
                    return
                mark = JournalMark(journal.id, journal.run_id, start, end)
                try:
                    self.store.apply(ops, mark)
                except StorageError:
                    # The commit may have gone through although its answer was lost.
                    if self.store.journal_offset(journal.id) != end:
                        raise
                journal.discard(end)
                count = self._drains.get(journal.id, 0) + 1
                self._drains[journal.id] = count
                if count % COMPACT_EVERY == 0:
                    self.store.compact(journal.run_id)

    def finish(self, journal: Journal, timeout: float | None = None) -> bool:
        """Drain and close a journal, waiting up to `timeout` seconds for the store.

        Returns whether all is in the database; if not, says what lies where.
        """
        limit = Settings.from_environment().finish_timeout if timeout is None else timeout
        deadline = time.monotonic() + limit
        while True:
            try:
                self.drain(journal)
                break
            except RunNotFoundError:
                break
            except (StorageError, OSError) as error:
                self.error = error
                if time.monotonic() >= deadline:
                    self._give_up(journal, error)
                    return False
            time.sleep(0.1)
        self._detach(journal)
        journal.close()
        self._finished.append(journal.id)
        if journal.dropped:
            warn(f"run {journal.run_id}: {journal.dropped} rows were lost for want of space")
        return journal.dropped == 0

    def drop(self, journal: Journal) -> None:
        """Let go of a journal without writing what it holds."""
        self._detach(journal)
        journal.close()

    def _give_up(self, journal: Journal, error: Exception) -> None:
        in_memory = any(segment.path is None for segment in journal.segments)
        self._detach(journal)
        journal.close(keep=True)
        warn(
            f"{error}. What was logged to run {journal.run_id} and is not in the database lies in "
            f"{self.store.live_dir}; `synadb recover {self.store.path}` brings it in"
            + (" (rows that were only in memory are lost)" if in_memory else "")
        )

    def _detach(self, journal: Journal) -> None:
        with self._guard, contextlib.suppress(ValueError):
            self._journals.remove(journal)
        self._drains.pop(journal.id, None)

    def stop(self) -> None:
        """End the thread; journals stay as they are."""
        self._stopping = True
        self._wake.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=5.0)
        self._thread = None
        for journal_id in self._finished:
            with contextlib.suppress(StorageError):
                self.store.forget_journal(journal_id)
        self._finished.clear()

    @property
    def journals(self) -> list[Journal]:
        """The journals that are open in this process."""
        with self._guard:
            return [journal for journal in self._journals if not journal.inherited]


def _loop(reference: weakref.ref[Writer], wake: threading.Event) -> None:
    # Holds the writer only while it works, so that a tracker nobody holds can go.
    pause = INTERVAL
    while True:
        wake.wait(pause)
        wake.clear()
        writer = reference()
        if writer is None or writer._stopping:
            return
        try:
            writer.drain_all()
        except Exception as error:  # noqa: BLE001 - the thread must outlive any fault, and say so
            writer.error = error
            warn(f"writing failed, will be tried again: {error!r}", once=f"writer{error!r}")
        pause = INTERVAL if writer.error is None else min(pause * 2, LONGEST_PAUSE)
        del writer


def adopt(store: Store) -> list[Adopted]:
    """Bring in the journals whose owners are dead, and mark their runs crashed.

    Exactly once, whoever else tries at the same time: an adopter holds the journal's lock.
    """
    if store.read_only:
        return []
    adopted = []
    for journal_id in journal_ids(store.live_dir):
        lock = FileLock(os.path.join(store.live_dir, journal_id + ".lock"))
        if not lock.try_hold():
            continue
        try:
            found = _adopt_one(store, journal_id)
        except CorruptStoreError as error:
            warn(f"{error}; it is left where it is", once=str(error))
            lock.drop()
            continue
        except BaseException:
            lock.drop()
            raise
        lock.remove()
        lock.drop()
        store.forget_journal(journal_id)
        if found is not None:
            adopted.append(found)
            _mark_crashed(store, found.run_id)
    return adopted


def _adopt_one(store: Store, journal_id: str) -> Adopted | None:
    applied = store.journal_offset(journal_id)
    run_id = ""
    rows = torn = 0
    for run_id, end, reader in read_segments(store.live_dir, journal_id, applied):
        mark = JournalMark(journal_id, run_id, applied, end)
        try:
            store.apply(reader.ops(run_id), mark)
        except RunNotFoundError:
            if reader.order:
                warn(f"{reader.order} records of run {run_id}, which has been deleted, are dropped")
        rows += reader.order
        torn += reader.torn
        applied = end
    names = [name for name in os.listdir(store.live_dir) if name.startswith(journal_id + ".0")]
    for name in sorted(names):
        os.unlink(os.path.join(store.live_dir, name))
    if torn:
        warn(f"run {run_id}: {torn} record(s) at the end of a journal were incomplete")
    return Adopted(run_id, rows, torn) if run_id else None


def _mark_crashed(store: Store, run_id: str) -> None:
    for other in journal_ids(store.live_dir):
        with contextlib.suppress(StopIteration, OSError, CorruptStoreError):
            if next(read_segments(store.live_dir, other, 0))[0] == run_id:
                return  # another process is still at it
    with contextlib.suppress(RunNotFoundError):
        store.apply([EndRun(run_id, "crashed", time.time())])
