"""`wandb.sdk.artifacts.artifact_manifest_entry`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._artifacts.entry import ArtifactManifestEntry
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["ArtifactManifestEntry"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
