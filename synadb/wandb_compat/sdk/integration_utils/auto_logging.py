"""`wandb.sdk.integration_utils.auto_logging`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.autolog import AutologAPI
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["AutologAPI"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
