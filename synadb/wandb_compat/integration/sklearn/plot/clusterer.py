"""`wandb.integration.sklearn.plot.clusterer`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.sklearn_plots import plot_clusterer as clusterer
from synadb.wandb_compat._integrations.sklearn_plots import plot_elbow_curve as elbow_curve
from synadb.wandb_compat._integrations.sklearn_plots import plot_silhouette as silhouette
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["clusterer", "elbow_curve", "silhouette"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
