"""Runs side by side: their parameters and metrics, and which of them is the best."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from synadb.query import metric_number, resolve
from synadb.records import History, RunRecord

if TYPE_CHECKING:
    import numpy as np

__all__ = ["best", "side_by_side"]


def side_by_side(
    found: Iterable[tuple[RunRecord, History]],
) -> dict[str, dict[str, dict[str, Any]]]:
    """`{"params": {name: {run: value}}, "metrics": {name: {run: {last, min, max, mean}}}}`."""
    params: dict[str, dict[str, Any]] = {}
    metrics: dict[str, dict[str, Any]] = {}
    for run, history in found:
        for key, value in run.config.items():
            params.setdefault(key, {})[run.run_id] = value
        for key, column in history.columns.items():
            measured = _measured(column)
            if measured:
                metrics.setdefault(key, {})[run.run_id] = measured
    return {"params": params, "metrics": metrics}


def _measured(column: np.ndarray[Any, Any]) -> dict[str, float] | None:
    """What there is to say of a metric; None for a column that is none, or has no number."""
    import numpy as np

    if column.dtype.kind == "O":  # None in some rows, a bool in others, or an int of over 53 bits
        others = {type(value) for value in column} - {int, float, bool, type(None)}
        known = [v for v in column if type(v) is int or (type(v) is float and not math.isnan(v))]
        if others or not known:
            return None
        try:
            mean = math.fsum(known) / len(known)
        except OverflowError:  # no float is that large
            mean = math.nan
        return {"last": known[-1], "min": min(known), "max": max(known), "mean": mean}
    if column.dtype.kind not in "fi":
        return None
    present = column[~np.isnan(column)] if column.dtype.kind == "f" else column
    if not len(present):
        return None
    return {
        "last": present[-1].item(),
        "min": present.min().item(),
        "max": present.max().item(),
        "mean": present.mean().item(),
    }


def best(runs: Iterable[RunRecord], metric: str, mode: str) -> RunRecord | None:
    """The run whose summary of `metric` is the least ("min") or the greatest ("max")."""
    found = [
        (value, run)
        for run in runs
        for value in (metric_number(resolve(run.summary, metric), mode, "best", "last"),)
        if isinstance(value, int | float) and not math.isnan(value)
    ]
    if not found:
        return None
    choose = min if mode == "min" else max
    return choose(found, key=lambda pair: pair[0])[1]
