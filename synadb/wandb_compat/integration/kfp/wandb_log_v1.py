"""`wandb.integration.kfp.wandb_log_v1`: accepted, and logs nothing."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.unsupported import kfp_wandb_log as wandb_log
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["wandb_log"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
