"""`wandb.integration.ultralytics.callback`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.ultralytics import (
    WandBUltralyticsCallback,
    add_wandb_callback,
)
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["WandBUltralyticsCallback", "add_wandb_callback"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
