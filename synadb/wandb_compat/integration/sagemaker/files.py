"""`wandb.integration.sagemaker.files`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.sagemaker import SM_PARAM_CONFIG, SM_SECRETS
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["SM_PARAM_CONFIG", "SM_SECRETS"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
