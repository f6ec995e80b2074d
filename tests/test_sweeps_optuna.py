"""Optuna as a sweep's search: what it is told, what it answers, what a user's file can decide."""

from __future__ import annotations

import builtins
import random
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from synadb.errors import InvalidValueError
from synadb.sweeps import optuna as engine
from synadb.sweeps.config import SweepConfig, parse
from synadb.sweeps.suggest import suggest
from synadb.sweeps.trial import Trial, extent_of

PARAMETERS = {
    "x": {"min": -2.0, "max": 3.0},
    "n": {"min": 1, "max": 9},
    "lr": {"distribution": "log_uniform_values", "min": 1e-5, "max": 1.0},
    "kind": {"values": ["a", "b", None]},
    "odd": {"values": [[1], {"k": 2}]},
    "weighted": {"values": ["p", "q"], "probabilities": [0.2, 0.8]},
    "width": {"distribution": "q_log_uniform_values", "min": 8, "max": 512, "q": 8},
    "normal": {"distribution": "normal"},
    "fixed": {"value": 7},
    "inner": {"parameters": {"y": {"min": 0.0, "max": 1.0}}},
}


def config_of(
    parameters: dict[str, Any] | None = None, goal: str = "minimize", **scheduler: Any
) -> SweepConfig:
    return parse(
        {
            "method": "custom",
            "metric": {"name": "loss", "goal": goal},
            "scheduler": {"engine": "optuna", **scheduler},
            "parameters": PARAMETERS if parameters is None else parameters,
        }
    )


def ask(config: SweepConfig, trials: list[Trial], seed: int = 0) -> dict[str, Any] | None:
    found = suggest(config, random.Random(seed), trials)
    return None if found is None else found.params


def test_without_optuna_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(InvalidValueError, match="pip install optuna"):
        ask(config_of(), [])


def test_importing_the_engine_imports_no_optuna(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refusing(name: str, *rest: Any, **more: Any) -> Any:
        assert name != "optuna"
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", refusing)
    monkeypatch.delitem(sys.modules, "synadb.sweeps.optuna")
    __import__("synadb.sweeps.optuna")


needs_optuna = pytest.mark.skipif(find_spec("optuna") is None, reason="needs Optuna")


@needs_optuna
def test_a_search_over_every_kind_of_parameter() -> None:
    config = config_of()
    rng = random.Random(0)
    trials: list[Trial] = []
    for number in range(25):
        found = suggest(config, rng, trials)
        assert found is not None
        params = found.params
        assert params.keys() == PARAMETERS.keys()
        assert params["fixed"] == 7
        assert params["width"] % 8 == 0
        assert 1 <= params["n"] <= 9
        assert config.space.values(params) is not None
        assert None not in config.space.positions(config.space.values(params) or [])
        state = ["finished", "finished", "failed", "running", "pending"][number % 5]
        value = (params["x"] - 1) ** 2 + (params["inner"]["y"] - 0.5) ** 2
        trials.append(Trial(params, state, extent_of([value])))
    assert trials[0].params != trials[1].params


@needs_optuna
def test_it_learns_from_the_trials() -> None:
    for goal, sign in (("minimize", 1), ("maximize", -1)):
        config = config_of({"x": {"min": -2.0, "max": 3.0}}, goal)
        rng = random.Random(1)
        trials: list[Trial] = []
        for _ in range(40):
            found = suggest(config, rng, trials)
            assert found is not None
            value = sign * (found.params["x"] - 1) ** 2
            trials.append(Trial(found.params, "finished", extent_of([9.0 * sign, value], value)))
        late = [abs(trial.params["x"] - 1) for trial in trials[20:]]
        assert sorted(late)[10] < 0.5


@needs_optuna
def test_a_seed_decides() -> None:
    config = config_of()
    first = ask(config, [], 1)
    assert first is not None
    trials = [Trial(first, "finished", extent_of([1.0]))] * 12
    assert ask(config, trials, 1) == ask(config, trials, 1)
    assert ask(config, trials, 1) != ask(config, trials, 2)


@needs_optuna
def test_runs_from_elsewhere_are_passed_over() -> None:
    good = ask(config_of(), [])
    assert good is not None
    trials = [Trial({}, "finished", extent_of([1.0])), Trial({**good, "x": 99.0}, "running")]
    trials.append(Trial({**good, "kind": "unknown"}, "finished", extent_of([1.0])))
    assert ask(config_of(), trials) is not None


SOURCE = """
import optuna

def study(info):
    assert info.config["metric"]["name"] == "loss"
    return optuna.create_study(
        sampler=optuna.samplers.GridSampler({"x": [1, 2, 3]}, seed=1),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=0),
    )

def limited(info):
    return optuna.create_study(), lambda study: len(study.trials) >= 3

def space(trial):
    params = {"kind": trial.suggest_categorical("kind", ["net", "tree"])}
    if params["kind"] == "net":
        params["lr"] = trial.suggest_float("lr", 1e-5, 1.0, log=True)
    else:
        params["depth"] = trial.suggest_int("depth", 1, 9)
    return params

def upwards(info):
    return optuna.create_study(direction="maximize")

def no_study(info):
    return 3

def no_dict(trial):
    return [1]

number = 5
"""


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = tmp_path / "search.py"
    path.write_text(SOURCE, encoding="utf-8")
    return str(path)


@needs_optuna
def test_a_study_of_the_users(source: str) -> None:
    config = config_of({"x": {"min": 1, "max": 3}}, source=source, optimizer="study")
    trials: list[Trial] = []
    while (params := ask(config, trials)) is not None:
        trials.append(Trial(params, "finished", extent_of([float(params["x"])])))
    assert sorted(trial.params["x"] for trial in trials) == [1, 2, 3]


@needs_optuna
def test_a_terminator_ends_the_search(source: str) -> None:
    config = config_of({"x": {"min": 0.0, "max": 1.0}}, source=source, optimizer="limited")
    trials: list[Trial] = []
    while (params := ask(config, trials)) is not None:
        trials.append(Trial(params, "finished", extent_of([params["x"]])))
    assert len(trials) == 3


@needs_optuna
def test_a_search_space_of_the_users(source: str) -> None:
    config = parse(
        {
            "method": "custom",
            "metric": {"name": "loss"},
            "scheduler": {"engine": "optuna", "source": source, "search_space": "space"},
        }
    )
    rng = random.Random(0)
    trials: list[Trial] = []
    for number in range(20):
        found = suggest(config, rng, trials)
        assert found is not None
        params = found.params
        assert ("lr" in params) == (params["kind"] == "net")
        value = params.get("lr", 2.0 + params.get("depth", 0))
        state = "failed" if number % 6 == 5 else "finished"
        trials.append(Trial(params, state, extent_of([value])))
    assert {trial.params["kind"] for trial in trials} == {"net", "tree"}


@needs_optuna
def test_the_studys_pruner_stops_trials(source: str) -> None:
    config = config_of({"x": {"min": 1, "max": 3}}, source=source, optimizer="study")
    trials = {
        "good": Trial({"x": 1}, "finished", extent_of([0.5, 0.1])),
        "fine": Trial({"x": 2}, "running", extent_of([0.4])),
        "bad": Trial({"x": 3}, "running", extent_of([0.9])),
    }
    histories = {
        "good": [(0, 0.5), (1, 0.1)],
        "fine": [(0, 0.4)],
        "bad": [(0, 0.9)],
    }
    stopped = engine.decide(config, trials, histories, random.Random(0))
    assert list(stopped) == ["bad"]
    assert "MedianPruner" in stopped["bad"]
    assert engine.decide(config_of(), trials, histories, random.Random(0)) == {}


@needs_optuna
def test_several_metrics() -> None:
    config = parse(
        {
            "method": "custom",
            "metrics": [{"name": "loss"}, {"name": "accuracy", "goal": "maximize"}],
            "scheduler": {"engine": "optuna"},
            "parameters": {"x": {"min": 0.0, "max": 1.0}},
        }
    )
    rng = random.Random(0)
    trials: list[Trial] = []
    for number in range(14):
        found = suggest(config, rng, trials)
        assert found is not None
        x = found.params["x"]
        # One that never measured its second metric counts as failed.
        second = () if number == 3 else (extent_of([1 - x]),)
        trials.append(Trial(found.params, "finished", extent_of([x]), second))


@needs_optuna
@pytest.mark.parametrize(
    ("scheduler", "said"),
    [
        ({"optimizer": "missing"}, "defines no function 'missing'"),
        ({"optimizer": "number"}, "defines no function 'number'"),
        ({"optimizer": "no_study"}, "returned int; return an optuna.Study"),
        ({"optimizer": "upwards"}, "directions are"),
        ({"search_space": "no_dict"}, "returned list"),
    ],
)
def test_what_is_wrong_with_the_users_file(
    source: str, scheduler: dict[str, str], said: str
) -> None:
    config = config_of({"x": {"min": 0.0, "max": 1.0}}, source=source, **scheduler)
    with pytest.raises(InvalidValueError, match=said):
        ask(config, [])


@needs_optuna
def test_a_users_file_that_is_not_there(tmp_path: Path) -> None:
    config = config_of(source=str(tmp_path / "none.py"), optimizer="study")
    with pytest.raises(InvalidValueError, match="is no Python file that can be read from here"):
        ask(config, [])
