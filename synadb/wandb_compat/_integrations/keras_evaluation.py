"""Keras: tables of validation data, and of what a model predicts for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import synadb.wandb_compat as wandb
from synadb.wandb_compat._integrations.library import active_run

__all__ = ["Evaluation"]

_Row = Callable[..., Any]


class Evaluation:
    """Logs predictions for validation data, in tables whose rows refer to those of the data.

    The data is stored as the artifact `wb_validation_data` of type `validation_dataset`. Further
    columns come from row processors: what the user gives, or what the shape of the data says:
    the class of a vector of scores, an image, a video.
    """

    def __init__(
        self,
        inputs: Any,
        targets: Any,
        *,
        indexes: Any = None,
        validation_row_processor: _Row | None = None,
        prediction_row_processor: _Row | None = None,
        class_labels: list[Any] | None = None,
        infer_missing_processors: bool = True,
    ) -> None:
        self._inputs = inputs
        self._processor = prediction_row_processor
        self._infer = infer_missing_processors
        self._labels = (
            wandb.Table(columns=["label"], data=[[label] for label in class_labels])
            if class_labels
            else None
        )
        if indexes is None:
            if validation_row_processor is None and infer_missing_processors:
                columns = {**self._columns("input", inputs), **self._columns("target", targets)}
                validation_row_processor = _together(columns)
            indexes = self._store(inputs, targets, validation_row_processor)
        self._indexes = indexes

    def _store(self, inputs: Any, targets: Any, processor: _Row | None) -> Any:
        table = wandb.Table(columns=[], data=[])
        for name, values in {**_named("target", targets), **_named("input", inputs)}.items():
            table.add_column(name, values)
        if processor is not None:
            table.add_computed_columns(processor)
        artifact = wandb.Artifact("wb_validation_data", "validation_dataset")
        artifact.add(table, "validation_data")
        active_run("WandbCallback()").use_artifact(artifact)
        return table.get_index()

    def log(self, model: Any, commit: bool) -> None:
        """Log a table `validation_predictions`."""
        made = model.predict(self._inputs, verbose=0)
        table = wandb.Table(columns=[], data=[])
        for name, values in _named("output", made).items():
            table.add_column(name, values)
        table.add_column("val_row", self._indexes)
        if self._processor is None and self._infer:
            self._processor = _together(self._columns("output", made))
        if self._processor is not None:
            table.add_computed_columns(self._processor)
        wandb.log({"validation_predictions": table}, commit=commit)

    def _columns(self, name: str, values: Any) -> dict[str, _Row]:
        """Further columns for data: its name, and what is computed of one row."""
        labels = None if name == "input" else self._labels
        return {
            f"{key}:{kind}": _of(key, compute)
            for key, one in _named(name, values).items()
            for kind, compute in _computed(one[0], labels).items()
        }


def _named(name: str, values: Any) -> dict[str, Any]:
    return dict(values) if isinstance(values, Mapping) else {name: values}


def _of(key: str, compute: Callable[[Any], Any]) -> _Row:
    return lambda number, row: compute(row[key])


def _together(columns: dict[str, _Row]) -> _Row | None:
    if not columns:
        return None
    return lambda number, row: {name: one(number, row) for name, one in columns.items()}


def _computed(example: Any, labels: Any) -> dict[str, Callable[[Any], Any]]:
    """What can be made of data like `example`: by its name."""
    import numpy as np

    example = np.asarray(example)
    shape = example.shape
    if len(shape) in (2, 3):
        return {"image": wandb.Image}
    if len(shape) == 4:
        return {"video": wandb.Video}
    if len(shape) != 1 or not shape[0]:
        return {}
    one_hot = set(np.unique(example).tolist()) == {0, 1}
    if labels is not None and shape[0] == len(labels.data):
        names = labels.get_column("label")
        found: dict[str, Any] = {"max_class": lambda row: labels.index_ref(int(np.argmax(row)))}
        if not one_hot:
            found["score"] = lambda row: {name: row[i] for i, name in enumerate(names)}
        return found
    if shape[0] == 1 and example.dtype.kind in "iu":
        if labels is None:
            return {"val": lambda row: row[0]}
        count = len(labels.data)
        return {"class": lambda row: labels.index_ref(row[0]) if row[0] < count else row[0]}
    found = {"node": lambda row: np.asarray(row).tolist()} if shape[0] <= 10 else {}
    found["argmax"] = lambda row: int(np.argmax(row))
    if not one_hot:
        found["argmin"] = lambda row: int(np.argmin(row))
    return found
