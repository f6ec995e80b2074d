"""What ROC and precision-recall curves share: one curve for each class against all others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synadb.wandb_compat._arrays import tensor_name
from synadb.wandb_compat._term import termwarn

if TYPE_CHECKING:
    import numpy as np

    from synadb.wandb_compat._media.table import Table

    Array = np.ndarray[Any, Any]

__all__ = ["curve_table", "split_classes"]

_DECIMALS = 3


def split_classes(
    call: str, y_true: Any, y_probas: Any, labels: Any, classes_to_plot: Any
) -> dict[Any, tuple[Array, Array]]:
    """Label of a class -> for each sample whether it is of this class, and its score for it.

    The scores of the n-th class, in sorted order, are the n-th column of `y_probas`. Of two classes
    with the same label the later one is kept. `call` names the function in errors.

    Raises ValueError for labels that are no classes, for lengths that differ and where no class is
    left to plot; IndexError for scores without a column for each class, or a class without a name;
    TypeError for labels that have no order.
    """
    import numpy as np

    truth = _array(f"{call}: y_true", y_true)
    scores = _array(f"{call}: y_probas", y_probas)
    try:
        classes = np.unique(truth)
    except TypeError as error:
        raise TypeError(
            f"{call}: y_true must be of one kind, all numbers or all text: {error}"
        ) from error
    wanted = classes if classes_to_plot is None else classes_to_plot
    chosen = np.flatnonzero(np.isin(classes, wanted))
    if not len(chosen):
        raise ValueError(f"{call}: none of the classes in y_true, {classes.tolist()}, is to plot")
    if scores.ndim != 2 or scores.shape[1] <= chosen[-1]:
        raise _shape_error(call, scores.ndim)(
            f"{call}: y_probas must have a row for each sample and a column for each of the "
            f"{len(classes)} classes in y_true, not the shape {scores.shape}"
        )
    if truth.ndim == 2 and truth.shape[1] == 1:
        truth = truth[:, 0]
    _check_labels(call, truth)
    if len(truth) != len(scores):
        raise ValueError(
            f"{call}: y_true has {len(truth)} samples and y_probas {len(scores)}; "
            "there must be as many"
        )
    found = {}
    for number in chosen.tolist():
        label = classes[number]
        if labels is not None and classes.dtype.kind in "iu":
            label = _name(call, labels, int(label))
        found[label] = (truth == classes[number], scores[:, number])
    return found


def curve_table(
    call: str, columns: Mapping[str, Array], lengths: Mapping[Any, int], sort_by: list[str]
) -> Table:
    """A table of rounded curves, one after another: column "class", and then `columns`.

    `lengths` has the number of points of each class's curve. More rows than a table may have are
    thinned out, and sorted by `sort_by`.
    """
    import numpy as np

    from synadb.wandb_compat._media import dtypes
    from synadb.wandb_compat._media.table import Table

    labels = np.repeat(np.array(list(lengths)), list(lengths.values()))
    data = {"class": labels, **columns}
    data = {
        name: np.round(values, _DECIMALS) if values.dtype.kind == "f" else values
        for name, values in data.items()
    }
    if len(labels) > Table.MAX_ROWS:
        from synadb.media.curves import stratified_sample

        termwarn(
            f"{call}: the curves have {len(labels)} points; a sample of {Table.MAX_ROWS} is kept"
        )
        kept = stratified_sample(labels, Table.MAX_ROWS)
        data = {name: values[kept] for name, values in data.items()}
        order = np.lexsort([data[name] for name in reversed(sort_by)])
        data = {name: values[order] for name, values in data.items()}
    rows = zip(*(values.tolist() for values in data.values()), strict=True)
    # A rate that is NaN throughout leaves its column without a number to tell the type by.
    types = [dtypes.UnknownType(), *(dtypes.NumberType() for _ in columns)]
    return Table(columns=list(data), data=[list(row) for row in rows], dtype=types)


def _array(name: str, values: Any) -> Array:
    import numpy as np

    if tensor_name(type(values)) == "torch":
        values = values.detach().cpu()
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name} must have rows of one length: {error}") from None


def _shape_error(call: str, dimensions: int) -> type[Exception]:
    # The classes that wandb's indexing and scikit-learn's checks happen to raise.
    if dimensions > 2:
        return ValueError
    return TypeError if dimensions == 1 and call == "roc_curve" else IndexError


def _check_labels(call: str, truth: Array) -> None:
    import numpy as np

    kind = truth.dtype.kind
    if truth.ndim != 1:
        raise ValueError(f"{call}: y_true must have one dimension, not the shape {truth.shape}")
    if kind == "f":
        if not np.isfinite(truth).all():
            raise ValueError(f"{call}: y_true has a NaN or an infinity in it")
        if (truth != np.floor(truth)).any():
            raise ValueError(f"{call}: y_true must be classes, not continuous numbers")
    elif kind == "O":
        if not isinstance(truth[0], str):
            raise ValueError(
                f"{call}: y_true is an array of objects; make it one of numbers or of text"
            )
    elif kind not in "biuU":
        raise ValueError(f"{call}: y_true must be numbers or text, not {truth.dtype}")


def _name(call: str, labels: Any, number: int) -> Any:
    try:
        return labels[number]
    except (IndexError, KeyError) as error:
        raise type(error)(
            f"{call}: labels has {len(labels)} names, and none for the class {number}"
        ) from None
