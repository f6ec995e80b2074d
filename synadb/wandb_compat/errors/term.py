"""`wandb.errors.term`: lines on the terminal."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._term import silent, termerror, termlog, termsetup, termwarn

__all__ = [
    "ERROR_STRING",
    "LOG_STRING",
    "WARN_STRING",
    "NotATerminalError",
    "can_use_terminput",
    "confirm",
    "dynamic_text",
    "termerror",
    "terminput",
    "termlog",
    "termsetup",
    "termwarn",
]

LOG_STRING = "wandb"
WARN_STRING = "WARNING"
ERROR_STRING = "ERROR"


def can_use_terminput() -> bool:
    """Whether somebody could be asked something."""
    if silent() or os.environ.get("TERM") == "dumb":
        return False
    try:
        return sys.stdin.isatty() and sys.stderr.isatty()
    except (AttributeError, ValueError):  # closed, or not there
        return False


class NotATerminalError(Exception):
    """Nobody can be asked: no terminal, or a silent one."""


def terminput(prompt: str, *, timeout: float | None = None, hide: bool = False) -> str:
    """Ask the user for a line; with `hide` what is typed is not shown.

    NotATerminalError where nobody can be asked, TimeoutError after `timeout` seconds.
    """
    if hide and timeout is not None:
        raise ValueError("terminput: a question with hide=True takes no timeout")
    if not can_use_terminput():
        raise NotATerminalError
    if hide:
        import getpass

        return getpass.getpass(prompt, sys.stderr)
    sys.stderr.write(prompt)
    sys.stderr.flush()
    return _line(timeout)


def _line(timeout: float | None) -> str:
    if timeout is None:
        return sys.stdin.readline().rstrip("\n")
    from synadb.wandb_compat._util.calling import async_call

    # A thread of its own, since Windows cannot wait for a terminal in any other way.
    line: str | None = async_call(sys.stdin.readline, timeout)()[0]
    if line is None:
        raise TimeoutError(f"no answer after {timeout} s")
    return line.rstrip("\n")


def confirm(prompt: str) -> bool:
    """Ask the user a question that is answered by yes or no."""
    while True:
        answer = terminput(f"{prompt} [y/N] ").strip().lower()
        if answer in ("", "n", "no"):
            return False
        if answer in ("y", "yes"):
            return True


@contextlib.contextmanager
def dynamic_text() -> Iterator[None]:
    """A place for text that changes, which this terminal does not have."""
    yield None


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
