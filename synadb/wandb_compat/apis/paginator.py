"""`wandb.apis.paginator`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._apis.pages import Paginator
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["Paginator", "RelayPaginator", "SizedPaginator", "SizedRelayPaginator"]

RelayPaginator = SizedPaginator = SizedRelayPaginator = Paginator


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
