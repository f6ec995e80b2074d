"""`wandb.sdk.data_types.helper_types.classes`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._media.image import Classes

__all__ = ["Classes"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
