"""`wandb.sdk.data_types.html`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._media.html import Html

__all__ = ["Html"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
