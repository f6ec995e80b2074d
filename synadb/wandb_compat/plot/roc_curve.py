"""`wandb.plot.roc_curve`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synadb.wandb_compat._term import termwarn
from synadb.wandb_compat.plot._per_class import curve_table, split_classes
from synadb.wandb_compat.plot.custom_chart import plot_table

if TYPE_CHECKING:
    from synadb.wandb_compat._media.chart import CustomChart

__all__ = ["roc_curve"]


def roc_curve(
    y_true: Iterable[Any],
    y_probas: Iterable[Any] | None = None,
    labels: Sequence[Any] | Mapping[int, Any] | None = None,
    classes_to_plot: Any = None,
    title: str = "ROC Curve",
    split_table: bool = False,
) -> CustomChart | None:
    """True against false positive rate, one curve for each class against all others.

    Args:
        y_true: The true class of each sample.
        y_probas: A row for each sample; the n-th column has the scores of the n-th class in
            `y_true`, in sorted order.
        labels: The name of class 0, 1, ...; used where classes are whole numbers.
        classes_to_plot: Those of the classes in `y_true` that get a curve; by default all.
        title: Stands above the chart.
        split_table: Keep the table under "Custom Chart Tables/".

    Raises:
        ValueError: lengths differ, `y_true` holds no classes, scores are not finite, or no class is
            left to plot.
        IndexError: `y_probas` lacks a column, or `labels` a name.
    """
    import numpy as np

    from synadb.media import curves

    rates = {}
    for label, (truth, scores) in split_classes(
        "roc_curve", y_true, y_probas, labels, classes_to_plot
    ).items():
        rates[label] = curves.roc_curve(truth, scores)
        if truth.all():
            termwarn(
                f"roc_curve: all samples are of class {label}; without others there is no "
                "false positive rate"
            )
    table = curve_table(
        "roc_curve",
        {
            "fpr": np.concatenate([curve[0] for curve in rates.values()]),
            "tpr": np.concatenate([curve[1] for curve in rates.values()]),
        },
        {label: len(curve[0]) for label, curve in rates.items()},
        sort_by=["fpr", "tpr", "class"],
    )
    return plot_table(
        data_table=table,
        vega_spec_name="wandb/area-under-curve/v0",
        fields={"x": "fpr", "y": "tpr", "class": "class"},
        string_fields={
            "title": title,
            "x-axis-title": "False positive rate",
            "y-axis-title": "True positive rate",
        },
        split_table=split_table,
    )
