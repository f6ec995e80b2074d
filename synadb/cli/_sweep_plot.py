"""A picture of a sweep: parallel coordinates, and how much each parameter matters."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from synadb.cli._figure import new_figure, save
from synadb.cli._reading import flatten
from synadb.errors import InvalidValueError

if TYPE_CHECKING:
    from synadb.sweeps.view import Sweep

__all__ = ["draw", "importance", "scale"]

MAGNITUDES = 100.0  # from the least to the most, from where on an axis is logarithmic


def draw(sweep: Sweep, path: str) -> None:
    """Draw the ended trials of a sweep that have a value into a PNG file.

    Raises:
        InvalidValueError: there is nothing to draw.
        SynaDBError: matplotlib is not installed.
    """
    metric, trials = sweep.metric, sweep.trials
    known = [
        (flatten(trial.params), value)
        for trial, value in zip(trials, sweep.values(trials), strict=True)
        if value is not None
    ]
    if metric is None or not known:
        raise InvalidValueError(
            f"sweep {sweep.sweep_id} has no trial with a value of its metric: nothing to draw"
        )
    names = sorted({name for params, _ in known for name in params})
    columns = {name: _column([params.get(name) for params, _ in known]) for name in names}
    searched = [name for name in names if len(set(columns[name][0])) > 1] or names
    values = [value for _, value in known]
    size = (2.0 + 1.6 * (len(searched) + 1), 9.0)
    figure = new_figure("--plot", size, f"{sweep.name}: {len(known)} trials")
    lines, bars = figure.subplots(2, 1, height_ratios=(3, 2))
    _coordinates(lines, searched, columns, metric[0], values, maximize=metric[1])
    weights = importance([columns[name][0] for name in searched], values)
    order = sorted(range(len(searched)), key=weights.__getitem__)
    bars.barh([searched[i] for i in order], [weights[i] for i in order], color="#4477aa")
    bars.set_xlim(0, 1)
    bars.set_xlabel(f"importance for {metric[0]} (|rank correlation|, or share explained)")
    save(figure, path)


def _coordinates(
    axis: Any,
    names: Sequence[str],
    columns: dict[str, tuple[list[float], dict[float, str]]],
    metric: str,
    values: Sequence[float],
    *,
    maximize: bool,
) -> None:
    """A line a trial across one upright scale a parameter, the metric last; the best is bright."""
    from matplotlib import colormaps

    colors = colormaps["viridis"]
    drawn = [columns[name] for name in names] + [(list(values), {})]
    scales = [scale(column, is_named=bool(texts)) for column, texts in drawn]
    order = sorted(range(len(values)), key=values.__getitem__, reverse=not maximize)
    for rank, i in enumerate(order):  # the best on top
        # By rank: one run that went astray would leave all others one colour.
        axis.plot(
            range(len(drawn)),
            [height(column[i]) for (column, _), height in zip(drawn, scales, strict=True)],
            color=colors(rank / max(1, len(order) - 1)),
            alpha=0.7,
        )
    for place, ((column, texts), height) in enumerate(zip(drawn, scales, strict=True)):
        axis.axvline(place, color="#888888", linewidth=0.8)
        marks = texts or {number: f"{number:.4g}" for number in (min(column), max(column))}
        for number, text in marks.items():
            axis.text(place + 0.03, height(number), text[:20], fontsize=8)
    axis.set_xticks(range(len(drawn)), [*names, metric], rotation=20, ha="right")
    axis.set_yticks([])
    axis.set_xlim(-0.1, len(drawn) - 0.6)


def scale(column: Sequence[float], *, is_named: bool = False) -> Callable[[float], float]:
    """Where a value lies on its axis, from 0 to 1.

    By its logarithm where the numbers span orders of magnitude; `is_named` ones only stand for
    texts.
    """
    low, high = min(column), max(column)
    if low == high:
        return lambda value: 0.5
    if not is_named and low > 0 and high / low >= MAGNITUDES:
        return lambda value: math.log(value / low) / math.log(high / low)
    return lambda value: (value - low) / (high - low)


def _column(values: Sequence[Any]) -> tuple[list[float], dict[float, str]]:
    """Numbers as they are, without texts; anything else as its rank, with the texts."""
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return [float(value) for value in values], {}
    texts = sorted({str(value) for value in values})
    return [float(texts.index(str(value))) for value in values], {
        float(rank): text for rank, text in enumerate(texts)
    }


def importance(columns: Sequence[Sequence[float]], values: Sequence[float]) -> list[float]:
    """How much each column tells of the values, from 0 to 1.

    The larger of Spearman's rank correlation, for what rises or falls, and the root of the share
    of the ranks' variance that lies between up to five groups of the column's levels.
    """
    import numpy as np

    target = _ranks(np.asarray(values, float))
    found = []
    for column in columns:
        given = _ranks(np.asarray(column, float))
        if len(values) < 3 or np.ptp(given) == 0 or np.ptp(target) == 0:
            found.append(0.0)
            continue
        straight = abs(float(np.corrcoef(given, target)[0, 1]))
        levels = np.unique(given)
        groups = min(5, len(levels), max(2, len(values) // 4))
        edges = np.quantile(levels, np.linspace(0, 1, groups + 1)[1:-1])
        group = np.searchsorted(edges, given, side="right")
        total = float(((target - target.mean()) ** 2).sum())
        inside = sum(
            float(((target[group == g] - target[group == g].mean()) ** 2).sum())
            for g in np.unique(group)
        )
        # What groups of pure noise explain on average is taken off.
        used = len(np.unique(group))
        chance = (used - 1) / max(1, len(values) - 1)
        share = max(0.0, (1 - inside / total - chance) / (1 - chance)) if chance < 1 else 0.0
        found.append(min(1.0, max(straight, share**0.5)))
    return found


def _ranks(values: Any) -> Any:
    """Ranks, equal values sharing their mean rank."""
    import numpy as np

    levels, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2)[where.reshape(-1)] if len(levels) else values
