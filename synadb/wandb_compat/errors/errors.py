"""wandb's error classes, where wandb defines them."""

from __future__ import annotations

__all__ = [
    "AuthenticationError",
    "CommError",
    "Error",
    "UnsupportedError",
    "UsageError",
    "WandbCoreNotAvailableError",
]


class Error(Exception):
    """Base of wandb's errors."""

    def __init__(self, message: str = "", context: dict[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.context = context or {}


class CommError(Error):
    """Something asked for by path is not there."""

    def __init__(self, msg: str = "", exc: BaseException | None = None) -> None:
        super().__init__(msg)
        self.exc = exc


class AuthenticationError(CommError):
    """Never raised here: there is no account."""


class UsageError(Error):
    """A call that makes no sense as it stands."""


class UnsupportedError(UsageError):
    """A call that exists in wandb and not here."""


class WandbCoreNotAvailableError(Error):
    """Never raised here: there is no helper process."""
