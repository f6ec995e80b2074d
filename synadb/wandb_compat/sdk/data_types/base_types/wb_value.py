"""`wandb.sdk.data_types.base_types.wb_value`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._media.base import WBValue

__all__ = ["WBValue"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
