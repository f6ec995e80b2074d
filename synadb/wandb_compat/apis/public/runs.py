"""`wandb.apis.public.runs`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._apis.runs import WANDB_INTERNAL_KEYS, Run, RunNotFoundError, Runs
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["WANDB_INTERNAL_KEYS", "Run", "RunNotFoundError", "Runs"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
