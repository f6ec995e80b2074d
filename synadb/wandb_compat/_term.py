"""What wandb says on the terminal: stderr, with its prefix."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any

__all__ = ["follow", "silent", "termerror", "termlog", "termsetup", "termwarn"]

_once: set[str] = set()


class _Silent:
    always: Any = None  # settings of the process
    run: Any = None  # settings of the run that was started last


def termsetup(settings: Any, logger: Any = None) -> None:
    """Take `silent` from these settings."""
    _Silent.always = settings


def follow(settings: Any) -> None:
    """Take `silent` from the settings of a run, until the next; None when there is no run."""
    _Silent.run = settings


def silent() -> bool:
    """Whether nothing is said: WANDB_SILENT, or the settings of the process or the run."""
    if os.environ.get("WANDB_SILENT", "").lower() in ("true", "1", "t", "yes", "y", "on"):
        return True
    return any(getattr(settings, "silent", False) for settings in (_Silent.always, _Silent.run))


def termlog(
    string: str = "", newline: bool = True, repeat: bool = True, prefix: bool = True
) -> None:
    """Write a line to stderr; nothing under WANDB_SILENT, once only with repeat=False."""
    if silent():
        return
    if not repeat:
        if string in _once:
            return
        _once.add(string)
    text = "\n".join(f"wandb: {line}" for line in string.split("\n")) if prefix else string
    # A closed stderr must not end the training.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(text + ("\n" if newline else ""))


def termwarn(string: str, newline: bool = True, repeat: bool = True, prefix: bool = True) -> None:
    """A line that starts with WARNING."""
    termlog(f"WARNING {string}", newline, repeat, prefix)


def termerror(string: str, newline: bool = True, repeat: bool = True, prefix: bool = True) -> None:
    """A line that starts with ERROR."""
    termlog(f"ERROR {string}", newline, repeat, prefix)
