"""What wandb.config and wandb.summary are before init."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat.errors import Error

__all__ = ["PreInit"]


class PreInit:
    """Any use of it says that init must be called first."""

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "_name", name)

    def _error(self, use: str) -> Error:
        return Error(
            f"You must call wandb.init() before {object.__getattribute__(self, '_name')}{use}"
        )

    def __getattr__(self, key: str) -> Any:
        if key.startswith("_"):
            raise AttributeError(key)
        raise self._error("." + key)

    def __setattr__(self, key: str, value: Any) -> None:
        raise self._error("." + key)

    def __getitem__(self, key: str) -> Any:
        raise self._error(f"[{key!r}]")

    def __setitem__(self, key: str, value: Any) -> None:
        raise self._error(f"[{key!r}]")
