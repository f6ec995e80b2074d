"""`wandb.integration.lightgbm`: a callback for LightGBM."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.lightgbm import (
    MAXIMIZE_METRICS,
    MINIMIZE_METRICS,
    CallbackEnv,
    log_summary,
    wandb_callback,
)
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["MAXIMIZE_METRICS", "MINIMIZE_METRICS", "CallbackEnv", "log_summary", "wandb_callback"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
