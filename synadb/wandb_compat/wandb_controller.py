"""`wandb.wandb_controller`: searches that a program of one's own steers."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._sweeps.local import ControllerError
from synadb.wandb_compat._sweeps.local import LocalController as _WandbController

__all__ = ["ControllerError", "_WandbController"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
