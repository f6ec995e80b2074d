"""A progress bar on standard error, for what takes long.

It is there only on a terminal, only once the work has taken a moment, and is erased at the end. A
thread of its own draws it: the work just counts, or is measured from outside.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

__all__ = ["Progress", "bar_line", "byte_text", "working_on"]

PATIENCE = 0.4  # seconds before the bar appears
INTERVAL = 0.1  # and between drawings
_BAR = 20  # characters
_LONGEST = 100 * 3600 - 1  # seconds that a clock shows
_UNITS = ("bytes", "KB", "MB", "GB", "TB")
_ERASE = "\r\x1b[K"

T = TypeVar("T")


class Progress:
    """In a `with` block, how far the work in it has come.

    `total` is in `unit`, 0 where it is not known; `measure`, if given, tells what has been done.
    """

    def __init__(
        self,
        what: str,
        total: float = 0,
        unit: str = "bytes",
        measure: Callable[[], float] | None = None,
    ) -> None:
        self.what = what
        self.total = total
        self.unit = unit
        self.done = 0.0
        self._measure = measure
        self._began = time.monotonic()
        self._over = threading.Event()
        self._drawing = threading.Lock()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Progress:
        if sys.stderr.isatty():
            self._thread = threading.Thread(target=self._draw, name="progress", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread is not None:
            self._over.set()
            self._thread.join()

    def each(self, items: Iterable[T]) -> Iterator[T]:
        """The items; each counts once the work on it is done."""
        for item in items:
            yield item
            self.done += 1

    def advance(self, more: float) -> None:
        """So much more has been done."""
        self.done += more

    def at(self, done: float, total: float) -> None:
        """So much of so much has been done."""
        self.done, self.total = done, total

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Take the bar away while the block prints."""
        with self._drawing:
            if self._thread is not None:
                _write(_ERASE)
            yield
            sys.stdout.flush()

    def _draw(self) -> None:
        wait = PATIENCE
        while not self._over.wait(wait):
            wait = INTERVAL
            if self._measure is not None:
                with contextlib.suppress(OSError):  # not there yet, or not there any more
                    self.done = self._measure()
            elapsed = time.monotonic() - self._began
            line = bar_line(self.what, self.done, self.total, self.unit, elapsed, _columns())
            with self._drawing:
                _write(_ERASE + line)
        if wait == INTERVAL:
            _write(_ERASE)


def working_on(what: str, path: str) -> Progress:
    """What is done to a whole file, in one piece: its size and the time are all that is known."""
    from synadb.cli._reading import file_size

    return Progress(f"{what} {os.path.basename(path)} ({byte_text(file_size(path))})")


def bar_line(
    what: str, done: float, total: float, unit: str, elapsed: float, columns: int = 80
) -> str:
    """One line of less than `columns`: bar, amount, rate and the time left, as far as known.

    Where it is too narrow for all of them the rate goes first.
    """
    facts = []
    if total:
        share = min(1.0, done / total)
        filled = int(share * _BAR)
        facts.append(f"[{'#' * filled}{'.' * (_BAR - filled)}] {share:4.0%}")
    if done or total:
        facts.append(_amount(min(done, total) if total else done, unit, total))
    rate = [f"{_amount(done / elapsed, unit)}/s"] if done and elapsed > 0 else []
    if total and 0 < done < total:
        left = f"{_clock(elapsed / done * (total - done))} left"
    else:
        left = _clock(elapsed)
    line = "  ".join([what, *facts, *rate, left])
    if len(line) >= columns:
        line = "  ".join([what, *facts, left])
    return line[: max(0, columns - 1)]


def byte_text(size: float) -> str:
    """A number of bytes for people."""
    for unit in _UNITS:
        if size < 1000 or unit == _UNITS[-1]:
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"


def _amount(number: float, unit: str, total: float = 0) -> str:
    if unit == "bytes":
        return byte_text(number) + (f" of {byte_text(total)}" if total else "")
    shown = f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
    return shown + (f" of {total:,.0f}" if total else "") + f" {unit}"


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(int(min(seconds, _LONGEST)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except OSError:
        return 80


def _write(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # the terminal has gone
        sys.stderr.write(text)
        sys.stderr.flush()
