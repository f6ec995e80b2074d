"""`wandb.integration.metaflow.metaflow`: accepted, and logs nothing."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.unsupported import metaflow_wandb_log as wandb_log
from synadb.wandb_compat._integrations.unsupported import wandb_track, wandb_use
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["wandb_log", "wandb_track", "wandb_use"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
