"""Grid, random and Bayesian search through their one entry, and what ends a sweep."""

from __future__ import annotations

import json
import math
import random
import statistics
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synadb.bench import figures_sweeps
from synadb.bench.surfaces import SURFACES, branin
from synadb.errors import InvalidValueError
from synadb.sweeps import bayes, gp, threads
from synadb.sweeps.config import SweepConfig, parse
from synadb.sweeps.grid import Grid
from synadb.sweeps.hyperband import brackets, curve_of, decide
from synadb.sweeps.space import key_of
from synadb.sweeps.suggest import expected_count, reached_target, suggest
from synadb.sweeps.trial import Extent, Trial, extent_of, finite
from tests.test_sweeps_laws import specs

NAN, INF = float("nan"), float("inf")


def config_of(method: str, parameters: dict[str, Any], **more: Any) -> SweepConfig:
    return parse({"method": method, "parameters": parameters, **more})


def bayes_of(parameters: dict[str, Any], **metric: Any) -> SweepConfig:
    return config_of("bayes", parameters, metric={"name": "loss", **metric})


def ask(config: SweepConfig, trials: list[Trial], seed: int = 0) -> dict[str, Any]:
    found = suggest(config, random.Random(seed), trials)
    assert found is not None
    return found.params


def done(params: Mapping[str, Any], value: Any, state: str = "finished") -> Trial:
    return Trial(params, state, extent_of([value]))


# --- grid -----------------------------------------------------------------------------------------


def test_a_grid_ends() -> None:
    config = config_of("grid", {"a": {"values": [1, 2]}, "b": {"min": 0, "max": 2}})
    taken: set[int] = set()
    found = []
    while (suggestion := suggest(config, random.Random(0), taken=taken)) is not None:
        assert suggestion.point is not None
        taken.add(suggestion.point)
        found.append(suggestion.params)
    assert found == [{"a": a, "b": b} for a in (1, 2) for b in (0, 1, 2)]
    assert expected_count(config) == 6
    assert expected_count(config._replace(run_cap=4)) == 4


def test_constants_alone_are_one_run() -> None:
    config = config_of("grid", {"a": {"value": 1}})
    assert suggest(config, random.Random(0)) == ({"a": 1}, 0)
    assert suggest(config, random.Random(0), taken=[0]) is None


def test_a_grid_of_any_size_is_never_enumerated() -> None:
    axis = {"min": 0, "max": 10**6}
    grid = Grid(config_of("grid", dict.fromkeys("abcd", axis)).space)
    assert grid.size == (10**6 + 1) ** 4
    last = grid.size - 1
    assert grid.params(last) == dict.fromkeys("abcd", 10**6)
    assert grid.point(grid.params(last)) == last
    assert grid.next(range(100)) == 100
    assert grid.next([5, 7], start=5) == 6


@given(st.data())
def test_grid_numbers_and_configs_belong_together(data: st.DataObject) -> None:
    axis = st.one_of(
        specs().filter(lambda s: s["distribution"] in {"constant", "categorical", "int_uniform"}),
        st.builds(
            lambda low, count, q: {
                "distribution": "q_uniform",
                "min": low,
                "max": low + count * q,
                "q": q,
            },
            st.integers(-5, 5),
            st.integers(1, 9),
            st.sampled_from([1, 0.5, 0.1, 0.3]),
        ),
    )
    block = data.draw(st.dictionaries(st.sampled_from("abcd"), axis, min_size=1))
    grid = Grid(config_of("grid", block).space)
    point = data.draw(st.integers(0, grid.size - 1))
    assert grid.point(grid.params(point)) == point
    other = data.draw(st.integers(0, grid.size - 1))
    if other != point:
        space = grid.space
        values = space.values(grid.params(point)), space.values(grid.params(other))
        assert values[0] is not None
        assert values[1] is not None
        assert key_of(values[0]) != key_of(values[1])


# --- random ---------------------------------------------------------------------------------------


def test_a_seed_decides_random_and_bayes() -> None:
    for surface in SURFACES.values():
        for method in ("random", "bayes"):
            config = parse({**surface.config, "method": method})
            rng = random.Random(3)
            trials = []
            for _ in range(9):
                params = config.space.build(config.space.draw(rng))
                trials.append(done(params, surface.function(params)))
            assert ask(config, trials, 5) == ask(config, trials, 5)
            assert ask(config, trials, 5) != ask(config, trials, 6)


# --- bayes ----------------------------------------------------------------------------------------


def minimise(config: SweepConfig, function: Any, count: int, seed: int = 0) -> list[Trial]:
    rng = random.Random(seed)
    trials: list[Trial] = []
    for _ in range(count):
        found = suggest(config, rng, trials)
        assert found is not None
        trials.append(done(found.params, function(found.params)))
    return trials


def best(trials: list[Trial]) -> float:
    lowest = [t.metric.lowest for t in trials]
    return min(value for value in lowest if value is not None)


def test_bayes_finds_what_random_does_not() -> None:
    surface = SURFACES["branin"]
    found = minimise(parse(surface.config), branin, 40)
    drawn = minimise(parse({**surface.config, "method": "random"}), branin, 40)
    assert best(found) - surface.least < 0.02
    assert best(drawn) - surface.least > 0.1


def test_maximising_is_minimising_the_negative() -> None:
    parameters = {"x": {"min": -2.0, "max": 3.0}, "k": {"values": ["a", "b", "c"]}}

    def loss(params: dict[str, Any]) -> float:
        return float((params["x"] - 1.0) ** 2) + {"a": 2.0, "b": 0.0, "c": 1.0}[params["k"]]

    down = minimise(bayes_of(parameters), loss, 15)
    up = minimise(bayes_of(parameters, goal="maximize"), lambda p: -loss(p), 15)
    assert [trial.params for trial in down] == [trial.params for trial in up]
    assert best(down) < 0.01


def test_every_distribution_can_be_searched() -> None:
    parameters = {
        "value": {"value": 3},
        "listed": {"values": ["a", False, "", None, 0]},  # W&B takes all but the first for one
        "weighted": {"values": ["x", "y"], "probabilities": [0.2, 0.8]},
        "ints": {"min": 1, "max": 9},
        "floats": {"min": 0.0, "max": 1.0},
        "q": {"min": 0, "max": 9, "q": 2, "distribution": "q_uniform"},
        "log": {"min": 1e-6, "max": 1.0, "distribution": "log_uniform_values"},
        "inverse": {"min": 1e-6, "max": 1.0, "distribution": "inv_log_uniform_values"},
        "exponent": {"min": -6, "max": 0, "distribution": "log_uniform"},
        "q_log": {"min": 8, "max": 512, "q": 8, "distribution": "q_log_uniform_values"},
        "normal": {"distribution": "normal"},
        "q_normal": {"distribution": "q_normal"},
        "log_normal": {"distribution": "log_normal"},
        "q_log_normal": {"distribution": "q_log_normal", "q": 0.5},
        "beta": {"distribution": "beta", "a": 2, "b": 5},
        "q_beta": {"distribution": "q_beta", "q": 0.1},
        "inner": {"parameters": {"more": {"parameters": {"x": {"min": 0, "max": 10**7}}}}},
    }
    config = bayes_of(parameters)
    trials = minimise(config, lambda p: p["floats"] + p["inner"]["more"]["x"] * 1e-7, 25)
    for trial in trials:
        assert trial.params.keys() == parameters.keys()
        assert trial.params["value"] == 3
        assert 1e-6 <= trial.params["log"] <= 1
        assert 0 <= trial.params["inner"]["more"]["x"] <= 10**7
    assert best(trials) < 0.2


@pytest.mark.parametrize(
    ("parameters", "size"),
    [
        ({"a": {"values": [1, 2, 3]}, "b": {"values": ["x", "y", None, True]}}, 12),
        ({"a": {"min": 1, "max": 12}}, 12),
        ({"a": {"values": ["x", "x", "y"]}, "b": {"min": 0, "max": 5}}, 12),
        ({"a": {"min": 0, "max": 1, "q": 0.1, "distribution": "q_uniform"}}, 11),
        (
            {
                "a": {"values": ["x", "y", "z"], "probabilities": [0.98, 0.02, 0]},
                "b": {"values": [1, 2]},
            },
            4,
        ),
    ],
)
def test_no_discrete_point_twice_while_others_are_left(
    parameters: dict[str, Any], size: int
) -> None:
    config = bayes_of(parameters)
    rng = random.Random(1)
    seen = set()
    trials: list[Trial] = []
    for number in range(size):
        params = ask(config, trials, rng.getrandbits(30))
        values = config.space.values(params)
        assert values is not None
        assert key_of(values) not in seen
        seen.add(key_of(values))
        state = ["finished", "failed", "running", "crashed"][number % 4]
        known = extent_of([float(number)] if state != "running" else [])
        trials.append(Trial(params, state, known))
    again = config.space.values(ask(config, trials))  # all are taken: it goes on
    assert again is not None
    assert key_of(again) in seen


@pytest.mark.parametrize(
    "spec",
    [
        {"min": 1, "max": 2000},
        {"min": 0.5, "max": 1000.5, "q": 0.5, "distribution": "q_uniform"},
    ],
)
def test_the_last_free_value_of_thousands_is_found(spec: dict[str, Any]) -> None:
    config = bayes_of({"a": spec})
    law = config.space.laws[0]
    assert law.places is not None
    assert law.cells() is None
    every = [law.value(law.middle(place)) for place in range(law.places)]
    left = every.pop(777)
    assert left not in every
    found = ask(config, [done({"a": value}, float(value)) for value in every])
    assert found == {"a": left}


def test_free_points_of_a_large_space_that_is_nearly_full_are_found() -> None:
    config = bayes_of({"a": {"min": 0, "max": 299}, "b": {"values": list(range(20))}})
    left = {(17, 3), (250, 19)}
    trials = [
        done({"a": a, "b": b}, float(a + b))
        for a in range(300)
        for b in range(20)
        if (a, b) not in left
    ]
    first = ask(config, trials)
    assert (first["a"], first["b"]) in left
    second = ask(config, [*trials, Trial(first, "running")])
    assert (second["a"], second["b"]) in left
    assert first != second


def test_trials_in_flight_are_kept_apart() -> None:
    surface = SURFACES["hartmann6"]
    config = parse(surface.config)
    trials = minimise(config, surface.function, 25)
    space = config.space
    for seed in range(8):
        trials.append(Trial(ask(config, trials, seed), "running"))
    points = np.array([space.values(trial.params) for trial in trials[25:]], dtype=float)
    apart = np.sqrt(((points[:, None] - points[None]) ** 2).sum(2)) + np.eye(8)
    assert apart.min() > 0.02
    # Without the others in flight each would be the same search for the same point.
    alone = np.array(
        [space.values(ask(config, trials[:25], seed)) for seed in range(8)], dtype=float
    )
    together = np.sqrt(((alone[:, None] - alone[None]) ** 2).sum(2)) + np.eye(8)
    assert together.min() < apart.min()


def test_the_first_trials_are_spread_also_when_all_are_in_flight() -> None:
    config = bayes_of({"x": {"min": 0.0, "max": 1.0}})
    trials: list[Trial] = []
    for seed in range(5):
        trials.append(Trial(ask(config, trials, seed), "running"))
    places = sorted(trial.params["x"] for trial in trials)
    assert min(b - a for a, b in pairwise(places)) > 0.08


@pytest.mark.parametrize("odd", [NAN, INF, -INF, None, "text", True, 1e308, -1e308, 10**400])
def test_odd_metrics_do_not_break_a_search(odd: Any) -> None:
    config = bayes_of({"x": {"min": 0.0, "max": 1.0}})
    trials = minimise(config, lambda p: (p["x"] - 0.3) ** 2, 9)
    trials[2] = done(trials[2].params, odd)
    trials[5] = done(trials[5].params, odd, "failed")
    for seed in range(5):
        assert 0 <= ask(config, trials, seed)["x"] <= 1
    broken = [done(trial.params, odd) for trial in trials]
    assert 0 <= ask(config, broken)["x"] <= 1


def test_equal_metrics_do_not_break_a_search() -> None:
    config = bayes_of({"x": {"min": 0.0, "max": 1.0}, "y": {"values": ["a", "b", "c"]}})
    assert 0 <= ask(config, minimise(config, lambda p: 1.0, 15))["x"] <= 1


def test_a_search_keeps_away_from_where_trials_fail() -> None:
    config = bayes_of({"x": {"min": 0.0, "max": 1.0}})
    rng = random.Random(0)
    trials: list[Trial] = []
    for _ in range(30):
        found = suggest(config, rng, trials)
        assert found is not None
        x = found.params["x"]
        # The loss falls towards 1, and beyond 0.7 every trial fails.
        trials.append(done({"x": x}, -x) if x < 0.7 else Trial({"x": x}, "failed"))
    assert sum(trial.state == "failed" for trial in trials) < 12
    assert best(trials) < -0.65


def objectives(config: SweepConfig, trials: list[Trial]) -> list[float | None]:
    metric = config.metric
    assert metric is not None
    return [y for _, y in bayes._observations(config.space, metric, trials)]


def test_what_counts_as_the_objective() -> None:
    point = {"x": 0.5}
    ran = extent_of([5.0, 1.0, 3.0])
    trials = [
        Trial(point, "finished", ran),
        Trial(point, "finished", extent_of([7.0, NAN])),
        Trial(point, "finished"),
        Trial(point, "failed", ran),
        Trial(point, "running", ran),
        Trial(point, "pending"),
        Trial(point, "preempted"),
        Trial({"y": 1}, "finished", ran),
    ]
    space = {"x": {"min": 0.0, "max": 1.0}}
    # The best of the history; nothing measured and failed count as the worst seen.
    assert objectives(bayes_of(space), trials) == [1, 7, 7, 7, None, None, None]
    assert objectives(bayes_of(space, goal="maximize"), trials) == [
        -5,
        -7,
        -5,
        -5,
        None,
        None,
        None,
    ]
    assert objectives(bayes_of(space, impute="best"), trials) == [1, 7, 7, 1, None, None, None]
    assert objectives(bayes_of(space, impute="latest"), trials) == [1, 7, 7, 3, None, None, None]
    running = objectives(bayes_of(space, impute_while_running="latest"), trials)
    assert running == [1, 7, 7, 7, 3, None, None]


def test_runs_from_elsewhere_are_passed_over() -> None:
    config = bayes_of({"x": {"min": 0.0, "max": 1.0}, "k": {"values": ["a", "b"]}})
    trials = [done({"x": 0.5, "k": "other"}, 1.0), done({"x": "text", "k": "a"}, 1.0)]
    trials += [done({"x": 7.0, "k": "a"}, 2.0), done({}, 1.0)]
    trials += minimise(config, lambda p: p["x"], 8)
    assert 0 <= ask(config, trials)["x"] <= 1


def test_a_long_history_of_trials_is_thinned() -> None:
    surface = SURFACES["svm_mixed"]
    config = parse(surface.config)
    rng = random.Random(0)
    trials = []
    for _ in range(1500):
        params = config.space.build(config.space.draw(rng))
        trials.append(done(params, surface.function(params)))
    trials += [Trial(config.space.build(config.space.draw(rng)), "running") for _ in range(200)]
    known = best(trials)
    found = minimise_on(config, surface.function, trials, 8)
    assert found < known


def minimise_on(config: SweepConfig, function: Any, trials: list[Trial], count: int) -> float:
    rng = random.Random(4)
    for _ in range(count):
        found = suggest(config, rng, trials)
        assert found is not None
        trials = [*trials, done(found.params, function(found.params))]
    return best(trials)


@settings(max_examples=25)
@given(
    st.dictionaries(st.sampled_from("abcd"), specs(), min_size=1),
    st.integers(0, 12),
    st.integers(0, 5),
    st.integers(0, 2**32),
)
def test_any_space_any_trials(block: dict[str, Any], count: int, flying: int, seed: int) -> None:
    if all(spec["distribution"] == "constant" for spec in block.values()):
        return
    config = bayes_of(block)
    rng = random.Random(seed)
    trials = [
        done(config.space.build(config.space.draw(rng)), rng.choice([rng.gauss(0, 1), NAN, 1e300]))
        for _ in range(count)
    ]
    trials += [Trial(config.space.build(config.space.draw(rng))) for _ in range(flying)]
    values = config.space.values(ask(config, trials, seed))
    assert values is not None
    assert None not in config.space.positions(values)


# --- the process ----------------------------------------------------------------------------------


def test_the_gradient_of_the_evidence() -> None:
    rng = np.random.default_rng(0)
    points, values = rng.random((20, 3)), rng.normal(size=20)
    squares = np.array([((points[:, None, i] - points[None, :, i]) ** 2).ravel() for i in range(3)])
    theta = np.array([-1.0, 0.2, -0.5, 0.3, -4.0])
    _, slope = gp._evidence(theta, squares, values)
    for i in range(5):
        step = np.eye(5)[i] * 1e-5
        up = gp._evidence(theta + step, squares, values)[0]
        down = gp._evidence(theta - step, squares, values)[0]
        assert slope[i] == pytest.approx((up - down) / 2e-5, rel=1e-4, abs=1e-5)


def test_the_posterior_goes_through_its_points_and_forgets_far_away() -> None:
    points = np.array([[0.1], [0.5], [0.9]])
    values = np.array([1.0, -1.0, 0.5])
    process = gp.Process(points, values, np.array([0]), np.log([0.1, 1.0, 1e-9]))
    mean, deviation = process.predict(points)
    assert mean == pytest.approx(values, abs=1e-4)
    assert deviation == pytest.approx([0, 0, 0], abs=0.01)
    mean, deviation = process.predict(np.array([[40.0]]))
    assert mean == pytest.approx([0])
    assert deviation == pytest.approx([1])


def test_believers_keep_the_mean_and_take_the_doubt() -> None:
    points, values = np.array([[0.1], [0.9]]), np.array([1.0, -1.0])
    process = gp.Process(points, values, np.array([0]), np.log([0.3, 1.0, 1e-6]))
    at = np.array([[0.5], [0.2], [0.7]])
    believing = process.with_believers(at[:1])
    assert believing.predict(at)[0] == pytest.approx(process.predict(at)[0], abs=1e-4)
    assert believing.predict(at)[1][0] < 0.01 < process.predict(at)[1][0]


def test_a_fit_finds_which_parameter_matters() -> None:
    rng = np.random.default_rng(1)
    points = rng.random((40, 2))
    values = np.sin(9 * points[:, 0])
    theta = gp.fit(points, (values - values.mean()) / values.std(), np.array([0, 1]), parameters=2)
    assert theta[0] < theta[1] - 1


def test_expected_improvement_against_its_integral() -> None:
    mean, deviation = np.array([0.3, 2.0, -1.0]), np.array([0.5, 0.4, 0.2])
    found = np.exp(bayes._log_improvement(0.0, mean, deviation))
    grid = np.linspace(-8, 8, 200_001)
    for value, m, s in zip(found, mean, deviation, strict=True):
        y = m + s * grid
        density = np.exp(-0.5 * grid**2) / math.sqrt(2 * math.pi)
        integral = float((np.maximum(-y, 0) * density).sum() * (grid[1] - grid[0]))
        assert value == pytest.approx(integral, rel=1e-4)
    far = bayes._log_improvement(0.0, np.array([20.0, 24.9, 25.1, 30.0, 1e4]), np.ones(5))
    assert np.isfinite(far).all()
    assert (np.diff(far) < 0).all()
    assert far[1] - far[2] == pytest.approx(5.0, abs=0.3)  # no jump where the formula changes


def test_values_are_made_normal() -> None:
    rng = np.random.default_rng(2)
    skewed = np.exp(2 * rng.normal(size=200))
    bent = bayes._normalised(skewed)
    assert (np.argsort(bent) == np.argsort(skewed)).all()
    assert abs(bent.mean()) < 1e-9
    assert bent.std() == pytest.approx(1)
    plain = (skewed - skewed.mean()) / skewed.std()
    assert abs((bent**3).mean()) < 0.2 * abs((plain**3).mean())
    assert (bayes._normalised(np.full(5, 3.0)) == 0).all()


def test_one_thread_is_given_back() -> None:
    library = threads._library()
    if library is None:
        pytest.skip("numpy came without its own OpenBLAS")
    before = library.read()
    with threads.one_thread():
        assert library.read() == 1
    assert library.read() == before
    with pytest.raises(ZeroDivisionError), threads.one_thread():
        _ = 1 / 0
    assert library.read() == before


# --- ends -----------------------------------------------------------------------------------------


def test_the_target() -> None:
    config = bayes_of({"x": {"min": 0.0, "max": 1.0}}, target=0.1)
    assert not reached_target(config, [Trial({}, "running", extent_of([0.5, 0.2]))])
    assert reached_target(config, [Trial({}, "running", extent_of([0.5, 0.1, 0.9]))])
    up = bayes_of({"x": {"min": 0.0, "max": 1.0}}, target=0.9, goal="maximize")
    assert not reached_target(up, [Trial({}), Trial({}, "finished", extent_of([0.1]))])
    assert reached_target(up, [Trial({}, "finished", extent_of([0.1], summary=0.95))])
    assert not reached_target(bayes_of({"x": {"min": 0.0, "max": 1.0}}), [Trial({})])


def test_how_many_runs_are_expected() -> None:
    assert expected_count(bayes_of({"x": {"min": 0.0, "max": 1.0}})) is None
    assert expected_count(parse({**SURFACES["branin"].config, "run_cap": 7})) == 7


def test_a_search_that_is_the_callers_says_so() -> None:
    custom = config_of("custom", {"x": {"min": 0.0, "max": 1.0}})
    with pytest.raises(InvalidValueError, match="configure_search"):
        suggest(custom, random.Random(0))
    ax = config_of("custom", {"x": {"min": 0.0, "max": 1.0}}, scheduler={"engine": "ax"})
    with pytest.raises(InvalidValueError, match="engine: optuna"):
        suggest(ax, random.Random(0))


def test_measurements() -> None:
    good = [1, 1.5, np.float32(2), np.int64(3), np.float64(4)]
    bad = [NAN, INF, None, "1", True, np.bool_(True), 10**400, 1j, [1]]
    assert all(map(finite, good))
    assert not any(map(finite, bad))
    assert extent_of([3, *bad, 1, 2]) == Extent(1, 3, 2, None)
    assert extent_of([3, 2], summary=0.5) == Extent(0.5, 3, 2, 0.5)
    assert extent_of([], summary=4) == Extent(4, 4, None, 4)
    assert extent_of(bad, summary=NAN) == Extent()


# --- early stopping -------------------------------------------------------------------------------


def hyperband(goal: str = "minimize", **rule: Any) -> SweepConfig:
    early = {"type": "hyperband", **rule}
    metric = {"name": "loss", "goal": goal}
    return config_of(
        "random", {"x": {"min": 0.0, "max": 1.0}}, metric=metric, early_terminate=early
    )


@pytest.mark.parametrize(
    ("rule", "start"),
    [
        ({"min_iter": 3}, [3, 9, 27, 81]),
        ({"min_iter": 1, "eta": 1.5}, [1, 1, 2, 3, 5]),
        ({"max_iter": 27, "s": 2}, [3, 9]),
        ({"max_iter": 10, "s": 9, "eta": 2}, [1, 2, 5]),
        ({"max_iter": 2, "s": 3}, []),
    ],
)
def test_brackets(rule: dict[str, Any], start: list[int]) -> None:
    early = hyperband(**rule).early_terminate
    assert early is not None
    found = brackets(early)
    assert found[: len(start)] == start
    assert "max_iter" not in rule or found == start


def test_a_stop_says_why() -> None:
    for goal, sign, word in (("minimize", 1, "beyond 0.5"), ("maximize", -1, "beyond -0.5")):
        config = hyperband(goal, min_iter=2)
        curves = {
            "good": curve_of([sign * 0.9, sign * 0.5, sign * 0.4], [2, 6, 18]),
            "bad": curve_of([sign * 0.9, NAN, sign * 0.8], [2, 6, 18]),
            "new": curve_of([sign * 9], [2, 6, 18]),
        }
        stopped = decide(config, curves, ["good", "bad", "new"])
        assert list(stopped) == ["bad"]
        reason = stopped["bad"]
        assert "loss at iteration 2" in reason
        assert word in reason
        assert "among 2 runs" in reason


def test_without_strict_the_best_so_far_counts() -> None:
    history = [0.2, 0.9, 0.9]
    for strict, stops in ((True, True), (False, False)):
        config = hyperband(min_iter=2, strict=strict)
        curves = {"a": curve_of([0.5, 0.5], [2, 6]), "b": curve_of(history, [2, 6])}
        assert bool(decide(config, curves, ["b"])) == stops


def test_nothing_to_stop_by() -> None:
    config = config_of("random", {"x": {"min": 0.0, "max": 1.0}})
    assert decide(config, {"a": curve_of([1.0], [1])}, ["a"]) == {}
    assert decide(hyperband(min_iter=1), {}, ["unknown"]) == {}


def test_a_curve_is_as_short_as_the_brackets() -> None:
    curve = curve_of([float(i) for i in range(10_000)], [3, 9, 27])
    assert curve == (10_000, 0.0, 9999.0, (2.0, 8.0, 26.0))


# --- against W&B's engine -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["branin", "hartmann6", "rosenbrock4"])
def test_bayes_finds_better_points_than_wandbs_engine(name: str) -> None:
    """A part of the table of `python -m synadb.bench.figures_sweeps`, which has all of it."""
    theirs = json.loads(figures_sweeps.RECORD.read_text(encoding="utf-8"))["regret"][f"{name}/1"]
    ours = [figures_sweeps.regret((name, 1, seed)) for seed in range(5)]
    assert statistics.median(ours) < statistics.median(theirs)
