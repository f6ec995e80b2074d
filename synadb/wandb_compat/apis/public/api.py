"""`wandb.apis.public.api`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._apis.api import Api
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["Api"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
