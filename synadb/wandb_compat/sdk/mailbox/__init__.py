"""`wandb.sdk.mailbox`: the errors that programs catch; there is no helper process to talk to."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat.sdk.mailbox.mailbox_handle import (
    HandleAbandonedError,
    ServerResponseError,
)

__all__ = ["HandleAbandonedError", "ServerResponseError"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
