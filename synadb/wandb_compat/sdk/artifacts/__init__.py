"""`wandb.sdk.artifacts`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute, lazy_dir

__all__ = []

_LAZY = {
    "artifact": "sdk.artifacts.artifact",
    "artifact_file_cache": "sdk.artifacts.artifact_file_cache",
    "artifact_manifest": "sdk.artifacts.artifact_manifest",
    "artifact_manifest_entry": "sdk.artifacts.artifact_manifest_entry",
    "artifact_manifests": "sdk.artifacts.artifact_manifests",
    "artifact_state": "sdk.artifacts.artifact_state",
    "artifact_ttl": "sdk.artifacts.artifact_ttl",
    "exceptions": "sdk.artifacts.exceptions",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _LAZY, name)


def __dir__() -> list[str]:
    return lazy_dir(__name__, _LAZY)
