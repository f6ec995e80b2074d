"""Questions to W&B's own engine, the package `sweeps`, and what it answered.

The answers are kept in tests/data/sweeps_answers.json. To ask anew, make an environment for the
package, which needs numpy below 2, and run this module:

    python -m venv E && E/bin/pip install sweeps==0.3.0
    SYNADB_SWEEPS_ORACLE=E/bin/python python -m tests.sweeps_oracle
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from tests.conftest import ROOT

ANSWERS = ROOT / "tests" / "data" / "sweeps_answers.json"
# Read here: the tests' environment is cleaned of everything that begins with SYNADB_.
ORACLE = os.environ.get("SYNADB_SWEEPS_ORACLE", "")

Question = dict[str, Any]


def ask(questions: Iterable[Question]) -> Iterator[dict[str, Any]]:
    """What the engine answers to each question: {"answer": ...} or {"error": ...}."""
    child = subprocess.Popen(
        [ORACLE, "-m", "synadb.bench.child_sweeps"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ.get("PATH", "")},
    )
    with child:
        assert child.stdin is not None
        assert child.stdout is not None
        for question in questions:
            print(json.dumps(question), file=child.stdin, flush=True)
            yield json.loads(child.stdout.readline())
        child.stdin.close()


def recorded() -> list[tuple[Question, dict[str, Any]]]:
    """Each question with its answer, as kept."""
    return [tuple(each) for each in json.loads(ANSWERS.read_text(encoding="utf-8"))["asked"]]


def recorded_to(kind: str) -> list[tuple[Question, dict[str, Any]]]:
    return [(question, answer) for question, answer in recorded() if question["ask"] == kind]


def questions() -> list[Question]:
    return [
        *({"ask": "violations", "config": config} for config in configs()),
        *({"ask": "next", "config": config, "trials": [], "seed": 0} for config in configs()),
        *grids(),
        *stops(),
        *laws(),
    ]


# --- configs --------------------------------------------------------------------------------------

GOOD_PARAMETERS: list[Any] = [
    {"value": 1},
    {"value": None},
    {"value": {"a": [1, 2]}},
    {"value": 1, "distribution": "constant"},
    {"values": [1]},
    {"values": [1, "a", None, True, [1, 2], {"x": 1}]},
    {"values": [1, 2], "distribution": "categorical"},
    {"values": [1, 2], "probabilities": [0.3, 0.7]},
    {"values": [1, 2], "probabilities": [0, 1], "distribution": "categorical_w_probabilities"},
    {"values": [1, 2, 3], "probabilities": [0.333333, 0.333333, 0.333333]},
    {"min": 1, "max": 5},
    {"min": 1.0, "max": 5.0},
    {"min": 1, "max": 5, "distribution": "int_uniform"},
    {"min": 1, "max": 5, "distribution": "uniform"},
    {"min": 1, "max": 5.5, "distribution": "uniform"},
    {"min": -1, "max": 5, "distribution": "q_uniform"},
    {"min": 1, "max": 5, "q": 0.5, "distribution": "q_uniform"},
    {"min": 1e-4, "max": 1e-1, "distribution": "log_uniform_values"},
    {"min": 1e-4, "max": 1e-1, "distribution": "inv_log_uniform_values"},
    {"min": 1, "max": 100, "q": 3, "distribution": "q_log_uniform_values"},
    {"min": -3, "max": 1.5, "distribution": "log_uniform"},
    {"min": -3, "max": 1, "distribution": "inv_log_uniform"},
    {"min": 0, "max": 3, "q": 2, "distribution": "q_log_uniform"},
    {"distribution": "normal"},
    {"distribution": "normal", "mu": 3, "sigma": 0.5},
    {"distribution": "q_normal", "q": 2},
    {"distribution": "log_normal", "mu": -1},
    {"distribution": "q_log_normal", "sigma": 2.0, "q": 0.25},
    {"distribution": "beta"},
    {"distribution": "beta", "a": 2, "b": 0.5},
    {"distribution": "q_beta", "q": 0.125},
    {"parameters": {"a": {"value": 1}, "b": {"values": [1, 2]}}},
    {"parameters": {"a": {"parameters": {"b": {"min": 0.0, "max": 1.0}}}}},
    {"parameters": {"a": {"min": 0, "max": 1.5}}},
]

BAD_PARAMETERS: list[Any] = [
    {},
    {"min": 1},
    {"max": 1.0},
    {"min": 5, "max": 1},
    {"min": 1, "max": 1},
    {"min": 5.0, "max": 1.0},
    {"min": "1", "max": "5"},
    {"min": None, "max": 5},
    {"min": True, "max": 5},
    {"min": 1.0, "max": 5.0, "q": 2.0},
    {"min": 1.0, "max": 5, "distribution": "int_uniform"},
    {"min": 1, "max": 5, "distribution": "unknown"},
    {"min": 1, "max": 5, "distribution": None},
    {"min": 1, "distribution": "uniform"},
    {"min": 1, "max": 5, "q": 0, "distribution": "q_uniform"},
    {"min": 1, "max": 5, "q": -1, "distribution": "q_uniform"},
    {"min": 1, "max": 5, "mu": 0, "distribution": "uniform"},
    {"min": 0, "max": 1, "distribution": "log_uniform_values"},
    {"min": -1.0, "max": 1.0, "distribution": "log_uniform_values"},
    {"min": 0, "max": 1, "distribution": "inv_log_uniform_values"},
    {"min": 0, "max": 1, "distribution": "q_log_uniform_values"},
    {"min": 2, "max": 1, "distribution": "log_uniform"},
    {"distribution": "normal", "sigma": -1},
    {"distribution": "normal", "mu": "a"},
    {"distribution": "normal", "min": 0, "max": 1},
    {"distribution": "beta", "a": -1},
    {"distribution": "beta", "q": 1},
    {"mu": 0, "sigma": 1},
    {"values": []},
    {"values": 3},
    {"values": "abc"},
    {"values": {"a": 1}},
    {"value": 1, "values": [1]},
    {"value": 1, "min": 0, "max": 1},
    {"values": [1, 2], "probabilities": [0.5]},
    {"values": [1, 2], "probabilities": [0.5, 0.4]},
    {"values": [1, 2], "probabilities": [1.5, -0.5]},
    {"values": [1, 2], "probabilities": ["a", "b"]},
    {"values": [1, 2], "probabilities": []},
    {"values": [1, 2], "probabilities": [0.5, 0.5], "distribution": "categorical"},
    {"values": [1, 2], "distribution": "categorical_w_probabilities"},
    {"probabilities": [1.0]},
    {"vals": [1, 2]},
    {"value": 1, "distribution": "categorical"},
    {"parameters": {}},
    {"parameters": {"a": 1}},
    {"parameters": {"a": {"vals": [1]}}},
    {"parameters": {"a": {"min": 2, "max": 1}}},
    {"parameters": {"a": {"value": 1}}, "value": 2},
    {"parameters": {"1a": {"value": 1}}},
    {"parameters": {"a": {"values": [1], "probabilities": [0.5]}}},
]

LOSS = {"name": "loss"}
GOOD_TOP: list[dict[str, Any]] = [
    {},
    {"metric": LOSS},
    {"metric": {"name": "val/loss.min", "goal": "maximize", "target": 0.5}},
    {"metric": {**LOSS, "impute": "best", "impute_while_running": "latest"}},
    {"run_cap": 3},
    {"run_cap": 3.0},
    {"program": "train.py", "command": ["${env}", 1], "name": "n", "description": "d"},
    {"command": []},
    {"project": "p", "entity": "e", "job": "j", "image_uri": "i", "apiVersion": "2"},
    {"kind": "sweep"},
    {"controller": {"type": "local"}},
    {"controller": {"type": "cloud", "more": 1}},
    {"metric": LOSS, "early_terminate": {"type": "hyperband", "min_iter": 3}},
    {"metric": LOSS, "early_terminate": {"type": "hyperband", "min_iter": 3.0, "eta": 1.5}},
    {"metric": LOSS, "early_terminate": {"type": "hyperband", "max_iter": 27, "s": 2}},
    {
        "metric": LOSS,
        "early_terminate": {
            "type": "hyperband",
            "max_iter": 27,
            "s": 2,
            "min_iter": 1,
            "strict": False,
        },
    },
    {"scheduler": {"engine": "wandb"}},
    {"method": "custom"},
    {"method": "custom", "scheduler": {"engine": "optuna"}},
    {"method": "custom", "scheduler": {"engine": "ax"}},
    {
        "method": "custom",
        "metrics": [LOSS, {"name": "time"}],
        "scheduler": {"engine": "optuna", "source": "s.py", "optimizer": "f"},
    },
]
BAD_TOP: list[dict[str, Any]] = [
    {"method": "unknown"},
    {"method": None},
    {"method": ["grid"]},
    {"parameters": None},
    {"parameters": {}},
    {"parameters": []},
    {"parameters": "a"},
    {"foo": 1},
    {"settings": {}},
    {"metric": "loss"},
    {"metric": {}},
    {"metric": {"goal": "minimize"}},
    {"metric": {"name": 3}},
    {"metric": {**LOSS, "goal": "min"}},
    {"metric": {**LOSS, "target": "low"}},
    {"metric": {**LOSS, "impute": "mean"}},
    {"metric": {**LOSS, "impute_while_running": False}},
    {"metric": {**LOSS, "more": 1}},
    {"metrics": [LOSS, LOSS]},
    {"method": "custom", "metrics": [LOSS]},
    {"method": "custom", "metrics": LOSS},
    {"method": "custom", "metrics": [LOSS, "time"]},
    {"method": "custom", "metrics": [LOSS, {"name": "t", "goal": "min"}]},
    {"method": "custom", "metric": LOSS, "metrics": [LOSS, LOSS]},
    {"run_cap": 0},
    {"run_cap": -1},
    {"run_cap": 1.5},
    {"run_cap": "3"},
    {"run_cap": True},
    {"program": 3},
    {"command": "python x.py"},
    {"name": 3},
    {"description": ["d"]},
    {"project": 1},
    {"entity": 1},
    {"kind": "run"},
    {"apiVersion": 2},
    {"job": 1},
    {"image_uri": 1},
    {"controller": "local"},
    {"controller": {}},
    {"controller": {"type": "remote"}},
    {"early_terminate": "hyperband"},
    {"early_terminate": {}},
    {"early_terminate": {"type": "median", "min_iter": 1}},
    {"early_terminate": {"type": "hyperband"}},
    {"early_terminate": {"min_iter": 3}},
    {"early_terminate": {"type": "hyperband", "max_iter": 27}},
    {"early_terminate": {"type": "hyperband", "s": 2}},
    {"early_terminate": {"type": "hyperband", "min_iter": 0}},
    {"early_terminate": {"type": "hyperband", "min_iter": 1.5}},
    {"early_terminate": {"type": "hyperband", "min_iter": "3"}},
    {"early_terminate": {"type": "hyperband", "max_iter": 2.5, "s": 2}},
    {"early_terminate": {"type": "hyperband", "min_iter": 3, "eta": 1}},
    {"early_terminate": {"type": "hyperband", "min_iter": 3, "strict": "yes"}},
    {"early_terminate": {"type": "hyperband", "min_iter": 3, "more": 1}},
    {"scheduler": "optuna"},
    {"scheduler": {}},
    {"scheduler": {"engine": "other"}},
    {"scheduler": {"engine": "optuna"}},
    {"scheduler": {"engine": "wandb", "more": 1}},
    {"method": "custom", "scheduler": {"engine": "wandb"}},
    {"method": "custom", "scheduler": {"engine": "optuna", "optimizer": "f"}},
    {"method": "custom", "scheduler": {"engine": "optuna", "source": 1}},
    {
        "method": "custom",
        "scheduler": {"engine": "optuna"},
        "controller": {"type": "local"},
    },
    {
        "method": "custom",
        "scheduler": {"engine": "optuna"},
        "early_terminate": {"type": "hyperband", "min_iter": 3},
    },
]


def configs() -> list[Any]:
    found: list[Any] = [3, [], "grid", None, {}, {"method": "random"}, {"parameters": {}}]
    found += [{"method": "random", "parameters": {"a": spec}} for spec in GOOD_PARAMETERS]
    found += [{"method": "random", "parameters": {"a": spec}} for spec in BAD_PARAMETERS]
    found += [{"method": "random", "parameters": {"a": spec}} for spec in (1, None, "x", [1])]
    found += [{"method": "grid", "parameters": {"a": spec}} for spec in GOOD_PARAMETERS]
    found += [
        {"method": "bayes", "metric": LOSS, "parameters": {"a": spec}} for spec in GOOD_PARAMETERS
    ]
    found.append({"method": "bayes", "parameters": {"a": {"values": [1, 2]}}})
    base = {"method": "random", "parameters": {"a": {"values": [1, 2]}}}
    found += [{**base, **top} for top in (*GOOD_TOP, *BAD_TOP)]
    names = ("a", "_a", "a.b-c", "A1", "1a", "-a", "a b", "", "ä", "a/b")
    found += [{"method": "random", "parameters": {name: {"value": 1}}} for name in names]
    scheduler = {"engine": "optuna", "source": "s.py", "search_space": "f"}
    found.append({"method": "custom", "scheduler": scheduler})
    return found


# --- grids ----------------------------------------------------------------------------------------

GRIDS: list[dict[str, Any]] = [
    {"a": {"values": [1, 2, 3]}},
    {"b": {"values": [1, 2]}, "a": {"values": ["x", "y", "z"]}},
    {"b": {"values": [3, 1, 2]}, "a": {"value": 7}, "c": {"min": -1, "max": 1}},
    {"a": {"value": 7}},
    {"a": {"values": [1, 1, 2, 1]}, "b": {"values": [0, 1]}},
    {"a": {"values": [3, 3.0, True, 1, "1", None, 0, False]}},
    {"a": {"values": [[1, 2], [1, 2.0], [1, 2]]}},
    {"a": {"values": [{"x": 1}, {"x": 2, "y": 1}, {"y": 1, "x": 2}]}, "b": {"values": [0, 1]}},
    {"q": {"distribution": "q_uniform", "min": 0, "max": 1, "q": 0.1}},
    {"q": {"distribution": "q_uniform", "min": 1, "max": 10, "q": 4}},
    {"q": {"distribution": "q_uniform", "min": 0.3, "max": 3}},
    {"q": {"distribution": "q_uniform", "min": -1, "max": 2}, "a": {"values": [1, 2]}},
    {
        "z": {"values": [1, 2]},
        "m": {"parameters": {"z": {"values": [1, 2]}, "a": {"values": [8, 9]}}},
        "b": {"values": [5, 6]},
    },
    {"m": {"parameters": {"n": {"parameters": {"o": {"min": 1, "max": 3}}}}}, "a": {"value": 0}},
    {"A": {"values": [1, 2]}, "a": {"values": [3, 4]}, "_": {"values": [5, 6]}},
    {"a.b": {"values": [1, 2]}, "a": {"values": [3, 4]}, "a-b": {"values": [5, 6]}},
]


def grids() -> Iterator[Question]:
    dice = random.Random(5)
    for parameters in GRIDS:
        config = {"method": "grid", "parameters": parameters}
        yield {"ask": "grid", "config": config, "trials": [], "n": 60}
    for parameters in GRIDS[1:]:
        config = {"method": "grid", "parameters": parameters}
        for _ in range(3):
            trials = [
                {"params": drawn(parameters, dice), "state": dice.choice(["running", "failed"])}
                for _ in range(dice.randint(1, 6))
            ]
            yield {"ask": "grid", "config": config, "trials": trials, "n": 60}


def drawn(parameters: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    """A run's config: mostly a point, sometimes with something missing, added or changed."""
    found: dict[str, Any] = {}
    for name, spec in parameters.items():
        kind = dice.random()
        if "parameters" in spec:
            found[name] = drawn(spec["parameters"], dice)
        elif kind < 0.1:
            continue
        elif "value" in spec:
            found[name] = spec["value"]
        elif "values" in spec:
            value = dice.choice(spec["values"])
            if isinstance(value, dict) and kind < 0.5:
                value = {**value, "added": 1}
            found[name] = value
        else:
            value = dice.randint(0, 3)
            found[name] = float(value) if kind < 0.5 else value
    return {**found, "other": 1}


# --- early stopping -------------------------------------------------------------------------------


def stops() -> Iterator[Question]:
    dice = random.Random(7)
    rules: list[dict[str, Any]] = [
        {"min_iter": 1},
        {"min_iter": 3},
        {"min_iter": 2, "eta": 2},
        {"min_iter": 1, "eta": 1.5},
        {"min_iter": 5, "strict": False},
        {"max_iter": 27, "s": 2},
        {"max_iter": 10, "s": 9, "eta": 2},
        {"max_iter": 20, "s": 3, "eta": 1.7, "strict": False},
    ]
    for rule in rules:
        for goal in ("minimize", "maximize"):
            for count in (2, 3, 5, 9, 14, 25):
                config = {
                    "method": "random",
                    "metric": {"name": "loss", "goal": goal},
                    "early_terminate": {"type": "hyperband", **rule},
                    "parameters": {"a": {"min": 0.0, "max": 1.0}},
                }
                trials = [_curve(dice, number) for number in range(count)]
                yield {"ask": "stops", "config": config, "trials": trials}


def _curve(dice: random.Random, number: int) -> dict[str, Any]:
    level, length = dice.choice([0, 1, 2]), dice.choice([0, 1, 2, 3, 6, 15, 30])
    history: list[dict[str, Any]] = []
    for step in range(length):
        value: Any = level + round(dice.gauss(0, 1), 1) + 3 / (step + 1)
        odd = dice.random()
        if odd < 0.08:
            value = dice.choice([float("nan"), float("inf"), "text", None, True])
        history.append({"other": 1} if odd > 0.92 else {"loss": value})
    state = dice.choice(["running", "running", "finished", "failed", "crashed", "killed"])
    return {"name": f"run{number}", "state": state, "history": history}


# --- laws -----------------------------------------------------------------------------------------


def laws() -> Iterator[Question]:
    dice = random.Random(11)
    points = [0.001, 0.501, 0.999, *(round(dice.random(), 6) for _ in range(40))]
    for spec in GOOD_PARAMETERS:
        if "parameters" not in spec:
            yield {"ask": "law", "parameter": spec, "u": points}


def main() -> int:
    if not ORACLE:
        print(__doc__)
        return 2
    found = questions()
    asked = [[question, answer] for question, answer in zip(found, ask(found), strict=True)]
    lines = ",\n".join(json.dumps(each) for each in asked)
    text = f'{{"engine": "sweeps 0.3.0", "asked": [\n{lines}\n]}}\n'
    ANSWERS.write_text(text, encoding="utf-8")
    print(f"{len(asked)} answers in {ANSWERS}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
