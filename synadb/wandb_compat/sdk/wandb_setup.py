"""`wandb.sdk.wandb_setup`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat import setup, teardown
from synadb.wandb_compat._init import Setup
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["setup", "singleton", "teardown"]

_WandbSetup = Setup


def singleton() -> Setup:
    """What `wandb.setup` returns, without new settings."""
    state: Setup = setup()
    return state


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
