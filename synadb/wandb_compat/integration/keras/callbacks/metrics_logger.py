"""`wandb.integration.keras.callbacks.metrics_logger`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.keras_metrics import LogStrategy, WandbMetricsLogger
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["LogStrategy", "WandbMetricsLogger"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
