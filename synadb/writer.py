"""The writer: drains the journals of this process into a store, and adopts those of dead ones."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from functools import cache

from synadb.errors import CorruptStoreError, RunNotFoundError, StorageError, StoreBusyError
from synadb.journal import Journal, journal_ids, owner, read_segments, segment_paths
from synadb.ops import EndRun
from synadb.records import Adopted
from synadb.settings import Settings
from synadb.storage.base import JournalMark, Store
from synadb.system import FileLock, host, lives, renew_after_fork, warn

__all__ = ["Adopted", "Writer", "adopt"]

INTERVAL = 0.5  # seconds between drains
COMPACT_EVERY = 16  # drains of a journal between looks at its small chunks
FORK_SECONDS = 0.5  # a fork waits so long at most for rows to be written
LONGEST_PAUSE = 30.0  # seconds between tries to drain a journal that the store does not take
STOP_SECONDS = 2.0  # that the end of the process waits for the thread, and for the store


class _UnwritableError(StorageError):
    """What has been logged is at fault, so that trying again does not help."""


def _passing(error: Exception) -> bool:
    """Whether the rows go in once something outside has been mended."""
    return isinstance(error, StorageError | OSError) and not isinstance(
        error, _UnwritableError | CorruptStoreError
    )


_writers: weakref.WeakSet[Writer] = weakref.WeakSet()


@cache
def _drain_before_forks() -> None:
    # Registered once there is a store, and so called before the store's own hook, which keeps
    # everybody out of the database.
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_drain_all)


def _drain_all() -> None:
    for writer in list(_writers):
        writer.before_fork()


class Writer:
    """One thread a store, started with the first journal, that keeps its errors and retries."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.error: Exception | None = None
        self._begin()
        renew_after_fork(self)
        _drain_before_forks()
        _writers.add(self)

    def before_fork(self) -> None:
        """Bring in what was logged before the child can: its rows come after."""
        for journal in self.journals:
            with (
                contextlib.suppress(StorageError, OSError, RunNotFoundError),
                self.store.patience(FORK_SECONDS),
            ):
                self.drain(journal, FORK_SECONDS)

    def _begin(self) -> None:
        self._journals: list[Journal] = []
        # Reentrant for signal handlers. Never asked for while a drain lock is held.
        self._guard = threading.RLock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._finished: list[str] = []
        self._drains: dict[str, int] = {}
        self._retries: dict[str, tuple[float, float]] = {}  # not before, and the pause it follows

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
        """One round over all journals; an error is kept, warned about once, and tried again.

        A journal that fails does not hold up the others, and is left alone for longer each time.
        """
        for journal in self.journals:
            due, pause = self._retries.get(journal.id, (0.0, INTERVAL))
            if self._stopping or time.monotonic() < due:
                continue
            try:
                self.drain(journal)
            except RunNotFoundError:
                pass  # has been said
            except (StorageError, OSError) as error:
                self.error = error
                pause = min(pause * 2, LONGEST_PAUSE)
                self._retries[journal.id] = time.monotonic() + pause, pause
                warn(f"{error} ({self._outlook(error)})", once=journal.id + "error")
            else:
                self._retries.pop(journal.id, None)
        if not self._retries:
            self.error = None

    def _outlook(self, error: Exception) -> str:
        kept = f"what has been logged is kept in {self.store.live_dir}"
        if _passing(error):
            return f"{kept} and will be written when the database can be"
        return f"{kept}, and writing it is tried again"

    def drain(self, journal: Journal, wait: float | None = None) -> bool:
        """Move everything in a journal into the store; StorageError, OSError.

        RunNotFoundError when the run has been deleted; its journal is dropped. `wait` limits how
        long another thread's drain is waited for.

        Returns:
            Whether nothing is left. Something may be when this is called by a signal handler, in
            the middle of an append or of another drain: that goes on when the handler returns.
        """
        me = threading.get_ident()
        if journal.deleted:
            raise RunNotFoundError(f"run {journal.run_id!r} has been deleted")
        if journal.inherited or journal.released:
            return True
        if journal.drainer == me:
            return False
        lock = journal.drain_lock  # a signal handler that forks gives the child another one
        if not lock.acquire(timeout=-1 if wait is None else max(0.0, wait)):
            raise StoreBusyError(
                f"{self.store.path}: another thread has been writing run {journal.run_id} for "
                f"{wait:.0f} s; try again"
            )
        deleted: RunNotFoundError | None = None
        whole = False
        try:
            journal.drainer = me
            whole = self._move(journal)
        except (StorageError, OSError):
            raise
        except RunNotFoundError as error:
            deleted = error
        except Exception as error:
            raise _UnwritableError(
                f"{self.store.path}: what was logged to run {journal.run_id} cannot be written: "
                f"{error!r}"
            ) from error
        finally:
            journal.drainer = None
            lock.release()
        if deleted is not None:
            warn(
                f"run {journal.run_id} has been deleted; what is logged to it is dropped",
                once=journal.id + "deleted",
            )
            self.drop(journal)
            raise deleted
        if whole and journal.leaving:
            self._close(journal)
        return whole

    def _move(self, journal: Journal) -> bool:
        while not (journal.released or journal.inherited):
            ops, end, whole = journal.pending()
            if end == journal.drained:
                return whole
            mark = JournalMark(journal.id, journal.run_id, journal.applied, end)
            try:
                self.store.apply(ops, mark)
            except StorageError:
                # The commit may have gone through although its answer was lost; or somebody has
                # removed the live files, and another process took the journal for a dead one's.
                applied = self.store.journal_offset(journal.id)
                if applied == mark.start:
                    raise
                journal.skip(applied)
                continue
            journal.discard(end)
            count = self._drains.get(journal.id, 0) + 1
            self._drains[journal.id] = count
            if count % COMPACT_EVERY == 0:
                self._compact(journal.run_id)
        return True

    def _compact(self, run_id: str) -> None:
        try:
            self.store.compact(run_id)
        except RunNotFoundError:
            raise
        except Exception as error:  # noqa: BLE001 - the rows are in, and must not count as refused
            self.error = error
            warn(f"the chunks of run {run_id} stay unmerged: {error!r}", once=f"{run_id}merge")

    def finish(self, journal: Journal, timeout: float | None = None) -> bool:
        """Drain and close a journal, waiting up to `timeout` seconds for the store.

        From here on the journal takes no more records. Time in which rows went in does not count.
        In a forked child, the journal of its parent is left alone.

        Returns whether all is in the database; if not, says what lies where.
        """
        if journal.inherited:
            return True
        limit = Settings.from_environment().finish_timeout if timeout is None else timeout
        deadline = time.monotonic() + limit
        journal.seal(limit)
        while not journal.released:
            drained = journal.drained
            left = max(deadline - time.monotonic(), 0.05)
            error: Exception = StoreBusyError(f"run {journal.run_id} is being logged to")
            try:
                with self.store.patience(left):
                    if self.drain(journal, left):
                        break
            except RunNotFoundError:
                break
            except (StorageError, OSError) as caught:
                self.error = error = caught
            if journal.drainer == threading.get_ident():
                # In a signal handler, over the frame of a drain: that, or the next, closes it.
                journal.leaving = True
                return False
            if journal.drained > drained:
                deadline = time.monotonic() + limit
            elif time.monotonic() >= deadline:
                self._give_up(journal, error)
                return False
            time.sleep(max(0.0, min(0.1, deadline - time.monotonic())))
        self._close(journal)
        if journal.deleted:
            if journal.refused:
                warn(f"run {journal.run_id} was deleted; {journal.refused} records are dropped")
            return False
        if journal.dropped:
            warn(f"run {journal.run_id}: {journal.dropped} rows were lost for want of space")
        return journal.dropped == 0

    def _close(self, journal: Journal) -> None:
        self._detach(journal)
        if not journal.released:
            journal.close()
            self._finished.append(journal.id)

    def drop(self, journal: Journal) -> None:
        """Let go of the journal of a run that is not there; what it holds, and gets, is lost."""
        journal.deleted = True
        self._detach(journal)
        journal.close()

    def _give_up(self, journal: Journal, error: Exception) -> None:
        in_memory = journal.in_memory
        self._detach(journal)
        journal.close(keep=True)
        text = (
            f"{error}. What was logged to run {journal.run_id} and is not in the database lies in "
            f"{self.store.live_dir}"
        )
        if _passing(error):
            text += f"; `synadb recover {self.store.path}` brings it in"
        warn(text + (" (rows that were only in memory are lost)" if in_memory else ""))

    def _detach(self, journal: Journal) -> None:
        with self._guard, contextlib.suppress(ValueError):
            self._journals.remove(journal)
        self._drains.pop(journal.id, None)
        self._retries.pop(journal.id, None)

    def stop(self) -> None:
        """End the thread; journals stay as they are."""
        self._stopping = True
        self._wake.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            # It may be waiting for the store, which ends by itself.
            thread.join(timeout=STOP_SECONDS)
        self._thread = None
        finished, self._finished = self._finished, []
        with contextlib.suppress(StorageError), self.store.patience(STOP_SECONDS):
            for journal_id in finished:
                self.store.forget_journal(journal_id)

    @property
    def journals(self) -> list[Journal]:
        """The journals that are open in this process."""
        with self._guard:
            return [journal for journal in self._journals if not journal.inherited]


def _loop(reference: weakref.ref[Writer], wake: threading.Event) -> None:
    # Holds the writer only while it works, so that a tracker nobody holds can go.
    while True:
        wake.wait(INTERVAL)
        wake.clear()
        writer = reference()
        if writer is None or writer._stopping:
            return
        try:
            writer.drain_all()
        except Exception as error:  # noqa: BLE001 - the thread must outlive any fault, and say so
            writer.error = error
            warn(f"writing failed, will be tried again: {error!r}", once=f"writer{error!r}")
        del writer


def adopt(store: Store) -> list[Adopted]:
    """Bring in the journals whose owners are dead, and mark their runs crashed.

    Exactly once, whoever else tries at the same time and wherever this is interrupted: an adopter
    holds the journal's lock, and goes on where the last one stopped. A journal that cannot be
    brought in is left as it is, with a warning.
    """
    if store.read_only:
        return []
    adopted = []
    for journal_id in journal_ids(store.live_dir):
        lock = _claim(store.live_dir, journal_id)
        if lock is None:
            continue
        try:
            found = _adopt_one(store, journal_id)
            lock.remove()
            if found is not None:
                adopted.append(found)
                _mark_crashed(store, found.run_id)
        except Exception as error:  # noqa: BLE001 - one journal must not make a database unusable
            where = os.path.join(store.live_dir, journal_id)
            warn(
                f"the journal {where} cannot be brought in: {str(error) or repr(error)}; "
                + (
                    "the next program that opens the database tries again"
                    if _passing(error)
                    else "it is left where it is"
                ),
                once=f"{where} {error!r}",
            )
            if isinstance(error, StoreBusyError):
                break  # each of the others would wait as long
        finally:
            lock.drop()
    return adopted


def _claim(folder: str, journal_id: str) -> FileLock | None:
    """The lock of a journal, held, if its owner is dead; None if it lives or cannot be known.

    The lock tells, where there is one. Where the file system has no locks, or somebody has
    removed the file, only the process that the journal names does.
    """
    lock = FileLock(os.path.join(folder, journal_id + ".lock"))
    if not os.path.exists(lock.path) and not _owner_is_dead(folder, journal_id):
        return None
    try:
        if not lock.try_hold():
            return None
    except OSError:
        return None  # another user's
    if lock.unsupported and not _owner_is_dead(folder, journal_id):
        lock.drop()
        return None
    return lock


def _owner_is_dead(folder: str, journal_id: str) -> bool:
    said = owner(folder, journal_id)
    if said is not None:
        return said.get("host") == host() and not lives(int(said["pid"]), said.get("birth", ""))
    try:
        pid = int(journal_id.split("-")[1], 16)
    except (IndexError, ValueError):
        return False
    return not segment_paths(folder, journal_id) and not lives(pid, "")


def _adopt_one(store: Store, journal_id: str) -> Adopted | None:
    said = owner(store.live_dir, journal_id)
    applied = store.journal_offset(journal_id)
    run_id = ""
    rows = torn = lost = 0
    deleted = False
    again = True
    while again:
        again = False
        for run_id, _, end, reader in read_segments(store.live_dir, journal_id, applied):
            torn += reader.torn
            lost += reader.order
            if deleted or not reader.order:
                continue
            try:
                mark = JournalMark(journal_id, run_id, applied, end)
                store.apply(reader.ops(run_id), mark)
            except RunNotFoundError:
                deleted = True
                continue
            except StorageError:
                now = store.journal_offset(journal_id)
                if now <= applied:
                    raise
                # In doubt whose work it is: the answer was lost, or the owner lives after all.
                applied = now
                again = True
                break
            lost -= reader.order
            rows += reader.order
            applied = end
    if lost:
        warn(f"{lost} records of run {run_id}, which has been deleted, are dropped")
    for path in segment_paths(store.live_dir, journal_id):
        os.unlink(path)
    if applied and (said is None or said.get("host") == host()):
        # Where the owner's death is only as sure as locks between machines are, what has been
        # applied stays known: an owner that lives goes on behind it.
        store.forget_journal(journal_id)
    if torn and not deleted:
        warn(f"run {run_id}: {torn} record(s) at the end of a journal were incomplete")
    return Adopted(run_id, rows, torn) if run_id and not deleted else None


def _mark_crashed(store: Store, run_id: str) -> None:
    for other in journal_ids(store.live_dir):
        said = owner(store.live_dir, other)
        if said is not None and said.get("run_id") == run_id:
            lock = _claim(store.live_dir, other)
            if lock is None:
                return  # another process is still at it
            lock.drop()
    with contextlib.suppress(RunNotFoundError):
        store.apply([EndRun(run_id, "crashed", time.time())])
