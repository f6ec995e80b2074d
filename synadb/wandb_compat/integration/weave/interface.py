"""`wandb.integration.weave.interface`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.unsupported import RunPath, active_run_path
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["RunPath", "active_run_path"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
