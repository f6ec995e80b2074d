"""`wandb.Settings`: a namespace with wandb's field names."""

from __future__ import annotations

from typing import Any

__all__ = ["Settings"]


class Settings:
    """Keyword arguments as attributes; a field that was not given reads as None.

    Fields without a local meaning are accepted and kept.
    """

    def __init__(self, **fields: Any) -> None:
        for name, value in fields.items():
            setattr(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return None

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{k}={v!r}' for k, v in vars(self).items())})"
