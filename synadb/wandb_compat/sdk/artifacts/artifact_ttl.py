"""`wandb.sdk.artifacts.artifact_ttl`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._artifacts.state import ArtifactTTL
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["ArtifactTTL"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
