"""`wandb.sdk.data_types.molecule`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._media.molecule import Molecule

__all__ = ["Molecule"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
