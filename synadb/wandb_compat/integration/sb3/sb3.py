"""`wandb.integration.sb3.sb3`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.sb3 import WandbCallback
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["WandbCallback"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
