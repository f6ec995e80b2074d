"""`wandb.integration.torch.wandb_torch`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.torch_history import TorchHistory
from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._media.graph import TorchGraph

__all__ = ["TorchGraph", "TorchHistory"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
