"""`wandb.integration.sagemaker.resources`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.sagemaker import (
    parse_sm_secrets,
    set_global_settings,
    set_run_id,
)
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["parse_sm_secrets", "set_global_settings", "set_run_id"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
