"""`wandb.integration.kfp.helpers`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.unsupported import add_wandb_visualization
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["add_wandb_visualization"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
