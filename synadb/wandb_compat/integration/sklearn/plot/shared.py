"""`wandb.integration.sklearn.plot.shared`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.sklearn_plots import plot_learning_curve as learning_curve
from synadb.wandb_compat._integrations.sklearn_plots import plot_summary_metrics as summary_metrics
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["learning_curve", "summary_metrics"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
