"""`wandb.errors.term`: lines on the terminal."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._term import termerror, termlog, termsetup, termwarn

__all__ = [
    "ERROR_STRING",
    "LOG_STRING",
    "WARN_STRING",
    "can_use_terminput",
    "dynamic_text",
    "termerror",
    "termlog",
    "termsetup",
    "termwarn",
]

LOG_STRING = "wandb"
WARN_STRING = "WARNING"
ERROR_STRING = "ERROR"


def can_use_terminput() -> bool:
    """Whether somebody could be asked something."""
    try:
        return sys.stdin.isatty() and sys.stderr.isatty()
    except (AttributeError, ValueError):  # closed, or not there
        return False


@contextlib.contextmanager
def dynamic_text() -> Iterator[None]:
    """A place for text that changes, which this terminal does not have."""
    yield None


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
