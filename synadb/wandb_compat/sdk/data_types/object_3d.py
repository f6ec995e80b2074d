"""`wandb.sdk.data_types.object_3d`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._media.box3d import box3d
from synadb.wandb_compat._media.object_3d import Object3D

__all__ = ["Object3D", "box3d"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
