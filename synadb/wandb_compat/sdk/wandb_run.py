"""`wandb.sdk.wandb_run`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat import finish, restore
from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._run import Run, RunStatus

__all__ = ["Run", "RunStatus", "finish", "restore"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
