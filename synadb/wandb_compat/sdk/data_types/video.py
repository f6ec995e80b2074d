"""`wandb.sdk.data_types.video`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._media.video import Video

__all__ = ["Video"]


def __getattr__(name: str) -> Any:
    # Many robotics scripts take wandb.util from here.
    return lazy_attribute(__name__, {"util": "util"}, name)
