"""`wandb.integration.sb3`: a callback for Stable-Baselines3."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute, lazy_dir

__all__ = [
    "WandbCallback",
]

_LAZY = {
    "WandbCallback": "_integrations.sb3:WandbCallback",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _LAZY, name)


def __dir__() -> list[str]:
    return lazy_dir(__name__, _LAZY)
