"""The console of a run: what the script prints, as numbered lines for a file and a table."""

from __future__ import annotations

import codecs
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Literal

from synadb.monitor._console_lines import WINDOW, Line, Page
from synadb.monitor._console_streams import StreamName, attach
from synadb.system import after_fork_in_child, warn

__all__ = ["WINDOW", "ConsoleCapture", "ConsoleFile", "Line"]

INTERVAL = 0.5  # seconds from the first write until lines are handed over
LIMIT = 1 << 20  # characters held before whoever writes has to help
LOCK_TIMEOUT = 2.0  # seconds for a sink that does not return
_PIECE = 1 << 16  # characters turned into lines at a time
_BATCH = 2048  # lines handed over at a time

Sink = Callable[[list[Line], int], None]

# Threads inside a sink: what a sink prints is not captured, or it would print for ever.
_sinking: set[int] = set()
after_fork_in_child(_sinking.clear)


class ConsoleCapture:
    """Captures stdout and stderr from `start` to `stop`, and hands lines to `sink`.

    `sink(lines, final)` gets new and changed lines as `(number, stream, text)`, lowest number
    first. Numbers count from `first` without a gap; a line that comes again replaces its earlier
    text. Lines below `final` do not change any more: at most WINDOW lines are open. Calls never
    overlap; they come from a thread of this object within a second of the write, from `flush` and
    `stop`, and from a thread that prints faster than lines can be stored. What a sink raises is
    kept in `error`, said once on stderr, and its lines are lost.

    Modes: "wrap" sees what Python writes to the streams, "redirect" what C code and child
    processes write as well, "off" only `add`. A forked child captures nothing.
    """

    def __init__(
        self,
        mode: Literal["off", "wrap", "redirect"],
        sink: Sink,
        *,
        first: int = 0,
        interval: float = INTERVAL,
    ) -> None:
        self.mode = mode
        self.error: Exception | None = None
        self._sink = sink
        self._interval = interval
        self._pid = os.getpid()
        self._page = Page(first)
        self._decoders: dict[str, codecs.IncrementalDecoder] = {}
        self._pending: deque[tuple[str, Any]] = deque()
        self._size = 0  # about what is pending; exact whenever the queue has run empty
        self._lost = 0
        self._detach: list[Callable[[], None]] = []
        self._drain_lock = threading.Lock()
        self._drainer = 0  # the thread that holds it
        self._start_lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._armed = False
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._stopped = False

    def start(self) -> None:
        """Begin to capture; a second call does nothing, nor does one after `stop`."""
        if self._detach or self._stopped or self.mode == "off":
            return
        names: tuple[StreamName, ...] = ("stdout", "stderr")
        for name in names:
            if name == "stderr" and sys.stderr is sys.stdout:
                continue
            detach = attach(name, self._feed(name), redirect=self.mode == "redirect")
            if detach is not None:
                self._detach.append(detach)

    def stop(self) -> None:
        """Put the streams back and hand over the rest; a second call does nothing."""
        if self._stopped or os.getpid() != self._pid:
            return
        for detach in self._detach:
            detach()
        self._stopped = True
        self._hurry.set()
        self._wake.set()
        timeout = LOCK_TIMEOUT
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(LOCK_TIMEOUT)
            timeout = 0.0
        for name, decoder in self._decoders.items():
            self._pending.append((name, decoder.decode(b"", final=True)))
        self._drain(timeout)

    def flush(self) -> None:
        """Hand over all lines up to now, the unfinished ones as they stand."""
        if os.getpid() == self._pid:
            self._drain(LOCK_TIMEOUT)

    def add(self, text: str, stream: str = "log") -> None:
        """Add whole lines that were not printed, in any mode."""
        if not self._stopped and os.getpid() == self._pid:
            self._feed(stream)(text if text.endswith("\n") else text + "\n")

    def _feed(self, stream: str) -> Callable[[Any], None]:
        """What a stream calls with each write.

        No lock is taken: a signal handler may print, or a destructor, in the middle of anything.
        """
        append = self._pending.append
        ident = threading.get_ident

        def feed(text: Any) -> None:
            if _sinking and ident() in _sinking:
                return
            if not isinstance(text, (str, bytes)):
                # A stream of the script's own may take anything.
                text = bytes(text) if isinstance(text, (bytearray, memoryview)) else str(text)
            append((stream, text))
            self._size += len(text)
            if not self._armed:
                self._arm()
            elif self._size > LIMIT:
                self._relieve()

        return feed

    def _arm(self) -> None:
        self._armed = True
        if self._thread is None and self._start_lock.acquire(blocking=False):
            thread = threading.Thread(target=self._run, name="synadb-console", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                # The interpreter is ending, or there is no room for a thread: `stop` will do it.
                self._start_lock.release()
                return
            self._thread = thread
        self._wake.set()

    def _relieve(self) -> None:
        # Waited for once: a sink that hangs must not hold up each print.
        if self._drain(0.0 if self._lost else LOCK_TIMEOUT):
            return
        self._pending.pop()
        self._lost += 1

    def _run(self) -> None:
        while not self._stopped:
            self._wake.wait()
            self._hurry.wait(self._interval)
            self._wake.clear()
            self._armed = False
            self._drain(LOCK_TIMEOUT)

    def _drain(self, timeout: float) -> bool:
        """Turn what is pending into lines and hand them over; False if another thread holds on."""
        if self._drainer == threading.get_ident():
            # From inside a sink, or a signal handler that cut in: the call below goes on.
            return True
        if not self._drain_lock.acquire(timeout=timeout):
            return False
        self._drainer = threading.get_ident()
        try:
            self._fold()
            self._hand_over()
        finally:
            self._drainer = 0
            self._drain_lock.release()
        return True

    def _fold(self) -> None:
        pending = self._pending
        group: list[Any] = []
        name = ""
        size = 0
        # As many as there are now: a thread that prints without pause must not keep this one.
        for _ in range(len(pending)):
            stream, text = pending.popleft()
            if group and (stream != name or size > _PIECE or type(text) is not type(group[0])):
                self._write(name, group)
                group = []
                size = 0
            name = stream
            group.append(text)
            size += len(text)
        if group:
            self._write(name, group)
        if self._lost:
            lost, self._lost = self._lost, 0
            self._page.write("log", f"[{lost} writes were not kept: storing them took too long]\n")
        if not pending:
            self._size = 0

    def _write(self, stream: str, group: list[Any]) -> None:
        if isinstance(group[0], bytes):
            decoder = self._decoders.get(stream)
            if decoder is None:
                decoder = self._decoders[stream] = _decoder(stream)
            text = decoder.decode(b"".join(group))
        else:
            text = "".join(group)
        for start in range(0, len(text), _PIECE):
            self._page.write(stream, text[start : start + _PIECE])
            if len(self._page) >= _BATCH:
                self._hand_over()

    def _hand_over(self) -> None:
        lines = self._page.take()
        if not lines:
            return
        thread = threading.get_ident()
        nested = thread in _sinking
        _sinking.add(thread)
        try:
            self._sink(lines, self._page.final)
        except Exception as error:  # noqa: BLE001 - printing must not fail for want of a store
            self.error = error
            warn(f"console output could not be kept: {error!r}", once=f"console {id(self)}")
        finally:
            if not nested:
                _sinking.discard(thread)


def _decoder(stream: str) -> codecs.IncrementalDecoder:
    encoding = getattr(getattr(sys, stream, None), "encoding", None) or "utf-8"
    try:
        return codecs.getincrementaldecoder(encoding)("replace")
    except (LookupError, TypeError):
        return codecs.getincrementaldecoder("utf-8")("replace")


class ConsoleFile:
    """A text file that follows a capture: `update` is a sink. Not there before the first line.

    Of what has been written, only lines from the last `final` on are ever written again.
    """

    def __init__(self, path: str | os.PathLike[str], first: int = 0) -> None:
        """Lines from number `first` on go to the end of the file."""
        self.path = os.fspath(path)
        self._fd: int | None = None
        self._first = first
        self._open: list[bytes] = []  # the lines from `_first` on, which may change
        self._start = 0  # where they begin in the file

    def update(self, lines: list[Line], final: int) -> None:
        """Write new and changed lines."""
        if not lines:
            return
        fd = self._fd
        if fd is None:
            fd = self._fd = os.open(self.path, _FLAGS, 0o666)
            self._start = os.lseek(fd, 0, os.SEEK_END)
        before = len(self._open)
        lowest = before
        for number, _, text in lines:
            index = number - self._first
            data = text.encode("utf-8", "replace") + b"\n"
            if index < before:
                lowest = min(lowest, index)
                self._open[index] = data
            else:
                self._open.append(data)
        offset = self._start + sum(map(len, self._open[:lowest]))
        rest = b"".join(self._open[lowest:])
        os.lseek(fd, offset, os.SEEK_SET)
        _write_all(fd, rest)
        if lowest < before:
            os.ftruncate(fd, offset + len(rest))
        closed = max(0, final - self._first)
        self._start += sum(map(len, self._open[:closed]))
        del self._open[:closed]
        self._first += closed

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
