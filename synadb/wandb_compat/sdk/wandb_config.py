"""`wandb.sdk.wandb_config`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._config import Config, ConfigStatic
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["Config", "ConfigStatic"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
