"""From logged media to files in the database and JSON in the rows, off the training's thread.

`log` writes its row without the media and returns. A small pool encodes each value; its file goes
into the database, together with those of others, and only then the JSON is written as another part
of the same row. A process that is killed in between loses what was on this way, and no row; and no
row names a file that is not there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from synadb.errors import StorageError
from synadb.media.value import Stored, file_path
from synadb.system import renew_after_fork, warn

if TYPE_CHECKING:
    from synadb.journal import Journal
    from synadb.storage.base import Store

__all__ = ["Files", "Newest", "Pending", "Pipeline", "RowMedia", "split_pending"]

WORKERS = 2
WAITING = 64  # values that may wait for the pool before `log` waits too
WAITING_BYTES = 256 << 20  # and what they may hold; one value alone may hold more
BATCH_BYTES = 4 << 20  # files are stored together until they are this much
BATCH_SECONDS = 0.5
KEPT_ERRORS = 100  # of a run; the others are counted
PATIENCE = 5.0  # seconds to wait for a database out of reach, or for another thread's batch
FORK_SECONDS = 5.0  # to wait for encoders before a fork

Place = tuple[str, ...]


class Files(Protocol):
    """What takes the files of a run."""

    def log_file(self, run_id: str, name: str, data: str) -> object:
        """Store the file at a path."""

    def log_files(self, run_id: str, contents: Mapping[str, bytes]) -> object:
        """Store several files in one go."""


class Pending:
    """Stands in a row for a value that is still being encoded; `weight` is the bytes it holds.

    Values of one `sequence` are encoded one after another, as they were logged.
    """

    __slots__ = ("encode", "key", "sequence", "weight")

    def __init__(
        self,
        key: str,
        encode: Callable[[], Any],
        weight: int = 0,
        sequence: Hashable | None = None,
    ) -> None:
        self.key = key
        self.encode = encode
        self.weight = weight
        self.sequence = sequence


class _Encoded:
    """A value that waits for its file to be in the database."""

    __slots__ = ("done", "json", "key", "left", "step")

    def __init__(
        self,
        key: str,
        step: int,
        json: Any,
        done: Callable[[Any], None],
        left: Callable[[], None],
    ) -> None:
        self.key = key
        self.step = step
        self.json = json
        self.done = done
        self.left = left


class _Room:
    """So much may wait for the pool; whoever brings more waits."""

    def __init__(self) -> None:
        self._changed = threading.Condition()  # reentrant, for signal handlers
        self._count = 0
        self._bytes = 0

    def take(self, weight: int, *, wait: bool) -> None:
        with self._changed:
            while wait and self._full(weight):
                self._changed.wait()
            self._count += 1
            self._bytes += weight

    def _full(self, weight: int) -> bool:
        return self._count >= WAITING or (self._count > 0 and self._bytes + weight > WAITING_BYTES)

    def give(self, weight: int) -> None:
        with self._changed:
            self._count -= 1
            self._bytes -= weight
            self._changed.notify_all()

    @property
    def empty(self) -> bool:
        return self._count == 0


class _Jobs:
    """The values that are being encoded in this process. None is, while it forks.

    An encoder may be importing a module, or hold a lock of a library: a child that was forked at
    such a moment, and then wants the same, would wait for a thread that it does not have.
    """

    def __init__(self) -> None:
        self._mine = threading.local()
        self._begin()

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._count = self.mine
        self._forking = 0

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        with self._changed:
            while self._forking:
                self._changed.wait()
            self._count += 1
        self._mine.depth = self.mine + 1
        try:
            yield
        finally:
            self._mine.depth -= 1
            with self._changed:
                self._count -= 1
                self._changed.notify_all()

    @property
    def mine(self) -> int:
        """Whether this thread is encoding: how deep, where a signal handler encodes too."""
        return getattr(self._mine, "depth", 0)

    def before_fork(self) -> None:
        end = time.monotonic() + FORK_SECONDS
        with self._changed:
            self._forking += 1
            # Not for longer: one of them may be waiting for what this very thread holds.
            while self._count > self.mine and (left := end - time.monotonic()) > 0:
                self._changed.wait(left)

    def after_fork_in_parent(self) -> None:
        with self._changed:
            self._forking -= 1
            self._changed.notify_all()

    def after_fork_in_child(self) -> None:
        self._begin()


_jobs = _Jobs()
if hasattr(os, "register_at_fork"):
    # After the store's, and so called before them: until here files may come into the database.
    os.register_at_fork(
        before=_jobs.before_fork,
        after_in_parent=_jobs.after_fork_in_parent,
        after_in_child=_jobs.after_fork_in_child,
    )


class Pipeline:
    """The media of one run on their way: the sink of their files, and the pool that encodes them.

    `errors` are those of encoding and storing, each with its key and step.
    """

    def __init__(self, run_id: str, files: Files) -> None:
        self.run_id = run_id
        self.errors: list[dict[str, Any]] = []
        self._target = files
        self._begin()
        renew_after_fork(self)

    def _begin(self) -> None:
        self._pid = os.getpid()
        self.token: object = object()
        self._pool: ThreadPoolExecutor | None = None
        self._room = _Room()
        self._futures: set[Future[None]] = set()
        self._sequences: dict[Hashable, deque[Callable[[], None]]] = {}
        self._busy: set[Hashable] = set()  # sequences of which one is being encoded
        # Reentrant for signal handlers. Nothing is called while it is held.
        self._lock = threading.RLock()
        self._saving = threading.RLock()
        self._files: dict[str, bytes] = {}
        self._bytes = 0
        self._since = 0.0
        self._encoded: list[_Encoded] = []
        self._trouble: StorageError | None = None  # why these are not in the database yet
        self._told = False  # that values could not be stored
        self._untold = 0  # how many more could not

    def _after_fork(self) -> None:
        # What is under way belongs to the parent, which has the threads for it.
        self._begin()

    # -- what `log` calls ------------------------------------------------------------------------

    def submit(
        self,
        pending: Pending,
        step: int,
        done: Callable[[Any], None],
        left: Callable[[], None],
        *,
        wait: bool = True,
    ) -> None:
        """Encode in the pool; waits while too much is waiting.

        `done` is called with the JSON once its file is in the database; if that fails, the error
        is noted instead; then, in either case, `left` is called. Who holds a lock that these ask
        for must not wait, and passes `wait=False`.
        """
        room = self._room
        room.take(pending.weight, wait=wait)

        def work() -> None:
            with _jobs.one():
                self._encode(pending, step, done, left, room)

        job = work
        if pending.sequence is not None:
            job = partial(self._go_on, pending.sequence)
            with self._lock:
                self._sequences.setdefault(pending.sequence, deque()).append(work)
        try:
            with self._lock:
                if self._pool is None:
                    self._pool = ThreadPoolExecutor(WORKERS, "synadb-media")
            future = self._pool.submit(job)
        except RuntimeError:  # the interpreter is ending
            job()
            return
        with self._lock:
            self._futures.add(future)
        future.add_done_callback(self._forget)

    def _go_on(self, sequence: Hashable) -> None:
        """Encode what waits in a sequence; who is at it already does so."""
        with self._lock:
            if sequence in self._busy:
                return
            self._busy.add(sequence)
        while True:
            with self._lock:
                waiting = self._sequences.get(sequence)
                if not waiting:
                    self._sequences.pop(sequence, None)
                    self._busy.discard(sequence)
                    return
                work = waiting.popleft()
            try:
                work()
            except BaseException:
                self._busy.discard(sequence)
                raise

    def _encode(
        self,
        pending: Pending,
        step: int,
        done: Callable[[Any], None],
        left: Callable[[], None],
        room: _Room,
    ) -> None:
        error: Exception | None = None
        json: Any = None
        try:
            json = pending.encode()
        except Exception as caught:  # noqa: BLE001 - there is no call left to raise it from
            error = caught
        finally:
            room.give(pending.weight)
        if error is not None:
            self._note(pending.key, step, error)
            self.say(
                f"{pending.key!r} of step {step} could not be encoded and is left out: {error}"
            )
            left()
        else:
            with self._lock:
                self._encoded.append(_Encoded(pending.key, step, json, done, left))
        self._flush_if_due(idle=room.empty)

    def _forget(self, future: Future[None]) -> None:
        with self._lock:
            self._futures.discard(future)

    def _give_up(self, lost: Sequence[_Encoded], error: Exception, *, final: bool = False) -> None:
        self.token = object()  # whoever has put a file here puts it again when it is logged again
        self._lose(lost, error, final=final)
        for one in lost:
            one.left()

    def _lose(self, lost: Sequence[_Encoded], error: Exception, *, final: bool = False) -> None:
        """Say that values could not be stored: a full disk loses many, and that is said once.

        How many more there were is said in the end.
        """
        for one in lost:
            self._note(one.key, one.step, error)
        with self._lock:
            self._untold += len(lost)
            if not self._untold or (self._told and not final):
                return
            named = [] if self._told else [f"{lost[0].key!r} of step {lost[0].step}"]
            others = self._untold - len(named)
            if others:
                named.append(f"{others} more value{'s' * (others > 1)}")
            self._told, self._untold = True, 0
        self.say(f"{' and '.join(named)} could not be stored and had to be left out: {error}")

    def _note(self, key: str, step: int, error: Exception) -> None:
        """Keep for the run why a value is lost."""
        with self._lock:
            if len(self.errors) < KEPT_ERRORS:
                text = f"{type(error).__name__}: {error}"
                self.errors.append({"key": key, "step": step, "error": text})
            else:
                last = self.errors[-1]
                last["more"] = last.get("more", 0) + 1

    def say(self, message: str) -> None:
        """Tell the person."""
        warn(message)

    # -- files -----------------------------------------------------------------------------------

    def put(
        self, folder: str, key: str, step: int | str, content: bytes | str, extension: str
    ) -> Stored:
        """Keep a file; see `synadb.media.value.Sink`."""
        if isinstance(content, str):
            digest, size = _digest_of(content)
        else:
            digest, size = hashlib.sha256(content).hexdigest(), len(content)
        path = file_path(folder, key, step, digest, extension)
        if isinstance(content, str):
            self._target.log_file(self.run_id, path, content)
        else:
            with self._lock:
                if not self._files:
                    self._since = time.monotonic()
                self._files[path] = content
                self._bytes += size
            if not _jobs.mine:
                self.flush()  # nobody else would
        return Stored(path, digest, size)

    def _flush_if_due(self, *, idle: bool) -> None:
        with self._lock:
            full = self._bytes >= BATCH_BYTES
            due = bool(self._files) and time.monotonic() - self._since > BATCH_SECONDS
        if idle or full or due:
            self.flush()

    def flush(self) -> None:
        """Bring the files so far into the database, and what waits for them into the rows.

        What cannot be stored now is kept for the next time, up to a limit.
        """
        if not self._saving.acquire(timeout=PATIENCE):
            return  # another thread is at it
        try:
            with self._lock:
                files, self._files = self._files, {}
                encoded, self._encoded = self._encoded, []
                self._bytes = 0
            try:
                if files:
                    self._target.log_files(self.run_id, files)
            except StorageError as error:
                self._put_back(files, encoded, error)
                return
            except Exception as error:  # noqa: BLE001 - the run has been deleted, for one
                self._give_up(encoded, error)
                return
        finally:
            self._saving.release()
        # Without that lock: these ask for the run's, whose holder may be about to flush.
        for one in encoded:
            try:
                one.done(one.json)
            except Exception as error:  # noqa: BLE001 - as above
                self._lose([one], error)
            finally:
                one.left()

    def _put_back(
        self, files: dict[str, bytes], encoded: list[_Encoded], error: StorageError
    ) -> None:
        size = sum(map(len, files.values()))
        with self._lock:
            self._trouble = error
            kept = size + self._bytes <= WAITING_BYTES
            if kept:
                self._files = files | self._files
                self._encoded = encoded + self._encoded
                self._bytes += size
                self._since = time.monotonic()
        if not kept:
            self._give_up(encoded, error)

    # -- the end ---------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether something is still being encoded."""
        return bool(self._futures)

    def settle(self) -> None:
        """Return when everything logged so far has been encoded and stored."""
        while True:
            with self._lock:
                waiting = list(self._futures)
            if not waiting:
                break
            for future in waiting:
                future.result()
        if self._files or self._encoded:
            self.flush()

    def close(self) -> None:
        """Encode and store what is left; what cannot be stored now is lost, and noted."""
        if os.getpid() != self._pid:
            return
        self.settle()
        if self._pool is not None:
            self._pool.shutdown()
        with self._lock:
            lost, self._encoded = self._encoded, []
            self._files, self._bytes = {}, 0
        trouble = self._trouble or StorageError("the database is out of reach")
        self._give_up(lost, trouble, final=True)


class Newest:
    """Of values for one place that are encoded side by side, the one logged last stays.

    The caller sees to it that one thread at a time is in here.
    """

    def __init__(self) -> None:
        self._count = 0
        self._places: dict[Hashable, tuple[int, int]] = {}  # how many wait, the newest written

    def enter(self, place: Hashable) -> int:
        """Count a value in; its number, by which `wins` knows it."""
        self._count += 1
        waiting, newest = self._places.get(place, (0, 0))
        self._places[place] = waiting + 1, newest
        return self._count

    def wins(self, place: Hashable, number: int) -> bool:
        """Whether no value logged later has been written to the place already."""
        waiting, newest = self._places[place]
        if number < newest:
            return False
        self._places[place] = waiting, number
        return True

    def leave(self, place: Hashable) -> None:
        """Count a value out, whatever became of it."""
        waiting, newest = self._places[place]
        if waiting > 1:
            self._places[place] = waiting - 1, newest
        else:
            del self._places[place]

    def __len__(self) -> int:
        return len(self._places)


class RowMedia(Pipeline):
    """The media of a native run: `write` stores a part of a row."""

    def __init__(
        self, store: Store, journal: Journal, write: Callable[[Any, int, float, int], None]
    ) -> None:
        super().__init__(journal.run_id, _StoreFiles(store))
        self._journal = journal
        self._write = write
        self._newest = Newest()

    def _after_fork(self) -> None:
        super()._after_fork()
        self._newest = Newest()
        self.errors = []

    def log(self, found: list[tuple[Place, Any]], step: int, now: float, auto: int) -> None:
        """Encode what `synadb.media.value.split` found in a row."""
        # A signal handler, over a frame that logs: the pool needs the lock that this thread has.
        wait = not self._journal.lock._is_owned()  # type: ignore[attr-defined]
        for place, value in found:
            at = (step, place)
            with self._journal.lock:
                number = self._newest.enter(at)

            def done(json: Any, at: Any = at, number: int = number) -> None:
                row: Any = json
                for key in reversed(at[1]):
                    row = {key: row}
                with self._journal.lock:
                    if self._newest.wins(at, number):
                        self._write(row, step, now, auto)

            def left(at: Any = at) -> None:
                with self._journal.lock:
                    self._newest.leave(at)

            self.submit(self._pending(place, value, step), step, done, left, wait=wait)

    def _pending(self, place: Place, value: Any, step: int) -> Pending:
        items = value if isinstance(value, list) else [value]
        encoders = [item._encoder(self, place[-1], step) for item in items]

        def encode() -> Any:
            jsons = [one() for one in encoders]
            return jsons if isinstance(value, list) else jsons[0]

        return Pending(".".join(place), encode, sum(item._held for item in items))


class _StoreFiles:
    """A store as that which takes files; it does not wait long, since this is tried again."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def log_file(self, run_id: str, name: str, data: str) -> None:
        with open(data, "rb") as file, self._store.patience(PATIENCE):
            self._store.put_artifact(run_id, name, file, time.time(), "file")

    def log_files(self, run_id: str, contents: Mapping[str, bytes]) -> None:
        with self._store.patience(PATIENCE):
            self._store.put_files(run_id, contents, time.time())


def split_pending(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[Place, Pending]]]:
    """A row without its pending values, and these with the keys that lead to them."""
    found: list[tuple[Place, Pending]] = []
    return _without(values, (), found), found


def _without(
    values: Mapping[str, Any], place: Place, found: list[tuple[Place, Pending]]
) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Pending):
            found.append(((*place, key), value))
        elif isinstance(value, dict) and "_type" not in value:
            inner = _without(value, (*place, key), found)
            if inner or not value:
                kept[key] = inner
        else:
            kept[key] = value
    return kept


def _digest_of(path: str) -> tuple[str, int]:
    whole = hashlib.sha256()
    size = 0
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            whole.update(piece)
            size += len(piece)
    return whole.hexdigest(), size
