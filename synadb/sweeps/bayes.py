"""Bayesian search: a Gaussian process over the unit cube, and the point that promises most.

Trials become points of the unit cube by their laws, so that a log-uniform parameter is searched on
its log; listed numbers stand at their rank, other listed values one-hot. Values are made more
normal by a power of Yeo and Johnson (2000), so that one huge loss does not hide the rest. The next
point has the largest expected improvement (Jones, Schonlau and Welch, Efficient Global
Optimization of Expensive Black-Box Functions, 1998), taken as a logarithm because it underflows
far from the best; trials under way count with the values the process believes in.

A process that trusts itself polishes the first good point it meets. So a part of the suggestions
comes from one length for all parameters, a part from a coarse look at the whole cube, and where
values are listed a part goes to the best of one of them, judged by its own trials: the parameters
of a branch that the other trials never use are then learned too.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from synadb.sweeps import gp
from synadb.sweeps.config import Metric, SweepConfig
from synadb.sweeps.gp import Array
from synadb.sweeps.laws import Choice, Continuous, Law, is_number
from synadb.sweeps.space import Space, key_of
from synadb.sweeps.threads import one_thread
from synadb.sweeps.trial import FAILED, FLYING, Trial

__all__ = ["suggest"]

# Trials before the process has a say, spread over the cube.
FIRST = 6
# Shares of the suggestions: one length for all, a coarse look, one listed value by itself.
ALIKE, COARSE, BRANCH = 0.3, 1 / 3, 0.5
# A branch is judged by its own trials once there are so many.
BRANCH_TRIALS = 4
# What keeps a suggestion cheap: observations in the fit of the lengths, in the process, believers.
FITTED, OBSERVED, BELIEVED = 100, 250, 64
# Candidates: over the whole cube, near the best, and those refined how often with how many tries.
WIDE, NEAR, REFINED, ROUNDS, TRIES = 500, 500, 8, 8, 24
# Listed values beyond this are taken as ordered as listed.
MOST_COLUMNS = 64
# Free points looked at when the candidates are all taken.
SCANNED = 512

Score = Callable[[Array], Array]


def suggest(config: SweepConfig, trials: Sequence[Trial], rng: random.Random) -> dict[str, Any]:
    """The config of the next trial, given those so far in the order they were started."""
    search = _Search(config.space, rng)
    assert config.metric is not None
    for values, objective in _observations(config.space, config.metric, trials):
        search.add(values, objective)
    with one_thread():
        return config.space.build(search.values())


# --- what the trials say ------------------------------------------------------------------------


def _observations(
    space: Space, metric: Metric, trials: Sequence[Trial]
) -> Iterator[tuple[list[Any], float | None]]:
    """Each trial's values and its objective to be made small; None while it is under way."""
    sign = -1.0 if metric.goal == "maximize" else 1.0
    known = [_objective(metric, trial) for trial in trials]
    reached = [sign * value for value in known if value is not None]
    worst = max(reached) if reached else None
    for trial, value in zip(trials, known, strict=True):
        values = space.values(trial.params)
        if values is None:
            continue  # a run of another sweep's making: it says nothing of this space
        if value is not None:
            yield values, sign * value
        elif trial.state in FLYING:
            yield values, None
        elif worst is not None:
            yield values, worst
        else:
            yield values, math.inf  # nothing measured yet: where it lies is all that is known


def _objective(metric: Metric, trial: Trial) -> float | None:
    """A trial's own objective; None where one must be assumed."""
    best = trial.metric.highest if metric.goal == "maximize" else trial.metric.lowest
    choices = {"best": best, "latest": trial.metric.latest, "worst": None}
    if trial.state in FAILED:
        return choices[metric.impute]
    if trial.state in FLYING:
        chosen = metric.impute_while_running
        return None if chosen in {"false", "worst"} else choices[chosen]
    return best


# --- how parameters become columns ---------------------------------------------------------------


class _Axis:
    """One parameter in the process: one column, or one for each of the listed values."""

    def __init__(self, law: Law) -> None:
        ends = law.cells()
        self.ends: Array | None = None if ends is None else np.array(ends, dtype=float)
        self.branches: list[int] = []
        if self.ends is None:
            return
        lefts = np.concatenate([[0.0], self.ends[:-1]])
        self.middles = (lefts + self.ends) / 2
        self.table = self.middles[:, None]
        if isinstance(law, Choice) and not isinstance(law.values, range):
            if all(is_number(value) for value in law.values):
                # Spaced by rank: 16, 32, 64 and 1e-5, 1e-3, 1 are both lists of steps.
                _, ranks = np.unique(np.array(law.values, dtype=float), return_inverse=True)
                self.table = ((ranks + 0.5) / (ranks.max() + 1))[:, None]
            elif 1 < len(law.values) <= MOST_COLUMNS:
                self.table = np.eye(len(law.values)) / math.sqrt(2)  # all at distance 1
                self.branches = [int(cell) for cell in np.flatnonzero(lefts < self.ends)]

    @property
    def width(self) -> int:
        return 1 if self.ends is None else self.table.shape[1]

    def cell(self, u: Array) -> Any:
        assert self.ends is not None
        return np.minimum(np.searchsorted(self.ends, u, side="right"), len(self.ends) - 1)

    def columns(self, u: Array) -> Array:
        return u[:, None] if self.ends is None else self.table[self.cell(u)]


class _Known(NamedTuple):
    """Points of the unit cube with their objectives, and those under way."""

    points: Array
    objectives: Array
    flying: Array


class _Branch(NamedTuple):
    """A search held at one listed value."""

    axis: int
    cell: int
    middle: float


# --- the search ---------------------------------------------------------------------------------


class _Search:
    def __init__(self, space: Space, rng: random.Random) -> None:
        self.space = space
        self.random = np.random.default_rng(rng.getrandbits(64))
        self.axes = [_Axis(law) for law in space.laws]
        self.groups = np.repeat(np.arange(len(self.axes)), [axis.width for axis in self.axes])
        # Two draws of a continuous parameter are never alike: nothing to keep track of.
        self.repeats = not any(isinstance(law, Continuous) for law in space.laws)
        self.taken: set[Any] = set()
        self.points: list[tuple[list[float], float | None]] = []

    def add(self, values: list[Any], objective: float | None) -> None:
        if self.repeats:
            self.taken.add(key_of(values))
        point = self.space.positions(values)
        if None not in point:
            self.points.append(([u for u in point if u is not None], objective))

    def values(self) -> list[Any]:
        """The values to try next."""
        measured = [(p, y) for p, y in self.points if y is not None and math.isfinite(y)]
        if len(self.points) < FIRST or len(measured) < 2:
            return self._spread()
        known = _Known(
            self._array([p for p, _ in measured]),
            np.array([y for _, y in measured]),
            self._array([p for p, y in self.points if y is None][-BELIEVED:]),
        )
        return self._improve(known)

    def _array(self, points: Sequence[Sequence[float]]) -> Array:
        return np.array(points, dtype=float).reshape(len(points), len(self.axes))

    def _encode(self, points: Array) -> Array:
        return np.hstack([a.columns(points[:, i]) for i, a in enumerate(self.axes)])

    def _spread(self) -> list[Any]:
        """Of some random points the one farthest from all trials."""
        points = self.random.random((64, len(self.axes)))
        if not self.points:
            return self._first_free(points, None)
        there = self._encode(self._array([p for p, _ in self.points[-OBSERVED:]]))
        here = self._encode(points)
        distance = ((here[:, None, :] - there[None, :, :]) ** 2).sum(2).min(1)
        return self._first_free(points[np.argsort(-distance)], None)

    def _improve(self, known: _Known) -> list[Any]:
        branch = self._branch()
        mine = np.ones(len(known.points), dtype=bool)
        if branch is not None:
            inside = self._inside(known.points, branch)
            if inside.sum() >= BRANCH_TRIALS:
                flying = known.flying[self._inside(known.flying, branch)]
                known = _Known(known.points[inside], known.objectives[inside], flying)
                mine = mine[inside]
            elif inside.any():
                mine = inside
        score = self._score(known, mine)
        wide = self._hold(self.random.random((WIDE, len(self.axes))), branch)
        if self.random.random() < COARSE:
            return self._first_free(wide[np.argsort(-score(wide))], score)
        order = np.argsort(known.objectives[mine])[:5]
        near = self._near(known.points[mine][order], branch)
        candidates = np.vstack([wide, near])
        worth = score(candidates)
        best = np.argsort(-worth)
        refined = self._refine(candidates[best[:REFINED]], worth[best[:REFINED]], score, branch)
        return self._first_free(np.vstack([refined, candidates[best]]), score)

    def _branch(self) -> _Branch | None:
        listed = [number for number, axis in enumerate(self.axes) if axis.branches]
        if not listed or self.random.random() >= BRANCH:
            return None
        number = int(self.random.choice(listed))
        axis = self.axes[number]
        cell = int(self.random.choice(axis.branches))
        return _Branch(number, cell, float(axis.middles[cell]))

    def _inside(self, points: Array, branch: _Branch) -> Any:
        return self.axes[branch.axis].cell(points[:, branch.axis]) == branch.cell

    def _hold(self, points: Array, branch: _Branch | None) -> Array:
        points = np.clip(points, 0.0, 1.0)
        if branch is not None:
            points[:, branch.axis] = branch.middle
        return points

    def _score(self, known: _Known, mine: Any) -> Score:
        """The log of the improvement expected on the best of `mine`, at points of the unit cube."""
        kept = self._kept(known.objectives, OBSERVED)
        values = _normalised(known.objectives[kept])
        points, mine = self._encode(known.points[kept]), mine[kept]
        fitted = self._kept(values, FITTED)
        alike = self.random.random() < ALIKE
        groups = np.zeros_like(self.groups) if alike else self.groups
        theta = gp.fit(points[fitted], values[fitted], groups, parameters=len(self.axes))
        process = gp.Process(points, values, groups, theta)
        # The best believed mean, not the least value seen: noise makes lucky ones.
        best = float(process.predict(points)[0][mine if mine.any() else slice(None)].min())
        flying = self._encode(known.flying)
        if len(flying):
            # What is believed of them must be beaten too, else their neighbours promise it again.
            best = min(best, float(process.predict(flying)[0].min()))
            process = process.with_believers(flying)
        return lambda at: _log_improvement(best, *process.predict(self._encode(at)))

    def _kept(self, objectives: Array, most: int) -> Any:
        """All, or of too many the best half and a draw of the others."""
        if len(objectives) <= most:
            return np.arange(len(objectives))
        order = np.argsort(objectives)
        half = most // 2
        others = self.random.choice(order[half:], most - half, replace=False)
        return np.sort(np.concatenate([order[:half], others]))

    def _near(self, tops: Array, branch: _Branch | None) -> Array:
        points = tops[self.random.integers(len(tops), size=NEAR)]
        scale = self.random.choice([0.2, 0.05, 0.01], size=(NEAR, 1))
        moved = self.random.random(points.shape) < 0.6
        return self._hold(points + scale * moved * self.random.normal(size=points.shape), branch)

    def _refine(self, points: Array, worth: Array, score: Score, branch: _Branch | None) -> Array:
        """Climb from each point by random steps that grow smaller."""
        count, width = points.shape
        size = 0.1
        for _ in range(ROUNDS):
            tries = np.repeat(points, TRIES, axis=0)
            scale = size * 10 ** self.random.uniform(-1, 0, size=(len(tries), 1))
            moved = self.random.random(tries.shape) < max(0.4, 1.5 / width)
            step = scale * moved * self.random.normal(size=tries.shape)
            tries = self._hold(tries + step, branch)
            found = score(tries).reshape(count, TRIES)
            chosen = tries.reshape(count, TRIES, width)[np.arange(count), found.argmax(1)]
            better = found.max(1) > worth
            points = np.where(better[:, None], chosen, points)
            worth = np.where(better, found.max(1), worth)
            size *= 0.6
        return points[np.argsort(-worth)]

    def _first_free(self, points: Array, score: Score | None) -> list[Any]:
        """The first point that no trial has; any free one before a repetition."""
        if not self.repeats:
            return self.space.at(points[0].tolist())
        for point in points.tolist():
            values = self.space.at(point)
            if key_of(values) not in self.taken:
                return values
        free = self._array(list(itertools.islice(self._free(), SCANNED)))
        if not len(free):
            return self.space.at(points[0].tolist())  # every point has been tried
        return self.space.at(free[0 if score is None else int(score(free).argmax())].tolist())

    def _free(self) -> Iterator[list[float]]:
        """Points of a finite space that no trial has, from a random one on."""
        laws = self.space.laws
        counts = [count for law in laws if (count := law.places) is not None]
        if len(counts) < len(laws):
            return
        size = math.prod(counts)
        start = int(self.random.integers(min(size, 2**62)))
        for number in itertools.chain(range(start, size), range(start)):
            point = []
            for law, count in zip(laws, counts, strict=True):
                number, place = divmod(number, count)
                point.append(law.middle(place))
            if key_of(self.space.at(point)) not in self.taken:
                yield point


def _log_improvement(best: float, mean: Array, deviation: Array) -> Array:
    """Log of deviation (z Phi(z) + phi(z)) with z = (best - mean) / deviation."""
    z = (best - mean) / deviation
    tail = np.fromiter(map(math.erfc, (-z / math.sqrt(2)).tolist()), float, len(z)) / 2
    near = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi) + z * tail
    # Far out the two terms cancel; what is left goes as phi(z) / z².
    low = np.minimum(z, -1.0)
    far = -0.5 * low * low - 0.5 * math.log(2 * math.pi) - 2 * np.log(-low)
    return np.asarray(np.log(deviation) + np.where(z > -25, np.log(np.maximum(near, 1e-300)), far))


POWERS = np.linspace(-3.0, 2.0, 26)[:, None]


def _normalised(objectives: Array) -> Array:
    """Mean 0 and deviation 1, after the power that makes the values most like a normal sample."""
    scaled = objectives / max(float(np.abs(objectives).max()), 1e-300)
    centred = scaled - np.median(scaled)
    spread = float(centred.std())
    if spread == 0:
        return np.zeros_like(objectives)
    y = centred / spread
    up, down = np.log1p(np.maximum(y, 0.0)), np.log1p(np.maximum(-y, 0.0))
    bent = _power(up, POWERS) - _power(down, 2 - POWERS)
    likelihood = -0.5 * len(y) * np.log(bent.var(1) + 1e-300)
    likelihood += (POWERS[:, 0] - 1) * (up - down).sum()
    best: Array = bent[likelihood.argmax()]
    return np.asarray((best - best.mean()) / best.std())


def _power(log: Array, power: Array) -> Array:
    """((1 + y) ** power - 1) / power from log(1 + y); its limit, the log, where the power is 0."""
    safe = np.where(np.abs(power) < 1e-9, 1.0, power)
    return np.where(np.abs(power) < 1e-9, log, np.expm1(safe * log) / safe)
