"""wandb's error classes."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute, lazy_dir
from synadb.wandb_compat.errors.errors import (
    AuthenticationError,
    CommError,
    Error,
    UnsupportedError,
    UsageError,
    WandbCoreNotAvailableError,
)

__all__ = [
    "AuthenticationError",
    "CommError",
    "Error",
    "UnsupportedError",
    "UsageError",
    "WandbCoreNotAvailableError",
]

_LAZY = {"term": "errors.term", "warnings": "errors.warnings"}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _LAZY, name)


def __dir__() -> list[str]:
    return lazy_dir(__name__, _LAZY)
