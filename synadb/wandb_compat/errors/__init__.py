"""wandb's error classes."""

from __future__ import annotations

from synadb.wandb_compat.errors.errors import (
    AuthenticationError,
    CommError,
    Error,
    UnsupportedError,
    UsageError,
)

__all__ = ["AuthenticationError", "CommError", "Error", "UnsupportedError", "UsageError"]
