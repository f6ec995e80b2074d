"""What a search knows of a trial, however it is stored."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any, NamedTuple

__all__ = ["FAILED", "FLYING", "NOTHING", "Extent", "Trial", "extent_of", "finite"]

FAILED = frozenset({"failed", "crashed", "killed"})
FLYING = frozenset({"pending", "running", "preempting", "preempted"})


class Extent(NamedTuple):
    """What a search needs of a run's metric; each is None while there is no such number.

    `lowest` and `highest` are over history and summary, `latest` is the last of the history,
    `final` the summary's value.
    """

    lowest: float | None = None
    highest: float | None = None
    latest: float | None = None
    final: float | None = None


NOTHING = Extent()


class Trial(NamedTuple):
    """One trial of a sweep.

    `params` is the run's config, nested as the run has it; `state` a run's state (pending, running,
    finished, failed, crashed, killed, preempting, preempted); `metric` the extent of the sweep's
    metric, `others` those of the second metric and on where the config has `metrics`.
    """

    params: Mapping[str, Any]
    state: str = "pending"
    metric: Extent = NOTHING
    others: tuple[Extent, ...] = ()


def finite(value: Any) -> bool:
    """Whether a logged value is a measurement: a number, not NaN, not infinite, not a bool."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond the floats
        return False


def extent_of(history: Iterable[Any], summary: Any = None) -> Extent:
    """The extent of a metric from the values logged, in order, and the summary's value.

    What is no measurement is left out. The summary counts for the lowest and the highest, since a
    run may set it without logging.
    """
    known = [float(value) for value in history if finite(value)]
    final = float(summary) if finite(summary) else None
    both = known if final is None else [*known, final]
    if not both:
        return NOTHING
    return Extent(min(both), max(both), known[-1] if known else None, final)
