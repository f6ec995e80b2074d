"""`wandb.sdk.artifacts.exceptions`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._artifacts.errors import (
    ArtifactFinalizedError,
    ArtifactNotLoggedError,
    ArtifactStatusError,
    TooFewItemsError,
    TooManyItemsError,
    WaitTimeoutError,
)
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = [
    "ArtifactFinalizedError",
    "ArtifactNotLoggedError",
    "ArtifactStatusError",
    "TooFewItemsError",
    "TooManyItemsError",
    "WaitTimeoutError",
]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
