"""What TensorBoard's writers write, as rows of a run while it lives.

The hooks of `_tensorboard_hooks` name the log folders. A thread reads their event files record by
record as they grow. Consecutive events of one file and step are one row with wandb's keys and
`global_step`; it takes the run's next step when the step of the file's events changes, or at the
end of the run. Texts and audio, which wandb leaves out, make no rows of their own: they come with
the next row of their file, so that the rows are numbered as wandb's are.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from synadb.formats._events import (
    Curve,
    Event,
    Plugins,
    Sound,
    ValueProblem,
    decode_event,
    hparams,
    read_value,
)
from synadb.formats._protobuf import DecodeError
from synadb.formats._tfrecord import DamagedError, Tail
from synadb.formats.tensorboard import OWN_KEYS, event_files, host_of
from synadb.wandb_compat._term import termwarn
from synadb.wandb_compat.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from synadb.wandb_compat._run import Run

__all__ = ["follow"]

POLL_SECONDS = 1.0
ROOT_SECONDS = 10.0  # to wait for a second folder, which tells where the names of both begin
DAMAGED_SECONDS = 30.0  # a file written through a memory map may look damaged for a moment
FLUSH_SECONDS = 5.0
INTERRUPTED_SECONDS = 1.0


def follow(run: Run, logdir: str, save: bool = True, root_logdir: str = "") -> None:
    """Log what is written to event files in `logdir` from now on.

    Keys begin with the part of the folder below `root_logdir`; without one, below what the first
    two folders have in common. A folder elsewhere adds nothing to its keys. `save` keeps the files
    with the run.
    """
    if "://" in logdir:
        termwarn(f"event files in {logdir} are not read: only those in local folders are")
        return
    sync = run.__dict__.get("_tensorboard")
    if sync is None or sync.pid != os.getpid():
        sync = run.__dict__["_tensorboard"] = _Sync(run)
    sync.follow(os.path.abspath(logdir), save, os.path.abspath(root_logdir) if root_logdir else "")


class _File:
    """How far one event file has been read, and its open row."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.offset = 0
        self.size = 0  # when everything up to `offset` had been read
        self.damaged_since: float | None = None
        self.given_up = False
        self.plugins = Plugins()
        self.row: dict[str, Any] | None = None
        self.step = 0
        self.time = 0.0
        self.besides: dict[str, Any] = {}
        self.besides_step = 0
        self.besides_time = 0.0


class _Folder:
    """A folder that a writer writes to."""

    def __init__(self, path: str, save: bool, root: str, since: float) -> None:
        self.path = path
        self.save = save
        self.root = root
        self.begun = time.monotonic()
        self.working_folder = os.getcwd()
        self.namespace: str | None = None  # until it is known
        self.files: dict[str, _File] = {}
        # Other runs leave their files in the same folder.
        self._before = set(event_files(path))
        self._since = int(since)

    def fresh(self) -> list[str]:
        """The names of this run's files that have come since the last call."""
        return [
            name
            for name in event_files(self.path)
            if name not in self.files and name not in self._before and self._is_ours(name)
        ]

    def _is_ours(self, name: str) -> bool:
        import re
        import socket

        found = re.search(r"tfevents\.(\d+)\.", name)
        if found is None or int(found[1]) < self._since:
            return False
        # A folder may be shared by machines.
        return host_of(name).startswith(socket.gethostname())


def _wait_for_queue(writer: Any) -> None:
    """Wait until tensorboardX's thread has written what is queued: its `flush` does not."""
    queue: Any = getattr(writer, "_event_queue", None)
    if queue is None or not hasattr(queue, "qsize"):
        return
    try:
        waiting: Callable[[], int] = queue.qsize
        waiting()
    except NotImplementedError:  # macOS
        waiting = lambda: not queue.empty()  # noqa: E731
    deadline = time.monotonic() + FLUSH_SECONDS
    while waiting() and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(0.01)  # the last one has been taken, and is being written


class _Sync:
    """The log folders of one run, in one process."""

    def __init__(self, run: Run) -> None:
        self.pid = os.getpid()
        self._run = run
        self._folders: list[_Folder] = []
        self._lock = threading.Lock()  # of reading
        self._end = threading.Event()
        self._ending: int | None = None  # the thread that ends it
        self._thread: threading.Thread | None = None
        run._stop_hooks.append(self.stop)
        if run._pid != self.pid:
            self._stop_with_child()

    def _stop_with_child(self) -> None:
        # A forked child does not finish the run, and ends without atexit.
        if "multiprocessing.process" in sys.modules:
            from multiprocessing.process import parent_process
            from multiprocessing.util import Finalize

            if parent_process() is not None:
                Finalize(None, self.stop, exitpriority=10)

    def follow(self, path: str, save: bool, root: str) -> None:
        """Add a folder, once."""
        if self._ending is not None or any(folder.path == path for folder in self._folders):
            return
        self._folders.append(_Folder(path, save, root, self._run._settings.x_start_time or 0.0))
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._tail, name="synadb-tensorboard", daemon=True
            )
            self._thread.start()

    def _tail(self) -> None:
        try:
            while not self._end.wait(POLL_SECONDS):
                with self._lock:
                    if self._end.is_set():
                        return
                    self._poll()
        except UsageError:
            return  # the run has ended
        except Exception as error:  # noqa: BLE001 - a thread has nobody to raise it to
            termwarn(f"event files are not read any more: {error!r}")

    def stop(self) -> None:
        """Log what has been written until now; afterwards nothing is read any more."""
        if self.pid != os.getpid() or self._ending is not None:
            return
        self._ending = threading.get_ident()
        self._end.set()
        # Held by this thread: a signal handler, over a frame that logs. The thread may wait for it.
        interrupted = bool(self._run._native.lock._is_owned())  # type: ignore[attr-defined]
        if not interrupted:
            self._flush_writers()
        if not self._lock.acquire(timeout=INTERRUPTED_SECONDS if interrupted else -1):
            return
        try:
            self._poll(final=True)
        except UsageError:
            return
        except Exception as error:  # noqa: BLE001 - the run has to end all the same
            termwarn(f"event files could not be read to their end: {error!r}")
        finally:
            self._lock.release()

    def _flush_writers(self) -> None:
        """Let the writers put on disk what they hold back: up to two minutes of events."""
        from synadb.wandb_compat._tensorboard_hooks import writers_of

        writers = writers_of({folder.path for folder in self._folders})
        if not writers:
            return

        def flush() -> None:
            for writer in writers:
                with contextlib.suppress(Exception):  # closed ones raise, each another error
                    _wait_for_queue(writer)
                    writer.flush()

        # A writer whose own thread has died would be waited for without end.
        thread = threading.Thread(target=flush, daemon=True)
        thread.start()
        thread.join(FLUSH_SECONDS)

    # -- reading ---------------------------------------------------------------------------------

    def _poll(self, *, final: bool = False) -> None:
        for folder in list(self._folders):
            if folder.namespace is None and not self._place(folder, final):
                continue
            for name in folder.fresh():
                file = folder.files[name] = _File(os.path.join(folder.path, name))
                if folder.save:
                    self._save(folder, file.path)
            for file in folder.files.values():
                with contextlib.suppress(FileNotFoundError):  # deleted by the script
                    self._read(folder, file, final)
                if final:
                    self._commit(file)
                    if file.besides:
                        file.row, file.besides = file.besides, {}
                        file.step, file.time = file.besides_step, file.besides_time
                        self._commit(file)

    def _place(self, folder: _Folder, final: bool) -> bool:
        """Find out how the keys of a folder begin; whether that is known by now."""
        if not folder.root:
            if len(self._folders) > 1:
                folder.root = os.path.commonpath([other.path for other in self._folders[:2]])
            elif not final and time.monotonic() - folder.begun < ROOT_SECONDS:
                return False
        inside = os.path.relpath(folder.path, folder.root) if folder.root else "."
        elsewhere = inside.partition(os.sep)[0] in (os.curdir, os.pardir)
        folder.namespace = "" if elsewhere else inside.replace(os.sep, "/")
        return True

    def _save(self, folder: _Folder, path: str) -> None:
        base = folder.root or folder.working_folder
        if os.path.relpath(path, base).startswith(".."):
            base = folder.path
        try:
            self._run.save(path, base_path=base, policy="end", glob=False)
        except (OSError, ValueError) as error:
            termwarn(f"{path} is not kept with the run: {error}", repeat=False)

    def _read(self, folder: _Folder, file: _File, final: bool) -> None:
        size = os.stat(file.path).st_size
        if file.given_up or size <= file.size:
            return
        with open(file.path, "rb") as opened:
            tail = Tail(opened)
            tail.skip(file.offset)
            try:
                for _, payload in tail.records():
                    file.offset = tail.offset
                    self._take(folder, file, decode_event(payload))
            except (DamagedError, DecodeError) as error:
                self._is_damaged(file, error, final)
                return
        file.damaged_since = None
        file.size = size

    def _is_damaged(self, file: _File, error: ValueError, final: bool) -> None:
        now = time.monotonic()
        if file.damaged_since is None:
            file.damaged_since = now
        if final or now - file.damaged_since > DAMAGED_SECONDS or isinstance(error, DecodeError):
            file.given_up = True
            termwarn(f"{file.path} is damaged ({error}): what follows there is not logged")

    def _take(self, folder: _Folder, file: _File, event: Event) -> None:
        for value in event.values:
            tag = value.get("tag", "")
            plugin = file.plugins.of(value)
            try:
                if plugin == "hparams":
                    self._configure(hparams(value)[0])
                    continue
                found = read_value(value, plugin)
            except (ValueProblem, DecodeError) as error:
                termwarn(f"TensorBoard's {tag!r} is not logged: {error}", repeat=False)
                continue
            if found is None or not tag:
                continue
            key = f"{folder.namespace}/{tag}" if folder.namespace else tag
            if isinstance(found, str | list | Sound):
                self._take_besides(file, event, key, found)
                continue
            if file.row is not None and file.step != event.step:
                self._commit(file)
            if file.row is None:
                file.row, file.besides = file.besides, {}
            if key not in OWN_KEYS:
                file.row[key] = found
            file.step, file.time = event.step, event.wall_time
            if isinstance(found, Curve):
                self._draw(key)

    def _take_besides(self, file: _File, event: Event, key: str, found: Any) -> None:
        """Add what makes no row of its own to the row of its step, or to the next one."""
        if file.row is not None and file.step == event.step:
            file.row[key] = found
        else:
            file.besides[key] = found
            file.besides_step, file.besides_time = event.step, event.wall_time

    def _commit(self, file: _File) -> None:
        """Log the open row of a file."""
        if file.row is not None:
            row = {**file.row, "global_step": file.step, "_timestamp": file.time}
            file.row = None
            self._run._log(row, None, True)

    def _configure(self, values: dict[str, Any]) -> None:
        """Hyperparameters are config, where the script has not said anything else."""
        config = self._run.config
        fresh = {key: value for key, value in values.items() if key not in config}
        if fresh:
            config.update(fresh)

    def _draw(self, key: str) -> None:
        self._run._sink.set_config(
            "visualize",
            key,
            {
                "panel_type": "Vega2",
                "panel_config": {
                    "panelDefId": "wandb/line/v0",
                    "fieldSettings": {"x": "recall", "y": "precision"},
                    "stringSettings": {"title": f"{key} Precision v. Recall"},
                    "transform": {"name": "tableWithLeafColNames"},
                    "userQuery": {
                        "queryFields": [
                            {
                                "name": "runSets",
                                "args": [{"name": "runSets", "value": "${runSets}"}],
                                "fields": [
                                    {"name": "id", "fields": []},
                                    {"name": "name", "fields": []},
                                    {"name": "_defaultColorIndex", "fields": []},
                                    {
                                        "name": "summaryTable",
                                        "args": [{"name": "tableKey", "value": key}],
                                        "fields": [],
                                    },
                                ],
                            }
                        ]
                    },
                },
            },
        )
