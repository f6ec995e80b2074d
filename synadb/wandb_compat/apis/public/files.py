"""`wandb.apis.public.files`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._apis.files import File, Files
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["File", "Files"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
