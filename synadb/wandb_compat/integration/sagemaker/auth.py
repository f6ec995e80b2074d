"""`wandb.integration.sagemaker.auth`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.sagemaker import sagemaker_auth
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["sagemaker_auth"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
