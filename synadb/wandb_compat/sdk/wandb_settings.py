"""`wandb.sdk.wandb_settings`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._settings import RunMoment, Settings

__all__ = ["RunMoment", "Settings"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
