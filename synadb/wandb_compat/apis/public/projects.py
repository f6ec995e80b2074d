"""`wandb.apis.public.projects`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._apis.projects import Project, Projects
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["Project", "Projects"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
