"""`wandb.sdk.lib.printer`: text for the terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._term import termerror, termlog, termwarn

__all__ = [
    "CRITICAL",
    "DEBUG",
    "ERROR",
    "FATAL",
    "INFO",
    "NOTSET",
    "WARN",
    "WARNING",
    "Printer",
    "new_printer",
]

CRITICAL = FATAL = 50
ERROR = 40
WARN = WARNING = 30
INFO = 20
DEBUG = 10
NOTSET = 0

_LEVELS = {
    "CRITICAL": CRITICAL,
    "FATAL": FATAL,
    "ERROR": ERROR,
    "WARN": WARN,
    "WARNING": WARNING,
    "INFO": INFO,
    "DEBUG": DEBUG,
    "NOTSET": NOTSET,
}


class Printer:
    """Writes to stderr with wandb's prefix; its text has no colours."""

    supports_html = False

    @property
    def supports_unicode(self) -> bool:
        """Whether the terminal shows more than ASCII."""
        import sys

        return "utf" in (getattr(sys.stderr, "encoding", None) or "").lower()

    def display(self, text: str | Sequence[str], *, level: str | int | None = None) -> None:
        """Write one line or several; `level` "warn" or "error" marks them."""
        number = _level(level)
        say = termerror if number >= ERROR else termwarn if number >= WARN else termlog
        for line in (text,) if isinstance(text, str) else text:
            say(line)

    @contextlib.contextmanager
    def dynamic_text(self) -> Iterator[None]:
        """A place for text that changes, which this terminal does not have."""
        yield None

    def progress_update(self, text: str, percent_done: float | None = None) -> None:
        """Write a line that the next one overwrites."""
        termlog(f"{text}\r", newline=False)

    def progress_close(self) -> None:
        """End such a line."""
        termlog(prefix=False)

    def sparklines(self, series: Sequence[float]) -> str | None:
        """A small chart; None where the terminal cannot show it."""
        from synadb.wandb_compat._display import sparkline

        return sparkline(series) if self.supports_unicode else None

    def code(self, text: str) -> str:
        """Text that is code."""
        return text

    def name(self, text: str) -> str:
        """Text that is a name."""
        return text

    def link(self, link: str, text: str | None = None) -> str:
        """An address."""
        return link

    def secondary_text(self, text: str) -> str:
        """Text of less weight."""
        return text

    def error(self, text: str) -> str:
        """Text of an error."""
        return text

    def files(self, text: str) -> str:
        """Text that is a path."""
        return text

    def emoji(self, name: str) -> str:
        """No picture."""
        return ""

    def loading_symbol(self, tick: int) -> str:
        """One of the states of a turning bar."""
        return "-\\|/"[tick % 4]

    def grid(self, rows: Sequence[Sequence[str]], title: str | None = None) -> str:
        """Rows of cells in columns, the first one aligned to the right."""
        widths = [max(map(len, column)) for column in zip(*rows, strict=False)]
        lines = [
            " ".join(
                cell.rjust(width) if place == 0 else cell.ljust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=False))
            ).rstrip()
            for row in rows
        ]
        return "\n".join([*([title] if title else []), *lines]) + "\n"

    def panel(self, columns: Sequence[str]) -> str:
        """Blocks of text below each other."""
        return "\n" + "\n".join(columns)


def _level(level: str | int | None) -> int:
    if level is None:
        return INFO
    if isinstance(level, int):
        return level
    number = _LEVELS.get(level.upper())
    if number is None:
        raise ValueError(f"Unknown level name: {level}, supported levels: {', '.join(_LEVELS)}")
    return number


def new_printer(settings: Any = None) -> Printer:
    """A printer."""
    return Printer()


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
