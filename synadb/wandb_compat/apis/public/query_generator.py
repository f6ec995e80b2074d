"""`wandb.apis.public.query_generator`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._apis.query_generator import QueryGenerator
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["QueryGenerator"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
