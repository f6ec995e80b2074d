"""`wandb.sdk.data_types.base_types`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute, lazy_dir

__all__ = []

_LAZY = {
    "media": "sdk.data_types.base_types.media",
    "wb_value": "sdk.data_types.base_types.wb_value",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _LAZY, name)


def __dir__() -> list[str]:
    return lazy_dir(__name__, _LAZY)
