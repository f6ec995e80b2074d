"""Where console text is picked up: at `sys.stdout.write`, or at the file descriptor below it."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

from synadb.system import after_fork_in_child

__all__ = ["Feed", "StreamName", "attach"]

StreamName = Literal["stdout", "stderr"]
Feed = Callable[[Any], None]
"""Takes what has been written: str, or bytes from a descriptor; must be quick and never raise."""

_DESCRIPTORS: dict[StreamName, int] = {"stdout": 1, "stderr": 2}
_PIPE_BYTES = 1 << 20  # C code that prints while it holds the interpreter's lock must fit in
_DRAIN_TIMEOUT = 2.0  # seconds `detach` waits for a terminal that takes no output
_QUIET_MS = 50  # a pseudo-terminal silent for so long has handed over all that was written

_guard = threading.RLock()
_taps: list[_Tap] = []
_pumps: list[_Pump] = []  # those whose thread runs


def attach(name: StreamName, feed: Feed, *, redirect: bool) -> Callable[[], None] | None:
    """Have all that is written to a stream passed to `feed` as well, until the result is called.

    None when there is nothing to attach to: the stream is None or closed, or feeds `feed` already.
    """
    with _guard:
        if redirect and _redirectable(name):
            found = (pump for pump in _pumps if pump.name == name and pump.in_place())
            pump = next(found, None)
            if pump is None:
                pump = _Pump(name)
            else:
                _flush(pump.stream)
                pump.settle()
            pump.feeds = (*pump.feeds, feed)
            return lambda: _detach_pump(pump, feed)
        stream = getattr(sys, name)
        if stream is None or getattr(stream, "closed", False):
            return None
        tap = next((tap for tap in _taps if tap.in_place(stream)), None)
        if tap is None:
            tap = _Tap(name, stream)
            _taps.append(tap)
        tap.feeds = (*tap.feeds, feed)
        return lambda: _detach_tap(tap, feed)


def _detach_tap(tap: _Tap, feed: Feed) -> None:
    with _guard:
        tap.feeds = tuple(each for each in tap.feeds if each is not feed)
        if not tap.feeds and tap in _taps:
            _taps.remove(tap)
            tap.remove()


def _detach_pump(pump: _Pump, feed: Feed) -> None:
    with _guard:
        rest = tuple(each for each in pump.feeds if each is not feed)
        if len(rest) == len(pump.feeds):
            return
        _flush(pump.stream)
        if not rest:
            pump.remove()
        pump.settle()
        pump.feeds = rest


def _after_fork() -> None:
    """A child writes to where its parent's output goes, but nothing of it is fed from here."""
    global _guard
    _guard = threading.RLock()
    for tap in _taps:
        tap.feeds = ()
    for pump in _pumps:
        pump.abandon()
    _pumps.clear()


after_fork_in_child(_after_fork)


# --- at the stream's write method ---------------------------------------------------------------


class _Tap:
    """A stream whose `write` tells the feeds.

    The method is replaced on the stream object, not the object in `sys`: who has kept the stream
    (a logging handler) is heard too, and every other attribute stays the stream's own.
    """

    def __init__(self, name: StreamName, stream: Any) -> None:
        self.feeds: tuple[Feed, ...] = ()
        self._name = name
        self._stream = stream
        self._own = getattr(stream, "__dict__", {}).get("write")
        self._hook = self._make_hook(stream.write)
        self._proxy: _Proxy | None = None
        try:
            stream.write = self._hook
        except (AttributeError, TypeError):
            self._proxy = _Proxy(stream, self._hook)
            setattr(sys, name, self._proxy)

    def _make_hook(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def hook(text: Any, /, *args: Any, **named: Any) -> Any:
            result = write(text, *args, **named)
            for feed in self.feeds:
                feed(text)
            return result

        return hook

    def in_place(self, stream: Any) -> bool:
        """Whether a write to `stream` goes straight to this tap."""
        if self._proxy is not None:
            return stream is self._proxy
        return stream is self._stream and stream.__dict__.get("write") is self._hook

    def remove(self) -> None:
        """Put back what was there; behind somebody else's replacement it stays and tells nobody."""
        if self._proxy is not None:
            if getattr(sys, self._name) is self._proxy:
                setattr(sys, self._name, self._stream)
        elif self.in_place(self._stream):
            if self._own is None:
                del self._stream.write
            else:
                self._stream.write = self._own


class _Proxy:
    """Stands in for a stream that takes no attributes."""

    def __init__(self, stream: Any, write: Callable[..., Any]) -> None:
        self.__dict__["_stream"] = stream
        self.__dict__["write"] = write

    def writelines(self, lines: Any, /) -> None:
        """As the stream's own, by way of the hook."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._stream, name, value)

    def __iter__(self) -> Any:
        return iter(self._stream)

    def __enter__(self) -> Any:
        self._stream.__enter__()
        return self

    def __exit__(self, *error: object) -> Any:
        return self._stream.__exit__(*error)


# --- at the file descriptor ---------------------------------------------------------------------


def _redirectable(name: StreamName) -> bool:
    """Whether the stream of Python ends in the descriptor that C code and children write to."""
    if sys.platform == "win32":
        return False
    try:
        fd: int = getattr(sys, name).fileno()
        os.fstat(fd)
    except (AttributeError, OSError, ValueError):
        return False
    return fd == _DESCRIPTORS[name]


class _Pump:
    """A descriptor that leads into a pipe, and the thread that carries on what comes out of it.

    The pipe is a pseudo-terminal where the descriptor was a terminal. Children may hold it open
    for longer than this pump is wanted: the thread then goes on carrying, for them alone.
    """

    def __init__(self, name: StreamName) -> None:
        self.name = name
        self.stream = getattr(sys, name)
        self.feeds: tuple[Feed, ...] = ()
        self._fd = _DESCRIPTORS[name]
        self._size = b""
        self._deaf = False
        _flush(self.stream)
        self._saved = os.dup(self._fd)
        self._tty = os.isatty(self._saved)
        self._source, sink = self._open()
        self._identity = _identity(sink)
        self._asked, self._ask = os.pipe()
        self._settled = threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.name = f"synadb-{name}"
        os.dup2(sink, self._fd)
        os.close(sink)
        # A stream that buffers whole blocks would keep for itself what a crash then loses.
        self._buffered = isinstance(self.stream, io.TextIOWrapper) and not (
            self.stream.line_buffering or self.stream.write_through
        )
        if self._buffered:
            self.stream.reconfigure(line_buffering=True)
        _pumps.append(self)
        self._thread.start()

    def _open(self) -> tuple[int, int]:
        if self._tty:
            import pty
            import termios

            source, sink = pty.openpty()
            # The real terminal turns line ends into what it needs; done twice, they double.
            attributes = termios.tcgetattr(self._saved)
            attributes[1] &= ~termios.OPOST
            attributes[3] &= ~(termios.ECHO | termios.ICANON | termios.ISIG)
            termios.tcsetattr(sink, termios.TCSANOW, attributes)
            self._resize(source)
            return source, sink
        source, sink = os.pipe()
        # Only Linux has it, and the bytes an unprivileged user may pin are limited.
        with contextlib.suppress(ImportError, AttributeError, OSError):
            import fcntl

            fcntl.fcntl(sink, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        return source, sink

    def _resize(self, source: int) -> None:
        # Asked with each read: a process has one SIGWINCH handler, and it is the script's.
        import fcntl
        import termios

        with contextlib.suppress(OSError):
            size = fcntl.ioctl(self._saved, termios.TIOCGWINSZ, bytes(8))
            if size != self._size:
                fcntl.ioctl(source, termios.TIOCSWINSZ, size)
                self._size = size

    def in_place(self) -> bool:
        """Whether the descriptor still leads here."""
        try:
            return self._source >= 0 and _identity(self._fd) == self._identity
        except OSError:
            return False

    def remove(self) -> None:
        """Lead the descriptor back to where it went, unless somebody has led it elsewhere."""
        if self.in_place():
            os.dup2(self._saved, self._fd)
        if self._buffered and not self.stream.closed:
            self.stream.reconfigure(line_buffering=False)

    def settle(self) -> None:
        """Wait until all that was written before this call has been fed; two seconds at most."""
        if self._source < 0 or threading.current_thread() is self._thread:
            return
        self._settled.clear()
        os.write(self._ask, b"?")
        self._settled.wait(_DRAIN_TIMEOUT)

    def abandon(self) -> None:
        """Close the descriptors of the thread, which has ended or is another process's."""
        for fd in (self._source, self._saved, self._asked, self._ask):
            with contextlib.suppress(OSError):
                os.close(fd)
        self._source = -1

    def _carry(self) -> None:
        import select

        poll = select.poll()
        poll.register(self._source, select.POLLIN)
        poll.register(self._asked, select.POLLIN)
        pause = _QUIET_MS if self._tty else 0
        asked = False
        left = 0  # bytes to read before `settle` is answered even if a child never pauses
        while True:
            ready = {fd for fd, _ in poll.poll(pause if left else None)}
            if self._asked in ready:
                os.read(self._asked, 64)
                asked = True
                left = _PIPE_BYTES
            if self._source in ready:
                data = self._read()
                if not data:
                    break
                self._pass_on(data)
                left = max(0, left - len(data))
            elif self._asked not in ready:
                left = 0
            if asked and not left:
                asked = False
                self._settled.set()
        # Nobody can write any more. Answered before the guard is taken: who asks may hold it.
        self._settled.set()
        with _guard:
            self.abandon()
            if self in _pumps:
                _pumps.remove(self)

    def _read(self) -> bytes:
        if self._tty:
            self._resize(self._source)
        try:
            return os.read(self._source, 65536)
        except OSError:  # a pseudo-terminal whose other end has been closed
            return b""

    def _pass_on(self, data: bytes) -> None:
        view = memoryview(data)
        while view and not self._deaf:
            try:
                view = view[os.write(self._saved, view) :]
            except BlockingIOError:
                time.sleep(0.01)
            except OSError:
                # Whoever read it has gone. What is written is still wanted here.
                self._deaf = True
        for feed in self.feeds:
            feed(data)


def _identity(fd: int) -> tuple[int, int, int]:
    status = os.fstat(fd)
    return status.st_dev, status.st_ino, status.st_rdev


def _flush(stream: Any) -> None:
    """Send what Python and C hold back for a descriptor on its way."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        stream.flush()
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).fflush(None)
