"""`wandb.integration.keras`: callbacks for Keras on any backend, and for tf.keras."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute, lazy_dir

__all__ = [
    "WandbCallback",
    "WandbEvalCallback",
    "WandbMetricsLogger",
    "WandbModelCheckpoint",
]

_LAZY = {
    "WandbCallback": "_integrations.keras_callback:WandbCallback",
    "WandbEvalCallback": "_integrations.keras_tables:WandbEvalCallback",
    "WandbMetricsLogger": "_integrations.keras_metrics:WandbMetricsLogger",
    "WandbModelCheckpoint": "_integrations.keras_checkpoint:WandbModelCheckpoint",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _LAZY, name)


def __dir__() -> list[str]:
    return lazy_dir(__name__, _LAZY)
