"""`wandb.wandb_agent`: agents, and the command line of a trial."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._sweeps.agent import agent

__all__ = ["agent"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
