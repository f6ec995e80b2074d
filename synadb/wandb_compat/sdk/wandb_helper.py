"""`wandb.sdk.wandb_helper`, which is `wandb.helper` too."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._config import parse_config
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["parse_config"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
