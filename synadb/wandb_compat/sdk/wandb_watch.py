"""`wandb.sdk.wandb_watch`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._watch import unwatch as _unwatch
from synadb.wandb_compat._watch import watch as _watch

__all__ = ["_unwatch", "_watch"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
