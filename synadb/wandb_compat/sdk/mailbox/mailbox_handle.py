"""`wandb.sdk.mailbox.mailbox_handle`: errors that are never raised here."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["HandleAbandonedError", "ServerResponseError"]


class HandleAbandonedError(Exception):
    """In wandb: an answer of the helper process that nobody waits for any more."""


class ServerResponseError(Exception):
    """In wandb: the helper process answered with an error."""


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
