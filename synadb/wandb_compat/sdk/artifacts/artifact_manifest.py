"""`wandb.sdk.artifacts.artifact_manifest`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._artifacts.manifest import ArtifactManifest
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["ArtifactManifest"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
