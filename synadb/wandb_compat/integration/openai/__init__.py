"""`wandb.integration.openai`: accepted, and logs nothing."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.unsupported import openai_autolog as autolog
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["autolog"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
