"""`wandb.errors.warnings`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["WandbWarning"]


class WandbWarning(Warning):
    """Base of wandb's warnings; none is raised here."""


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
