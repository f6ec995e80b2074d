"""`wandb.sdk.artifacts.artifact_file_cache`: there is no cache, the database is near."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat.env import get_cache_dir

__all__ = ["ArtifactFileCache", "artifacts_cache_dir", "get_artifact_file_cache"]


class ArtifactFileCache:
    """A cache that holds nothing."""

    def __init__(self, cache_dir: Any = None) -> None:
        self._cache_dir = Path(cache_dir) if cache_dir is not None else artifacts_cache_dir()

    def cleanup(
        self,
        target_size: int | None = None,
        target_fraction: float | None = None,
        remove_temp: bool = False,
    ) -> int:
        """The bytes that were freed: none."""
        return 0


def artifacts_cache_dir() -> Path:
    """Where real wandb has its cache; nothing of ours lies there."""
    return get_cache_dir() / "artifacts"


def get_artifact_file_cache() -> ArtifactFileCache:
    """The cache."""
    return ArtifactFileCache()


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
