"""`wandb.integration.keras.keras`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.keras_base import patch_tf_keras
from synadb.wandb_compat._integrations.keras_callback import WandbCallback
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["WandbCallback", "patch_tf_keras"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
