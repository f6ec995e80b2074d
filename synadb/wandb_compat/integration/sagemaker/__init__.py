"""`wandb.integration.sagemaker`: what SageMaker's container says."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.sagemaker import (
    is_using_sagemaker,
    parse_sm_config,
    parse_sm_secrets,
    sagemaker_auth,
    set_global_settings,
    set_run_id,
)
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = [
    "is_using_sagemaker",
    "parse_sm_config",
    "parse_sm_secrets",
    "sagemaker_auth",
    "set_global_settings",
    "set_run_id",
]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
