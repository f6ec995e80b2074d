"""`wandb.apis.public.sweeps`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._apis.sweeps import Agent, Sweep, Sweeps
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["Agent", "Sweep", "Sweeps"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
