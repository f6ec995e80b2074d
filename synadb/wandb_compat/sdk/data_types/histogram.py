"""`wandb.sdk.data_types.histogram`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._media.histogram import Histogram

__all__ = ["Histogram"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
