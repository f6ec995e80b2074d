"""`wandb.sdk.data_types.eval_table.eval_table`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._media.table import EvalTable

__all__ = ["EvalTable"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
