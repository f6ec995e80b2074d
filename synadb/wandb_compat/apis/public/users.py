"""`wandb.apis.public.users`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._apis.users import User
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["User"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
