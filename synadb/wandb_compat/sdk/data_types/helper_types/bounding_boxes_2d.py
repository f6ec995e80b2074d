"""`wandb.sdk.data_types.helper_types.bounding_boxes_2d`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._media.image import BoundingBoxes2D

__all__ = ["BoundingBoxes2D"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
