"""`wandb.sdk.data_types.bokeh`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._media.bokeh import Bokeh

__all__ = ["Bokeh"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
