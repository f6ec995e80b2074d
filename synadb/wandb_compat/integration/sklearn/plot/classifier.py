"""`wandb.integration.sklearn.plot.classifier`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.sklearn_plots import (
    plot_calibration_curve as calibration_curve,
)
from synadb.wandb_compat._integrations.sklearn_plots import (
    plot_class_proportions as class_proportions,
)
from synadb.wandb_compat._integrations.sklearn_plots import plot_classifier as classifier
from synadb.wandb_compat._integrations.sklearn_plots import (
    plot_confusion_matrix as confusion_matrix,
)
from synadb.wandb_compat._integrations.sklearn_plots import (
    plot_decision_boundaries as decision_boundaries,
)
from synadb.wandb_compat._integrations.sklearn_plots import (
    plot_feature_importances as feature_importances,
)
from synadb.wandb_compat._integrations.sklearn_plots import (
    plot_precision_recall as precision_recall,
)
from synadb.wandb_compat._integrations.sklearn_plots import plot_roc as roc
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = [
    "calibration_curve",
    "class_proportions",
    "classifier",
    "confusion_matrix",
    "decision_boundaries",
    "feature_importances",
    "precision_recall",
    "roc",
]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
