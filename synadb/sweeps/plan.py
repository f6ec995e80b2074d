"""A sweep's config and what is made of it, once."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from typing import Any

from synadb.sweeps.config import SweepConfig
from synadb.sweeps.grid import Grid
from synadb.sweeps.hyperband import brackets
from synadb.sweeps.space import key_of
from synadb.sweeps.suggest import reached_target, suggest
from synadb.sweeps.trial import Extent, Trial

__all__ = ["Plan"]


class Plan:
    """How a sweep searches."""

    def __init__(self, config: SweepConfig) -> None:
        self.config = config
        self.method = config.method
        rule = config.early_terminate
        self.bands = brackets(rule) if rule is not None and config.metric is not None else []
        self._grid: Grid | None = None

    @property
    def grid(self) -> Grid:
        """The points of a grid search."""
        if self._grid is None:
            self._grid = Grid(self.config.space)
        return self._grid

    def draw(self, rng: random.Random) -> dict[str, Any]:
        """An independent draw."""
        return self.config.space.build(self.config.space.draw(rng))

    def point(self, params: Mapping[str, Any]) -> str | None:
        """What tells the point of these parameters from others; None where nobody asks."""
        if self.method == "grid":
            place = self.grid.point(params)
            return None if place is None else str(place)
        values = self.config.space.values(params)
        if values is None or self.method == "random":
            return None
        return hashlib.sha256(repr(key_of(values)).encode()).hexdigest()[:32]

    def suggest(self, trials: Sequence[Trial], rng: random.Random) -> dict[str, Any] | None:
        """What a search that learns from `trials` would try next."""
        found = suggest(self.config, rng, trials)
        return None if found is None else found.params

    def is_at_target(self, extents: Sequence[Extent]) -> bool:
        """Whether a run with these metrics ends the sweep."""
        return bool(extents) and reached_target(self.config, [Trial({}, metric=extents[0])])

    def chosen(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The part of a run's config that the sweep searches."""
        return _chosen(config, self.config.stored.get("parameters") or {})


def _chosen(config: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, spec in parameters.items():
        if name not in config:
            continue
        inner = spec.get("parameters") if isinstance(spec, Mapping) else None
        if inner and isinstance(config[name], Mapping):
            found[name] = _chosen(config[name], inner)
        else:
            found[name] = config[name]
    return found
