"""`wandb.integration.tensorboard`, also `wandb.tensorboard`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute, lazy_dir
from synadb.wandb_compat._tensorboard_hooks import patch, unpatch

__all__ = ["patch", "unpatch"]

_LAZY = {
    "_log": "integration.tensorboard.log:_log",
    "log": "integration.tensorboard.log",
    "monkeypatch": "integration.tensorboard.monkeypatch",
    "reset_state": "integration.tensorboard.log:reset_state",
    "tf_summary_to_dict": "integration.tensorboard.log:tf_summary_to_dict",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _LAZY, name)


def __dir__() -> list[str]:
    return lazy_dir(__name__, _LAZY)
