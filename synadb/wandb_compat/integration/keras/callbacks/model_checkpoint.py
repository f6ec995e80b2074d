"""`wandb.integration.keras.callbacks.model_checkpoint`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.keras_checkpoint import (
    Mode,
    SaveStrategy,
    WandbModelCheckpoint,
)
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["Mode", "SaveStrategy", "WandbModelCheckpoint"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
