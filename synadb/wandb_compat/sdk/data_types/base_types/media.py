"""`wandb.sdk.data_types.base_types.media`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._media.base import BatchableMedia, Media, WBValue

__all__ = ["BatchableMedia", "Media", "WBValue"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
