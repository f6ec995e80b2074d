"""`wandb.apis.public.teams`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._apis.users import Member, Team
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["Member", "Team"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
