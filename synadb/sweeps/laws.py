"""The laws a parameter can follow: each turns a point of the unit interval into a value, and back.

Every law samples by its inverse distribution function, so that one uniform number decides a value
and a search that works in the unit cube sees log and normal parameters as flat.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

__all__ = [
    "BETA",
    "Arithmetic",
    "Choice",
    "Continuous",
    "Law",
    "Quantized",
    "identity",
    "law_of",
]

# A law with more levels than this is searched as if it were continuous.
MOST_LEVELS = 1000


class Law:
    """One parameter's distribution."""

    def value(self, u: float) -> Any:
        """The value at `u` in [0, 1]: the inverse distribution function."""
        raise NotImplementedError

    def position(self, value: Any) -> float | None:
        """Where `value` lies in [0, 1], the middle of its cell if it has one; None for no value."""
        raise NotImplementedError

    def cells(self) -> Sequence[float] | None:
        """The right ends of the cells in [0, 1], one a value listed; None when they are many."""
        raise NotImplementedError

    @property
    def places(self) -> int | None:
        """How many cells there are, some perhaps empty or alike; None when they have no end."""
        raise NotImplementedError

    def middle(self, place: int) -> float:
        """The middle of the cell with this number."""
        raise NotImplementedError


# --- continuous laws --------------------------------------------------------------------------


class Continuous(Law):
    """A law on the real line, given by two functions and two numbers."""

    def __init__(
        self, name: str, first: float, second: float, limits: tuple[float, float] | None = None
    ) -> None:
        self.name, self.first, self.second = name, first, second
        self.inverse, self.distribution = FUNCTIONS[name]
        self.limits = limits

    def value(self, u: float) -> float:
        """The value at `u`."""
        value = self.inverse(u, self.first, self.second)
        if self.limits is None:
            return value
        return min(max(value, self.limits[0]), self.limits[1])  # exp(log(x)) can miss x by a bit

    def position(self, value: Any) -> float | None:
        """The distribution function at `value`, bounded to [0, 1]."""
        if not is_number(value):
            return None
        return self.distribution(value, self.first, self.second)

    def cells(self) -> None:
        """None: no two draws are alike."""
        return

    @property
    def places(self) -> None:
        """None: without end."""
        return


def is_number(value: Any) -> bool:
    """Whether `value` is a finite number; True and False are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _flat_inverse(u: float, low: float, high: float) -> float:
    return low + u * (high - low)


def _flat(x: float, low: float, high: float) -> float:
    return min(1.0, max(0.0, (x - low) / (high - low)))


def _log_inverse(u: float, low: float, high: float) -> float:
    return _exp(low + u * (high - low))


def _exp(x: float) -> float:
    return math.exp(min(x, 709.0))  # e ** 710 is no float


def _log(x: float, low: float, high: float) -> float:
    return _flat(math.log(x), low, high) if x > 0 else 0.0


# Nearer to 0 and 1 the normal's inverse is infinite.
EDGE = 2.0**-60


@cache
def _unit_normal() -> Any:
    from statistics import NormalDist

    return NormalDist()


def _normal_inverse(u: float, mean: float, deviation: float) -> float:
    if deviation == 0:
        return mean
    # 1 - EDGE is 1.0 in floating point; the upper tail is the lower one's mirror image.
    lower = max(EDGE, u) if u <= 0.5 else max(EDGE, 1 - u)
    standard: float = _unit_normal().inv_cdf(lower)
    return mean + deviation * (standard if u <= 0.5 else -standard)


def _normal(x: float, mean: float, deviation: float) -> float:
    if deviation == 0:
        return 0.5
    return 0.5 * math.erfc((mean - x) / (deviation * math.sqrt(2)))


def _log_normal_inverse(u: float, mean: float, deviation: float) -> float:
    return _exp(_normal_inverse(u, mean, deviation))


def _log_normal(x: float, mean: float, deviation: float) -> float:
    return _normal(math.log(x), mean, deviation) if x > 0 else 0.0


def _beta_inverse(u: float, a: float, b: float) -> float:
    """By bisection: the distribution function is monotone, and 60 halvings reach its precision."""
    if a == 0 or b == 0:  # the limits of the law: all the weight at one end, or half at each
        return float(b == 0) if a != b else float(u >= 0.5)
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _beta(middle, a, b) < u:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function by its continued fraction (DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if a == 0 or b == 0:
        return 0.5
    if x > (a + 1) / (a + b + 2):  # where the fraction of the mirror image converges faster
        return 1 - _beta_fraction(1 - x, b, a)
    return _beta_fraction(x, a, b)


def _beta_fraction(x: float, a: float, b: float) -> float:
    front = math.exp(
        math.lgamma(a + b)
        - math.lgamma(a)
        - math.lgamma(b)
        + a * math.log(x)
        + b * math.log1p(-x)
        - math.log(a)
    )
    # Lentz's algorithm (Thompson and Barnett 1986).
    tiny = 1e-300
    c, d = 1.0, 1 / ((1 - (a + b) * x / (a + 1)) or tiny)
    result = d
    for m in range(1, 400):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        before = result
        for term in (even, odd):
            d = 1 / ((1 + term * d) or tiny)
            c = (1 + term / c) or tiny
            result *= c * d
        if abs(result - before) <= 1e-15 * abs(result):
            break
    return front * result


BETA = "beta"
FUNCTIONS = {
    "uniform": (_flat_inverse, _flat),
    "log_uniform": (_log_inverse, _log),
    "normal": (_normal_inverse, _normal),
    "log_normal": (_log_normal_inverse, _log_normal),
    BETA: (_beta_inverse, _beta),
}


# --- discrete laws ----------------------------------------------------------------------------


class Quantized(Law):
    """A continuous law rounded, half to even, to multiples of `q`; never clipped to its bounds."""

    def __init__(self, base: Continuous, q: float) -> None:
        self.base, self.q = base, q
        self._ends: list[float] | None = None

    def value(self, u: float) -> Any:
        """The multiple of `q` at `u`: an int when `q` is one."""
        return round(self.base.value(u) / self.q) * self.q

    def position(self, value: Any) -> float | None:
        """The middle of the cell of what `value` rounds to."""
        if not is_number(value):
            return None
        step = round(value / self.q)
        left = self.base.position((step - 0.5) * self.q) or 0.0
        right = self.base.position((step + 0.5) * self.q)
        return (left + (1.0 if right is None else right)) / 2

    def cells(self) -> Sequence[float] | None:
        """The right ends of the cells that hold all but a millionth of the weight."""
        if self._ends is None:
            steps = self._steps()
            if len(steps) > MOST_LEVELS:
                return None
            ends = [self.base.position((k + 0.5) * self.q) or 0.0 for k in steps[:-1]]
            self._ends = [*ends, 1.0]
        return self._ends

    def _steps(self) -> range:
        margin = 5e-7 if self._unbounded else 0.0
        first = round(self.base.value(margin) / self.q)
        return range(first, round(self.base.value(1 - margin) / self.q) + 1)

    @property
    def _unbounded(self) -> bool:
        return self.base.name in {"normal", "log_normal"} and self.base.second > 0

    @property
    def places(self) -> int | None:
        """The number of cells; None for the laws without bounds, which never run out."""
        return None if self._unbounded else len(self._steps())

    def middle(self, place: int) -> float:
        """The middle of the cell of the step with this number."""
        return self.position(self._steps()[place] * self.q) or 0.0


class Choice(Law):
    """One of `values`, each as likely as its weight, equally likely without weights."""

    def __init__(self, values: Sequence[Any], weights: Sequence[float] | None = None) -> None:
        self.values = values
        self._ends: list[float] | None = None
        self._places: dict[Any, int] | None = None
        if weights is not None:
            total, ends = sum(weights), []
            reached = 0.0
            for weight in weights:
                reached += weight / total
                ends.append(reached)
            last = max(i for i, weight in enumerate(weights) if weight > 0)
            ends[last:] = [1.0] * (len(ends) - last)
            self._ends = ends

    def place(self, u: float) -> int:
        """The index of the value at `u`."""
        if self._ends is None:
            return min(int(u * len(self.values)), len(self.values) - 1)
        return bisect_right(self._ends, u) if u < 1 else bisect_left(self._ends, 1.0)

    def value(self, u: float) -> Any:
        """The value at `u`."""
        return self.values[self.place(u)]

    def index(self, value: Any) -> int | None:
        """Where `value` stands among the values; None when it is not one of them."""
        if isinstance(self.values, (range, Arithmetic)):
            return _place_in_steps(self.values, value)
        if self._places is None:
            self._places = {}
            for number, known in enumerate(self.values):
                self._places.setdefault(identity(known), number)
        return self._places.get(identity(value))

    def position(self, value: Any) -> float | None:
        """The middle of the cell of `value`."""
        place = self.index(value)
        return None if place is None else self.middle(place)

    def cells(self) -> Sequence[float] | None:
        """The right ends of the cells, one a value."""
        if len(self.values) > MOST_LEVELS:
            return None
        if self._ends is not None:
            return self._ends
        return [(number + 1) / len(self.values) for number in range(len(self.values))]

    @property
    def places(self) -> int:
        """The number of values listed."""
        return len(self.values)

    def middle(self, place: int) -> float:
        """The middle of the cell of the value with this number."""
        if self._ends is None:
            return (place + 0.5) / len(self.values)
        return ((self._ends[place - 1] if place else 0.0) + self._ends[place]) / 2


class Arithmetic(Sequence[Any]):
    """`start, start + step, ...` below `stop`, as numpy's arange has them, without holding them."""

    def __init__(self, start: float, stop: float, step: float) -> None:
        self.start, self.size = start, max(0, math.ceil((stop - start) / step))
        self.step = (start + step) - start  # numpy takes the difference of the first two

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: Any) -> Any:
        if not 0 <= index < self.size:
            raise IndexError(index)
        return self.start + index * self.step


def _place_in_steps(values: range | Arithmetic, value: Any) -> int | None:
    if not is_number(value) or not values:
        return None
    step = 1 if isinstance(values, range) else values.step
    number = round((value - values[0]) / step)
    return number if 0 <= number < len(values) and values[number] == value else None


# --- identity ---------------------------------------------------------------------------------


class _Kind(NamedTuple):
    """A value that must not be taken for another that Python holds equal to it."""

    kind: str
    content: Any


def identity(value: Any) -> Any:
    """A hashable stand-in that is equal for values a sweep takes to be the same.

    3 and 3.0 are the same; True, 1, "1" and None are not. Inside a list or a dict 3 and 3.0 differ,
    as in W&B's engine, which compares the YAML of the whole.
    """
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return _inner(value)


def _inner(value: Any) -> Any:
    if isinstance(value, dict):
        items = sorted(((str(key), type(key).__name__), _inner(v)) for key, v in value.items())
        return _Kind("dict", tuple(items))
    if isinstance(value, (list, tuple)):
        return _Kind(type(value).__name__, tuple(_inner(v) for v in value))
    if isinstance(value, bool) or not isinstance(value, (int, str, type(None))):
        return _Kind(type(value).__name__, repr(value))
    return value


# --- from a config ----------------------------------------------------------------------------


def law_of(distribution: str, spec: Mapping[str, Any]) -> Law | None:
    """The law that a valid parameter's keys describe; None for a constant."""
    if distribution == "constant":
        return None
    if distribution == "categorical":
        return Choice(spec["values"])
    if distribution == "categorical_w_probabilities":
        return Choice(spec["values"], spec["probabilities"])
    if distribution == "int_uniform":
        return Choice(range(spec["min"], spec["max"] + 1))
    plain = distribution.removeprefix("q_")
    base = _continuous(plain, spec)
    return Quantized(base, spec.get("q", 1.0)) if plain != distribution else base


def _continuous(name: str, spec: Mapping[str, Any]) -> Continuous:
    if name == BETA:
        return Continuous(BETA, spec.get("a", 1), spec.get("b", 1))
    if name in {"normal", "log_normal"}:
        return Continuous(name, spec.get("mu", 0.0), spec.get("sigma", 1.0))
    low, high = spec["min"], spec["max"]
    if name == "uniform":
        return Continuous(name, low, high)
    if name.endswith("_values"):
        # ln(1/x) uniform between the bounds is ln x uniform between them: one law, two names.
        return Continuous("log_uniform", math.log(low), math.log(high), (low, high))
    if name == "inv_log_uniform":
        return Continuous("log_uniform", -high, -low)
    return Continuous("log_uniform", low, high)
