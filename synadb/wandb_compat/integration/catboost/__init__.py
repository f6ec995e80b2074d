"""`wandb.integration.catboost`: a callback for CatBoost."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.catboost import WandbCallback, log_summary
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["WandbCallback", "log_summary"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
