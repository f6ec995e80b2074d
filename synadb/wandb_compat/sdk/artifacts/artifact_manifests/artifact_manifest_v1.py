"""`wandb.sdk.artifacts.artifact_manifests.artifact_manifest_v1`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._artifacts.manifest import ArtifactManifestV1
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["ArtifactManifestV1"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
