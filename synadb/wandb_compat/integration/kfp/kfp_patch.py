"""`wandb.integration.kfp.kfp_patch`: accepted, and patches nothing."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.unsupported import patch_kfp, unpatch_kfp
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["patch_kfp", "unpatch_kfp"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
