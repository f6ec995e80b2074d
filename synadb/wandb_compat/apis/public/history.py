"""`wandb.apis.public.history`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._apis.history import HistoryScan
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["HistoryScan"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
