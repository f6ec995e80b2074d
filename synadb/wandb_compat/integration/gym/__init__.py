"""`wandb.integration.gym`: videos of gymnasium and gym."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.gym import monitor
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["monitor"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
