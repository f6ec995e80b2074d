"""`wandb.apis.public.artifacts`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._apis.artifacts import (
    ArtifactCollection,
    ArtifactCollections,
    ArtifactFiles,
    Artifacts,
    ArtifactType,
    ArtifactTypes,
    ProjectArtifactCollections,
    RunArtifacts,
)
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = [
    "ArtifactCollection",
    "ArtifactCollections",
    "ArtifactFiles",
    "ArtifactType",
    "ArtifactTypes",
    "Artifacts",
    "ProjectArtifactCollections",
    "RunArtifacts",
]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
