"""`wandb.apis.attrs`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._apis.attrs import Attrs
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["Attrs"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
