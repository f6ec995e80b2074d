"""What a search knows of a run: the numbers that it has logged of the sweep's metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synadb.errors import MetricNotFoundError, RunNotFoundError
from synadb.sweeps.hyperband import Curve, curve_of
from synadb.sweeps.trial import Extent, extent_of

if TYPE_CHECKING:
    from synadb.storage import Store
    from synadb.sweeps.plan import Plan

__all__ = ["curve", "extents"]


def extents(store: Store, run_id: str, plan: Plan) -> list[Extent]:
    """The extent of each metric of the sweep, over history and summary; none without the run."""
    if not plan.config.metrics:
        return []
    try:
        summary = store.get_run(run_id).summary
        return [
            extent_of(_history(store, run_id, metric.name), _inside(summary, metric.name))
            for metric in plan.config.metrics
        ]
    except RunNotFoundError:
        return []


def curve(store: Store, run_id: str, plan: Plan) -> Curve:
    """How the metric stands at the brackets of early termination."""
    metric = plan.config.metric
    if metric is None:
        return Curve()
    try:
        return curve_of(_history(store, run_id, metric.name), plan.bands)
    except RunNotFoundError:
        return Curve()


def _history(store: Store, run_id: str, name: str) -> list[float]:
    """The values of a metric in the order of their steps; a dotted name leads into nested dicts."""
    try:
        return [float(value) for value in store.get_metric(run_id, name).values.tolist()]
    except MetricNotFoundError:
        if "." not in name:
            return []
    found = (_inside(row, name) for row in store.rows(run_id))
    return [float(value) for value in found if _is_number(value)]


def _inside(values: Mapping[str, Any], name: str) -> Any:
    if name in values:
        return values[name]
    inner: Any = values
    for part in name.split("."):
        if not isinstance(inner, Mapping) or part not in inner:
            return None
        inner = inner[part]
    return inner


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
