"""`wandb.sdk.lib.disabled`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._disabled import RunDisabled, SummaryDisabled
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["RunDisabled", "SummaryDisabled"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
