"""The one entry to every search: from a config and the trials so far to the next parameters."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from synadb.errors import InvalidValueError
from synadb.sweeps import random as random_search
from synadb.sweeps.config import SweepConfig
from synadb.sweeps.grid import Grid
from synadb.sweeps.trial import Trial

__all__ = ["Suggestion", "expected_count", "reached_target", "suggest"]


class Suggestion(NamedTuple):
    """What to run next: the run's config, and for a grid the number of its point."""

    params: dict[str, Any]
    point: int | None = None


def suggest(
    config: SweepConfig,
    rng: random.Random,
    trials: Sequence[Trial] = (),
    taken: Iterable[int] = (),
) -> Suggestion | None:
    """The next trial of a sweep; None when there is nothing left to try.

    A grid looks at `taken`, the numbers of the points that have been handed out; random at nothing;
    the others at `trials`, all of them in the order they were started, those under way included.
    `rng` decides everything that is random.

    Raises:
        InvalidValueError: the config leaves the search to the caller, or names an engine that is
        not there.
    """
    if config.method == "grid":
        grid = Grid(config.space)
        point = grid.next(taken)
        return None if point is None else Suggestion(grid.params(point), point)
    if config.method == "random":
        return Suggestion(random_search.suggest(config.space, rng))
    if config.method == "bayes":
        from synadb.sweeps import bayes

        return Suggestion(bayes.suggest(config, trials, rng))
    if config.engine == "optuna":
        from synadb.sweeps import optuna

        params = optuna.suggest(config, trials, rng)
        return None if params is None else Suggestion(params)
    raise InvalidValueError(
        "this sweep searches with `method: custom` and "
        + (
            f"`scheduler.engine: {config.engine}`; use `engine: optuna`"
            if config.engine != "wandb"
            else "no engine; give wandb.controller(...).configure_search(a function), or use "
            "grid, random or bayes"
        )
    )


def expected_count(config: SweepConfig) -> int | None:
    """How many runs the sweep will have: the grid's points, at most `run_cap`; None without end."""
    size = Grid(config.space).size if config.method == "grid" else None
    known = [count for count in (size, config.run_cap) if count is not None]
    return min(known, default=None)


def reached_target(config: SweepConfig, trials: Iterable[Trial]) -> bool:
    """Whether some trial has the value of the metric that ends the sweep."""
    metric = config.metric
    if metric is None or metric.target is None:
        return False
    for trial in trials:
        lowest, highest = trial.metric.lowest, trial.metric.highest
        if metric.goal == "maximize":
            if highest is not None and highest >= metric.target:
                return True
        elif lowest is not None and lowest <= metric.target:
            return True
    return False
