"""`wandb.sdk.artifacts.artifact`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._artifacts.artifact import Artifact
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["Artifact"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
