"""`wandb.sdk.lib.runid`."""

from __future__ import annotations

from typing import Any

from synadb.ids import generate_id
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["generate_fast_id", "generate_id"]

generate_fast_id = generate_id


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
