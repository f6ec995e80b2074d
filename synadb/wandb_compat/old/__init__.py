"""`wandb.old`: what releases until 0.26 kept here."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute

__all__: list[str] = []


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {"summary": "old.summary"}, name)
