"""The search space of a sweep: its parameters, nested ones flattened, in W&B's order."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from synadb.sweeps.laws import Law, identity, law_of

__all__ = ["Parameter", "Space", "distribution_of", "key_of"]


class Parameter(NamedTuple):
    """A leaf of the config: `path` leads to it through nested ones; `law` is None if constant."""

    path: tuple[str, ...]
    distribution: str
    spec: Mapping[str, Any]
    law: Law | None

    @property
    def name(self) -> str:
        """The path with dots."""
        return ".".join(self.path)

    @property
    def constant(self) -> Any:
        """The value of a constant."""
        return self.spec["value"]


class Space:
    """The parameters sorted by name at each level, depth first."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.parameters = tuple(_leaves(parameters, ()))
        self.searched = tuple(p for p in self.parameters if p.law is not None)

    @property
    def laws(self) -> list[Law]:
        """The laws of the searched parameters."""
        return [p.law for p in self.searched if p.law is not None]

    def build(self, values: Sequence[Any]) -> dict[str, Any]:
        """The nested config of a run, from one value for each searched parameter."""
        found: dict[str, Any] = {}
        given = iter(values)
        for parameter in self.parameters:
            value = parameter.constant if parameter.law is None else next(given)
            inner = found
            for key in parameter.path[:-1]:
                inner = inner.setdefault(key, {})
            # A trial may change what it gets; the sweep's own values stay as they are.
            inner[parameter.path[-1]] = copy.deepcopy(value)
        return found

    def values(self, params: Mapping[str, Any]) -> list[Any] | None:
        """The searched values of a run's config; None when one of them is missing."""
        found = []
        for parameter in self.searched:
            inner: Any = params
            for key in parameter.path:
                if not isinstance(inner, Mapping) or key not in inner:
                    return None
                inner = inner[key]
            found.append(inner)
        return found

    def at(self, point: Sequence[float]) -> list[Any]:
        """The searched values at a point of the unit cube."""
        return [law.value(u) for law, u in zip(self.laws, point, strict=True)]

    def positions(self, values: Sequence[Any]) -> list[float | None]:
        """The point of the unit cube that stands for `values`; None for what is no value there."""
        return [law.position(value) for law, value in zip(self.laws, values, strict=True)]

    def draw(self, rng: random.Random) -> list[Any]:
        """One independent draw of every searched value."""
        return self.at([rng.random() for _ in self.searched])


def key_of(values: Sequence[Any]) -> tuple[Any, ...]:
    """A hashable stand-in for a point, equal for points that are the same to a sweep."""
    return tuple(identity(value) for value in values)


def _leaves(parameters: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[Parameter]:
    for key in sorted(parameters):
        spec = parameters[key]
        if "parameters" in spec:
            yield from _leaves(spec["parameters"], (*path, key))
        else:
            distribution = distribution_of(spec)
            yield Parameter((*path, key), distribution, spec, law_of(distribution, spec))


def distribution_of(spec: Mapping[str, Any]) -> str:
    """The distribution a valid parameter names, or the one its keys imply."""
    if "distribution" in spec:
        return str(spec["distribution"])
    if "value" in spec:
        return "constant"
    if "values" in spec:
        return "categorical_w_probabilities" if "probabilities" in spec else "categorical"
    whole = isinstance(spec["min"], int) and isinstance(spec["max"], int)
    return "int_uniform" if whole else "uniform"
