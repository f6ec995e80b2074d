"""`wandb.sdk.integration_utils`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute, lazy_dir

__all__ = []

_LAZY = {"auto_logging": "sdk.integration_utils.auto_logging"}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _LAZY, name)


def __dir__() -> list[str]:
    return lazy_dir(__name__, _LAZY)
