"""`wandb.sdk.wandb_init`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat import _attach, init
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["_attach", "init"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
