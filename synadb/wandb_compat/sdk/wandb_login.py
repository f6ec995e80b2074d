"""`wandb.sdk.wandb_login`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat import login
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["login"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
