"""`wandb.integration.sklearn.utils`: whether something can be plotted."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.sklearn_checks import CHART_LIMIT as chart_limit
from synadb.wandb_compat._integrations.sklearn_checks import is_fitted as test_fitted
from synadb.wandb_compat._integrations.sklearn_checks import none_missing as test_missing
from synadb.wandb_compat._integrations.sklearn_checks import right_types as test_types
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["chart_limit", "test_fitted", "test_missing", "test_types"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
