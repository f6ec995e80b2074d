"""`wandb.sdk.data_types.helper_types`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute, lazy_dir

__all__ = []

_LAZY = {
    "bounding_boxes_2d": "sdk.data_types.helper_types.bounding_boxes_2d",
    "classes": "sdk.data_types.helper_types.classes",
    "image_mask": "sdk.data_types.helper_types.image_mask",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _LAZY, name)


def __dir__() -> list[str]:
    return lazy_dir(__name__, _LAZY)
