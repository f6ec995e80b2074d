"""`wandb.integration.keras.callbacks.tables_builder`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.keras_tables import WandbEvalCallback
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["WandbEvalCallback"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
