"""`wandb.sdk.data_types.image`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._media.image import Image

__all__ = ["Image"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
