"""`wandb.integration.sklearn.plot.regressor`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.sklearn_plots import (
    plot_outlier_candidates as outlier_candidates,
)
from synadb.wandb_compat._integrations.sklearn_plots import plot_regressor as regressor
from synadb.wandb_compat._integrations.sklearn_plots import plot_residuals as residuals
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["outlier_candidates", "regressor", "residuals"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
