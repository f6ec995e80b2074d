"""`wandb.apis.public.console_logs`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._apis.console import ConsoleLogLine, ConsoleLogs
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["ConsoleLogLine", "ConsoleLogs"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
