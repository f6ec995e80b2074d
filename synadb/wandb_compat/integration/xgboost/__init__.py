"""`wandb.integration.xgboost`: a callback for XGBoost."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute, lazy_dir

__all__ = [
    "WandbCallback",
    "wandb_callback",
]

_LAZY = {
    "WandbCallback": "_integrations.xgboost:WandbCallback",
    "wandb_callback": "_integrations.xgboost:wandb_callback",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _LAZY, name)


def __dir__() -> list[str]:
    return lazy_dir(__name__, _LAZY)
