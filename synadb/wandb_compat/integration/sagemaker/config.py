"""`wandb.integration.sagemaker.config`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.sagemaker import is_using_sagemaker, parse_sm_config
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["is_using_sagemaker", "parse_sm_config"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
