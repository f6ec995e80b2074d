"""`wandb.sdk.artifacts.artifact_state`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._artifacts.state import ArtifactState
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["ArtifactState"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
