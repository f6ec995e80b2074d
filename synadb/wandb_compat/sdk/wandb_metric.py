"""`wandb.sdk.wandb_metric`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._metric import Metric

__all__ = ["Metric"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
