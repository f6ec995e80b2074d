"""`wandb.integration.tensorflow`: a hook for sessions, and summaries that a script has."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute, lazy_dir

__all__ = [
    "WandbHook",
    "log",
]

_LAZY = {
    "WandbHook": "_integrations.tensorflow:WandbHook",
    "log": "integration.tensorboard.log:_log",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _LAZY, name)


def __dir__() -> list[str]:
    return lazy_dir(__name__, _LAZY)
