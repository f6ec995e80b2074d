"""`wandb.plot.confusion_matrix`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from synadb.wandb_compat._arrays import tensor_name
from synadb.wandb_compat.plot.custom_chart import plot_table

if TYPE_CHECKING:
    from synadb.wandb_compat._media.chart import CustomChart

__all__ = ["confusion_matrix"]


def confusion_matrix(
    probs: Iterable[Any] | None = None,
    y_true: Iterable[Any] | None = None,
    preds: Iterable[Any] | None = None,
    class_names: Iterable[Any] | Mapping[int, Any] | None = None,
    title: str = "Confusion Matrix Curve",
    split_table: bool = False,
) -> CustomChart:
    """How often each class was taken for each.

    Args:
        probs: A row for each sample and a column for each class; the predicted class is the number
            of the highest. Instead of `preds`.
        y_true: The true label of each sample.
        preds: The predicted label of each sample. Instead of `probs`.
        class_names: Names of the classes, or a dict from their numbers to these; labels are then
            numbers from 0. Otherwise the labels that occur, sorted, are called Class_1, Class_2,
            ...
        title: Stands above the chart.
        split_table: Keep the table under "Custom Chart Tables/".

    Raises:
        ValueError: both `probs` and `preds` are given, lengths differ, or there are more labels
            than names.
        TypeError: `y_true` is missing, or both `probs` and `preds` are; or labels have no order.
        KeyError: a label, or a number of a class, has no name.
    """
    from synadb.media import curves
    from synadb.wandb_compat._media.table import Table

    if probs is not None and preds is not None:
        raise ValueError("confusion_matrix: give one of probs and preds, not both")
    if y_true is None or (probs is None and preds is None):
        raise TypeError("confusion_matrix: give y_true, and one of probs and preds")
    truth = _labels(y_true)
    guesses = _most_probable(probs) if preds is None else _labels(preds)
    if len(truth) != len(guesses):
        raise ValueError(
            "confusion_matrix: the number of predictions and true labels must be equal, "
            f"not {len(guesses)} and {len(truth)}"
        )
    if class_names is None:
        counts = curves.confusion_matrix(truth, guesses)
        names = [f"Class_{number + 1}" for number in range(len(counts))]
    else:
        names = _names(class_names)
        for labels, what in ((guesses, "predicted"), (truth, "true")):
            if len(set(labels)) > len(names):
                raise ValueError(
                    f"confusion_matrix: {len(set(labels))} different {what} labels exceed "
                    f"the number of class names ({len(names)})"
                )
        counts = curves.confusion_matrix(truth, guesses, range(len(names)))
    rows = counts.astype(float).tolist()
    data: list[Any] = [
        [actual, predicted, count]
        for actual, row in zip(names, rows, strict=True)
        for predicted, count in zip(names, row, strict=True)
    ]
    columns: list[Any] = ["Actual", "Predicted", "nPredictions"]
    return plot_table(
        data_table=Table(columns=columns, data=data),
        vega_spec_name="wandb/confusion_matrix/v1",
        fields={column: column for column in columns},
        string_fields={"title": title},
        split_table=split_table,
    )


def _names(class_names: Any) -> list[Any]:
    if not isinstance(class_names, Mapping):
        return list(class_names)
    try:
        return [class_names[number] for number in range(len(class_names))]
    except KeyError as error:
        raise KeyError(
            f"confusion_matrix: class_names has {len(class_names)} names, and none for the class "
            f"{error.args[0]}"
        ) from None


def _labels(values: Any) -> list[Any]:
    if type(values).__name__ == "DataFrame" and len(getattr(values, "columns", ())) == 1:
        values = values[values.columns[0]]
    items = list(values.tolist() if hasattr(values, "tolist") else values)
    # A tensor is equal to nothing but itself as the key of a dict.
    return [item.item() if tensor_name(type(item)) else item for item in items]


def _most_probable(probs: Any) -> list[Any]:
    import numpy as np

    if tensor_name(type(probs)) == "torch":
        probs = probs.detach().cpu()
    found: list[Any] = np.argmax(np.asarray(probs), axis=1).tolist()
    return found
