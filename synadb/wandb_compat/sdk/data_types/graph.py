"""`wandb.sdk.data_types.graph`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._media.graph import Edge, Graph, Node

__all__ = ["Edge", "Graph", "Node"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
