"""Grid search: points are numbered, so that which are taken is a set of whole numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from synadb.sweeps.laws import Arithmetic, Choice, identity
from synadb.sweeps.space import Parameter, Space

__all__ = ["GRID_DISTRIBUTIONS", "Grid"]

GRID_DISTRIBUTIONS = ("categorical", "constant", "int_uniform", "q_uniform")


class Grid:
    """All points of a grid in W&B's order: the last name varies fastest, values as listed.

    A value listed twice is one value. Nothing is enumerated: a grid of a billion points costs what
    a grid of two does.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.axes = [_Axis(parameter) for parameter in space.searched]
        self.size = 1
        for axis in self.axes:
            self.size *= len(axis.values)

    def params(self, point: int) -> dict[str, Any]:
        """The config of the point with this number."""
        values = []
        for axis in reversed(self.axes):
            point, place = divmod(point, len(axis.values))
            values.append(axis.values[place])
        return self.space.build(values[::-1])

    def point(self, params: Mapping[str, Any]) -> int | None:
        """The number of a run's point; None when its config lies on no point of the grid."""
        values = self.space.values(params)
        if values is None:
            return None
        point = 0
        for axis, value in zip(self.axes, values, strict=True):
            place = axis.place(value)
            if place is None:
                return None
            point = point * len(axis.values) + place
        return point

    def next(self, taken: Iterable[int], start: int = 0) -> int | None:
        """The first point from `start` on that is not taken; None when there is none."""
        known = taken if isinstance(taken, (set, frozenset)) else set(taken)
        return next((point for point in range(start, self.size) if point not in known), None)


class _Axis:
    """The distinct values of one parameter, and where each stands."""

    def __init__(self, parameter: Parameter) -> None:
        spec = parameter.spec
        self.keys: set[Any] = set()
        self.law: Choice | None = None
        self.places: dict[Any, int] = {}
        if parameter.distribution == "int_uniform":
            self.values: Sequence[Any] = range(spec["min"], spec["max"] + 1)
            self.law = Choice(self.values)
        elif parameter.distribution == "q_uniform":
            # Unlike a draw from q_uniform, which is anchored at 0: from `min` in steps, `max` out.
            self.values = Arithmetic(spec["min"], spec["max"], spec.get("q", 1.0))
            self.law = Choice(self.values)
        else:
            self._list(spec["values"])

    def _list(self, values: Sequence[Any]) -> None:
        # Where 3 and 3.0 are both listed, the later one is what a run gets.
        distinct = {identity(value): value for value in values}
        self.values = list(distinct.values())
        self.places = {key: place for place, key in enumerate(distinct)}
        for value in values:
            if isinstance(value, Mapping):
                self.keys.update(value)

    def place(self, value: Any) -> int | None:
        """Where `value` stands; keys that a run added to a dict do not count."""
        if self.law is not None:
            return self.law.index(value)
        if self.keys and isinstance(value, Mapping):
            value = {key: value[key] for key in value if key in self.keys}
        return self.places.get(identity(value))
