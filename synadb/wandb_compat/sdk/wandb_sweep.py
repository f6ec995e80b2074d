"""`wandb.sdk.wandb_sweep`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._sweeps.create import sweep
from synadb.wandb_compat._sweeps.local import controller

__all__ = ["controller", "sweep"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
