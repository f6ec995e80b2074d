"""`wandb.apis.normalize`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._apis.errors import normalize_exceptions
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["normalize_exceptions"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
