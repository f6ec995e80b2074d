"""Every distribution draws by its law: against closed forms, with fixed seeds."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from synadb.sweeps.config import parse
from synadb.sweeps.laws import Arithmetic, Choice, identity, law_of
from synadb.sweeps.space import distribution_of
from synadb.sweeps.suggest import suggest

DRAWS = 4000
# The Kolmogorov-Smirnov distance that one sample in a thousand exceeds, and chi-square quantiles.
FAR = 1.95 / math.sqrt(DRAWS)
QUANTILES = {1: 10.83, 2: 13.82, 3: 16.27, 4: 18.47, 5: 20.52, 6: 22.46, 7: 24.32, 8: 26.12}


def draws(spec: dict[str, Any], seed: int = 1) -> list[Any]:
    config = parse({"method": "random", "parameters": {"p": spec}})
    rng = random.Random(seed)
    found = [suggest(config, rng) for _ in range(DRAWS)]
    return [suggestion.params["p"] for suggestion in found if suggestion is not None]


def distance(sample: list[float], law: Callable[[float], float]) -> float:
    """Kolmogorov and Smirnov's: the largest gap between the sample's distribution and the law."""
    n = len(sample)
    places = ((i, law(x)) for i, x in enumerate(sorted(sample)))
    return max(max(p - i / n, (i + 1) / n - p) for i, p in places)


NORMAL = NormalDist(2, 3)
CONTINUOUS: list[tuple[dict[str, Any], Callable[[float], float]]] = [
    ({"min": -2.0, "max": 3.0}, lambda x: (x + 2) / 5),
    ({"min": -2, "max": 3, "distribution": "uniform"}, lambda x: (x + 2) / 5),
    (
        {"min": 1e-5, "max": 1e-1, "distribution": "log_uniform_values"},
        lambda x: math.log(x / 1e-5) / math.log(1e4),
    ),
    ({"min": -3, "max": 2, "distribution": "log_uniform"}, lambda x: (math.log(x) + 3) / 5),
    (
        {"min": 1e-5, "max": 1e-1, "distribution": "inv_log_uniform_values"},
        lambda x: 1 - (math.log(1 / x) - math.log(10)) / math.log(1e4),
    ),
    (
        {"min": -3, "max": 2, "distribution": "inv_log_uniform"},
        lambda x: 1 - (math.log(1 / x) + 3) / 5,
    ),
    ({"distribution": "normal"}, NormalDist().cdf),
    ({"distribution": "normal", "mu": 2, "sigma": 3}, NORMAL.cdf),
    ({"distribution": "log_normal", "mu": 2, "sigma": 3}, lambda x: NORMAL.cdf(math.log(x))),
    ({"distribution": "beta"}, lambda x: x),
    ({"distribution": "beta", "a": 2}, lambda x: x * x),
    ({"distribution": "beta", "a": 2, "b": 2}, lambda x: x * x * (3 - 2 * x)),
    ({"distribution": "beta", "a": 0.5, "b": 0.5}, lambda x: 2 / math.pi * math.asin(x**0.5)),
]


@pytest.mark.parametrize(("spec", "law"), CONTINUOUS)
def test_continuous(spec: dict[str, Any], law: Callable[[float], float]) -> None:
    assert distance(draws(spec), law) < FAR


def test_the_distance_tells_laws_apart() -> None:
    sample = draws({"min": 0.9, "max": 1.5, "distribution": "log_uniform_values"})
    assert distance(sample, lambda x: (x - 0.9) / 0.6) > FAR
    assert distance(draws({"distribution": "normal", "sigma": 1.1}), NormalDist().cdf) > FAR


def cells(law: Callable[[float], float], steps: range, q: float) -> dict[float, float]:
    """The weight that rounding to multiples of q gives to each."""
    return {k * q: law((k + 0.5) * q) - law((k - 0.5) * q) for k in steps}


def bounded(law: Callable[[float], float]) -> Callable[[float], float]:
    def inside(x: float) -> float:
        return min(1.0, max(0.0, law(x) if x > 0 else 0.0))

    return inside


DISCRETE: list[tuple[dict[str, Any], dict[Any, float]]] = [
    ({"min": -1, "max": 3}, dict.fromkeys(range(-1, 4), 0.2)),
    ({"values": ["a", None, 3, "b"]}, dict.fromkeys(["a", None, 3, "b"], 0.25)),
    ({"values": ["a", "a", "b"]}, {"a": 2 / 3, "b": 1 / 3}),
    (
        {"values": ["a", "b", "c", "d"], "probabilities": [0.1, 0.0, 0.65, 0.25]},
        {"a": 0.1, "c": 0.65, "d": 0.25},
    ),
    # Anchored at 0, not at min; never clipped back to the bounds.
    (
        {"min": 1, "max": 10, "q": 4, "distribution": "q_uniform"},
        {0: 1 / 9, 4: 4 / 9, 8: 4 / 9},
    ),
    (
        {"min": 0.0, "max": 1.0, "q": 0.25, "distribution": "q_uniform"},
        {0.0: 0.125, 0.25: 0.25, 0.5: 0.25, 0.75: 0.25, 1.0: 0.125},
    ),
    (
        {"min": 1, "max": 9, "q": 2, "distribution": "q_log_uniform_values"},
        cells(bounded(lambda x: math.log(x) / math.log(9)), range(5), 2),
    ),
    (
        {"min": 0, "max": 2, "distribution": "q_log_uniform"},
        cells(bounded(lambda x: math.log(x) / 2), range(1, 8), 1),
    ),
    (
        {"distribution": "q_beta", "a": 2, "b": 2, "q": 0.2},
        cells(lambda x: min(1.0, max(0.0, x)) ** 2 * (3 - 2 * min(1.0, x)), range(6), 0.2),
    ),
]


@pytest.mark.parametrize(("spec", "law"), DISCRETE)
def test_discrete(spec: dict[str, Any], law: dict[Any, float]) -> None:
    seen = Counter(draws(spec))
    assert set(seen) <= {value for value, weight in law.items() if weight > 0}
    parts = [(seen[value], DRAWS * weight) for value, weight in law.items() if weight > 0]
    assert sum((found - due) ** 2 / due for found, due in parts) < QUANTILES[len(parts) - 1]


@pytest.mark.parametrize("q", [1, 2, 0.5])
def test_quantized_normals(q: float) -> None:
    normal = NormalDist(1, 2)
    for spec, law in (
        ({"distribution": "q_normal", "mu": 1, "sigma": 2, "q": q}, normal.cdf),
        (
            {"distribution": "q_log_normal", "mu": 1, "sigma": 2, "q": q},
            lambda x: normal.cdf(math.log(x)) if x > 0 else 0.0,
        ),
    ):
        sample = draws(spec)
        assert all(value / q == round(value / q) for value in sample)
        # The distance of the rounded sample from the law at the ends of the cells.
        for end in (-1.5, -0.5, 0.5, 1.5, 2.5, 5.5):
            share = sum(value < end * q for value in sample) / DRAWS
            assert abs(share - law(end * q)) < FAR


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ({"min": 1, "max": 3}, int),
        ({"min": 1, "max": 3, "distribution": "uniform"}, float),
        ({"min": 1, "max": 3, "q": 1, "distribution": "q_uniform"}, int),
        ({"min": 1, "max": 3, "q": 1.0, "distribution": "q_uniform"}, float),
        ({"min": 1, "max": 3, "distribution": "q_uniform"}, float),
        ({"distribution": "q_normal", "q": 2}, int),
        ({"distribution": "q_log_normal"}, float),
    ],
)
def test_kinds(spec: dict[str, Any], kind: type) -> None:
    assert {type(value) for value in draws(spec)} == {kind}


def test_limits_of_laws_that_give_nan_elsewhere() -> None:
    assert set(draws({"distribution": "normal", "mu": 3, "sigma": 0})) == {3}
    assert set(draws({"distribution": "beta", "a": 0, "b": 2})) == {0.0}
    assert set(draws({"distribution": "beta", "a": 2, "b": 0})) == {1.0}
    assert set(draws({"distribution": "beta", "a": 0, "b": 0})) == {0.0, 1.0}
    assert all(map(math.isfinite, draws({"distribution": "log_normal", "sigma": 1e3})))


# --- properties -----------------------------------------------------------------------------------

units = st.floats(0, 1, exclude_max=True)
edges = st.floats(-100, 100).map(lambda x: round(x, 3))
spreads = st.floats(0.001, 1000)
qs = st.one_of(st.integers(1, 7), st.floats(0.01, 7))


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """A valid parameter of any distribution."""
    kind = draw(
        st.sampled_from(
            [
                "constant",
                "categorical",
                "categorical_w_probabilities",
                "int_uniform",
                "uniform",
                "q_uniform",
                "log_uniform",
                "inv_log_uniform",
                "q_log_uniform",
                "log_uniform_values",
                "inv_log_uniform_values",
                "q_log_uniform_values",
                "normal",
                "q_normal",
                "log_normal",
                "q_log_normal",
                "beta",
                "q_beta",
            ]
        )
    )
    found: dict[str, Any] = {"distribution": kind}
    values = st.lists(
        st.one_of(
            st.none(), st.booleans(), st.integers(-9, 9), st.floats(-9, 9), st.text(max_size=2)
        ),
        min_size=1,
        max_size=6,
    )
    if kind == "constant":
        found["value"] = draw(values)[0]
    elif kind == "categorical":
        found["values"] = draw(values)
    elif kind == "categorical_w_probabilities":
        found["values"] = draw(values)
        size = len(found["values"])
        parts = draw(st.lists(st.integers(0, 5), min_size=size, max_size=size).filter(any))
        found["probabilities"] = [part / sum(parts) for part in parts]
    elif kind == "int_uniform":
        found["min"] = draw(st.integers(-(10**6), 10**6))
        found["max"] = found["min"] + draw(st.integers(1, 10**4))
    elif kind.endswith("log_uniform"):
        found["min"] = draw(st.floats(-8, 3))
        found["max"] = found["min"] + draw(st.floats(0.1, 5))
    elif kind.endswith("_values"):
        found["min"] = draw(st.floats(1e-4, 50))
        found["max"] = found["min"] * draw(st.floats(1.1, 1e4))
    elif "uniform" in kind:
        found["min"] = draw(edges)
        found["max"] = found["min"] + draw(spreads)
    elif "normal" in kind:
        found["mu"], found["sigma"] = draw(st.floats(-3, 3)), draw(st.floats(0.01, 3))
    else:
        found["a"], found["b"] = draw(st.floats(0.3, 8)), draw(st.floats(0.3, 8))
    if kind.startswith("q_"):
        found["q"] = draw(qs)
    return found


@given(specs(), st.lists(units, min_size=2, max_size=8))
def test_values_of_a_law(spec: dict[str, Any], points: list[float]) -> None:
    law = law_of(distribution_of(spec), spec)
    if law is None:
        return
    numbers = []
    for u in sorted(points):
        value = law.value(u)
        place = law.position(value)
        assert place is not None
        assert 0 <= place <= 1
        if isinstance(law, Choice):
            assert law.index(value) is not None
        else:
            numbers.append(value)
        if "q" in spec:
            assert value == round(value / spec["q"]) * spec["q"]
        if spec["distribution"] in {"uniform", "int_uniform"} or "_values" in spec["distribution"]:
            margin = spec["q"] / 2 if "q" in spec else 0
            slack = 1e-9 * max(abs(spec["min"]), abs(spec["max"]))
            assert spec["min"] - margin - slack <= value <= spec["max"] + margin + slack
    assert numbers == sorted(numbers), "the inverse of a distribution function never falls"


@given(specs(), st.floats(0.02, 0.98))
def test_there_and_back(spec: dict[str, Any], u: float) -> None:
    law = law_of(distribution_of(spec), spec)
    if law is None:
        return
    value = law.value(u)
    place = law.position(value)
    assert place is not None
    if isinstance(law, Choice) or "q" in spec:
        assert identity(law.value(place)) == identity(value)
    else:
        assert abs(place - u) < 1e-6


@given(specs(), units)
@example({"distribution": "q_normal", "mu": 0.0, "sigma": 1.0, "q": 0.25}, 1.192092896e-07)
def test_cells_are_the_values(spec: dict[str, Any], u: float) -> None:
    law = law_of(distribution_of(spec), spec)
    ends = law.cells() if law is not None else None
    if law is None or ends is None:
        return
    assert list(ends) == sorted(ends)
    assert ends[-1] == 1.0
    lefts = [0.0, *ends]
    near = min(abs(u - end) for end in lefts)
    if near > 1e-9:
        cell = sum(end <= u for end in ends)
        if "normal" in spec["distribution"] and cell in (0, len(ends) - 1):
            return  # without bounds the outermost have what lies beyond, too
        middle = (lefts[cell] + ends[cell]) / 2
        assert identity(law.value(middle)) == identity(law.value(u))


@given(st.floats(-5, 5), st.floats(0.1, 9), st.one_of(st.integers(1, 3), st.floats(0.01, 3)))
def test_steps_are_numpys(start: float, spread: float, step: float) -> None:
    import numpy as np

    assert (
        list(Arithmetic(start, start + spread, step))
        == np.arange(start, start + spread, step).tolist()
    )


def test_what_is_the_same_value() -> None:
    assert identity(3) == identity(3.0)
    assert identity(-0.0) == identity(0)
    distinct = [True, 1, "1", None, 1.5, [1], (1,), [1.0], {"a": 1}, {"a": 1.0}, "True"]
    assert len({identity(value) for value in distinct}) == len(distinct)
    assert identity({"a": 1, "b": 2}) == identity({"b": 2, "a": 1})
    assert identity(float("nan")) == identity(float("nan"))
