"""Runs side by side: their parameters and metrics, and which of them is the best."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from synadb.query import resolve
from synadb.records import History, RunRecord

__all__ = ["best", "side_by_side"]


def side_by_side(
    found: Iterable[tuple[RunRecord, History]],
) -> dict[str, dict[str, dict[str, Any]]]:
    """`{"params": {name: {run: value}}, "metrics": {name: {run: {last, min, max, mean}}}}`."""
    import numpy as np

    params: dict[str, dict[str, Any]] = {}
    metrics: dict[str, dict[str, Any]] = {}
    for run, history in found:
        for key, value in run.config.items():
            params.setdefault(key, {})[run.run_id] = value
        for key, column in history.columns.items():
            if column.dtype.kind not in "fi":
                continue
            known = column[~np.isnan(column)] if column.dtype.kind == "f" else column
            if len(known):
                metrics.setdefault(key, {})[run.run_id] = {
                    "last": known[-1].item(),
                    "min": known.min().item(),
                    "max": known.max().item(),
                    "mean": known.mean().item(),
                }
    return {"params": params, "metrics": metrics}


def best(runs: Iterable[RunRecord], metric: str, mode: str) -> RunRecord | None:
    """The run whose summary of `metric` is the least ("min") or the greatest ("max")."""
    found = [
        (value, run)
        for run in runs
        for value in (resolve(run.summary, metric),)
        if isinstance(value, int | float) and not math.isnan(value)
    ]
    if not found:
        return None
    choose = min if mode == "min" else max
    return choose(found, key=lambda pair: pair[0])[1]
