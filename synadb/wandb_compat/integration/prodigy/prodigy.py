"""`wandb.integration.prodigy.prodigy`: accepted, and logs nothing."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.unsupported import upload_dataset
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["upload_dataset"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
