"""`wandb.plot.pr_curve`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synadb.wandb_compat.plot._per_class import curve_table, split_classes
from synadb.wandb_compat.plot.custom_chart import plot_table

if TYPE_CHECKING:
    from synadb.wandb_compat._media.chart import CustomChart

__all__ = ["pr_curve"]


def pr_curve(
    y_true: Iterable[Any] | None = None,
    y_probas: Iterable[Any] | None = None,
    labels: Sequence[Any] | Mapping[int, Any] | None = None,
    classes_to_plot: Any = None,
    interp_size: int = 21,
    title: str = "Precision-Recall Curve",
    split_table: bool = False,
) -> CustomChart | None:
    """Precision against recall, one curve for each class against all others.

    Args:
        y_true: The true class of each sample.
        y_probas: A row for each sample; the n-th column has the scores of the n-th class in
            `y_true`, in sorted order.
        labels: The name of class 0, 1, ...; used where classes are whole numbers.
        classes_to_plot: Those of the classes in `y_true` that get a curve; by default all.
        interp_size: Each curve has this many points, at equal distances of recall. Its precision
            there is the highest at this recall or above.
        title: Stands above the chart.
        split_table: Keep the table under "Custom Chart Tables/".

    Raises:
        ValueError: lengths differ, `y_true` holds no classes, scores are not finite, or no class is
            left to plot.
        IndexError: `y_probas` lacks a column, or `labels` a name.
    """
    import numpy as np

    from synadb.media import curves

    if interp_size < 0:
        raise ValueError(f"pr_curve: interp_size must not be negative, as {interp_size} is")
    recalls = np.linspace(0, 1, interp_size)[::-1]
    precisions = {}
    for label, (truth, scores) in split_classes(
        "pr_curve", y_true, y_probas, labels, classes_to_plot
    ).items():
        precision, recall, _ = curves.precision_recall_curve(truth, scores)
        precisions[label] = curves.interpolated_precision(precision, recall, recalls)
    table = curve_table(
        "pr_curve",
        {
            "precision": np.concatenate(list(precisions.values())),
            "recall": np.tile(recalls, len(precisions)),
        },
        {label: len(recalls) for label in precisions},
        sort_by=["precision", "recall", "class"],
    )
    return plot_table(
        data_table=table,
        vega_spec_name="wandb/area-under-curve/v0",
        fields={"x": "recall", "y": "precision", "class": "class"},
        string_fields={"title": title, "x-axis-title": "Recall", "y-axis-title": "Precision"},
        split_table=split_table,
    )
