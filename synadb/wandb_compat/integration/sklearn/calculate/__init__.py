"""`wandb.integration.sklearn.calculate`: what the plots show."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.sklearn_charts import (
    calibration_curves,
    class_proportions,
    confusion_matrix,
    decision_boundaries,
    elbow_curve,
    feature_importances,
    learning_curve,
    outlier_candidates,
    residuals,
    silhouette,
    summary_metrics,
)
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = [
    "calibration_curves",
    "class_proportions",
    "confusion_matrix",
    "decision_boundaries",
    "elbow_curve",
    "feature_importances",
    "learning_curve",
    "outlier_candidates",
    "residuals",
    "silhouette",
    "summary_metrics",
]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
