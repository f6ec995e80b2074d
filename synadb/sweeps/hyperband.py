"""Early stopping as W&B's: the brackets of Hyperband (Li et al. 2018), a cut at each.

An iteration is one finite value of the metric, whatever its step.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from synadb.sweeps.config import Hyperband, SweepConfig
from synadb.sweeps.trial import finite

__all__ = ["Curve", "brackets", "curve_of", "decide"]

# Beyond this no run logs.
LAST = 10**12


class Curve(NamedTuple):
    """What the brackets need of a run's history, a few numbers however long it is.

    `at` has the metric at each bracket reached; `length` is the number of values.
    """

    length: int = 0
    lowest: float = 0.0
    highest: float = 0.0
    at: tuple[float, ...] = ()


def brackets(rule: Hyperband) -> list[int]:
    """The iterations at which trials are compared, ascending."""
    found = []
    if rule.max_iter is not None:
        band = float(rule.max_iter)
        for _ in range(rule.s):
            band /= rule.eta
            if band < 1:
                break
            found.append(int(band))
        return sorted(found)
    band = rule.min_iter or 1
    while band < LAST and len(found) < 100:
        found.append(int(band))
        band *= rule.eta
    return found


def curve_of(history: Iterable[Any], bands: Sequence[int]) -> Curve:
    """The curve of a metric's values in the order logged; what is no finite number is left out."""
    known = [float(value) for value in history if finite(value)]
    if not known:
        return Curve()
    at = tuple(known[band - 1] for band in bands if band <= len(known))
    return Curve(len(known), min(known), max(known), at)


def decide(
    config: SweepConfig, curves: Mapping[str, Curve], running: Collection[str]
) -> dict[str, str]:
    """The running trials to stop, each with the reason, from the curves of all trials.

    Curves are made by `curve_of` with this config's `brackets`. Without `early_terminate`, or
    without a metric to judge by, nothing is stopped.
    """
    rule, metric = config.early_terminate, config.metric
    if rule is None or metric is None:
        return {}
    sign = -1.0 if metric.goal == "maximize" else 1.0
    bands = brackets(rule)
    cuts = [_cut(curves.values(), place, sign, rule.eta) for place in range(len(bands))]
    stopped = {}
    for name in running:
        curve = curves.get(name, Curve())
        if not curve.at:
            continue
        place = len(curve.at) - 1
        value = sign * curve.at[place]
        if not rule.strict:
            value = min(sign * curve.lowest, sign * curve.highest)
        cut = cuts[place]
        if value > cut:
            count = sum(len(other.at) > place for other in curves.values())
            at = f"at iteration {bands[place]}" if rule.strict else "at best"
            stopped[name] = (
                f"hyperband: {metric.name} {at} was {sign * value:.6g}, beyond {sign * cut:.6g}, "
                f"the cut of iteration {bands[place]} among {count} runs "
                f"(1 in {rule.eta:g} goes on)"
            )
    return stopped


def _cut(curves: Iterable[Curve], place: int, sign: float, eta: float) -> float:
    values = sorted(sign * curve.at[place] for curve in curves if len(curve.at) > place)
    return values[int(1.0 / eta * len(values))] if values else float("inf")
