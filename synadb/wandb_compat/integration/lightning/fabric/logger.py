"""`wandb.integration.lightning.fabric.logger`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.fabric import WandbLogger
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["WandbLogger"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
