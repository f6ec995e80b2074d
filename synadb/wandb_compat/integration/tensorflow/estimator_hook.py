"""`wandb.integration.tensorflow.estimator_hook`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.tensorflow import WandbHook
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["WandbHook"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
