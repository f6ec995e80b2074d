"""`wandb.plot`: charts that are drawn from a table."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from synadb.wandb_compat._media.chart import CustomChart, Visualize
from synadb.wandb_compat.plot.bar import bar
from synadb.wandb_compat.plot.confusion_matrix import confusion_matrix
from synadb.wandb_compat.plot.custom_chart import plot_table
from synadb.wandb_compat.plot.histogram import histogram
from synadb.wandb_compat.plot.line import line
from synadb.wandb_compat.plot.line_series import line_series
from synadb.wandb_compat.plot.pr_curve import pr_curve
from synadb.wandb_compat.plot.roc_curve import roc_curve
from synadb.wandb_compat.plot.scatter import scatter
from synadb.wandb_compat.plot.viz import visualize

__all__ = [
    "CustomChart",
    "Visualize",
    "bar",
    "confusion_matrix",
    "histogram",
    "line",
    "line_series",
    "plot_table",
    "pr_curve",
    "roc_curve",
    "scatter",
    "visualize",
]


class _Package(ModuleType):
    """Keeps functions that share their names with modules of this package.

    The import system binds a submodule to its name in the package whenever it loads one, and it
    loads them a second time under their other names, `wandb.plot.line`.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType) and callable(self.__dict__.get(name)):
            return
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
