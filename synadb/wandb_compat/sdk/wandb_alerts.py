"""`wandb.sdk.wandb_alerts`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._alerts import AlertLevel
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["AlertLevel"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
