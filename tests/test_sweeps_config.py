"""The config language: what a valid config becomes, and what is said of an invalid one."""

from __future__ import annotations

import copy
import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synadb.errors import InvalidValueError
from synadb.sweeps.config import Hyperband, Metric, parse, read_file, read_yaml
from synadb.sweeps.rules import violations
from tests.test_sweeps_laws import specs

FULL = """
program: train.py
name: my sweep
description: what it is for
method: bayes
project: p
entity: e
run_cap: 30
metric:
  name: val/loss.min
  goal: maximize
  target: 0.99
  impute: best
command: ["${env}", "${interpreter}", "${program}", "${args}"]
early_terminate: {type: hyperband, min_iter: 3, eta: 2, strict: false}
parameters:
  lr: {distribution: log_uniform_values, min: 0.0001, max: 0.1}
  layers: {min: 1, max: 8}
  dropout: {min: 0.0, max: 0.5}
  optimizer:
    parameters:
      name: {values: [adam, sgd]}
      momentum: {value: 0.9}
"""


def one(spec: Any, **top: Any) -> dict[str, Any]:
    return {"method": "random", "parameters": {"p": spec}, **top}


def test_a_whole_config() -> None:
    given_ = read_yaml(FULL)
    before = copy.deepcopy(given_)
    config = parse(given_)
    assert given_ == before
    assert config.method == "bayes"
    assert config.metric == Metric("val/loss.min", "maximize", 0.99, "best")
    assert config.early_terminate == Hyperband(min_iter=3, eta=2, strict=False)
    assert config.run_cap == 30
    assert config.engine == "wandb"
    assert config.warnings == ()
    assert [p.name for p in config.space.parameters] == [
        "dropout",
        "layers",
        "lr",
        "optimizer.momentum",
        "optimizer.name",
    ]
    assert config.space.build([0.1, 2, 0.01, "sgd"]) == {
        "dropout": 0.1,
        "layers": 2,
        "lr": 0.01,
        "optimizer": {"momentum": 0.9, "name": "sgd"},
    }


def test_the_stored_config_names_the_distribution_of_bounds_at_the_top_level() -> None:
    stored = parse(read_yaml(FULL)).stored
    assert stored["parameters"]["layers"]["distribution"] == "int_uniform"
    assert stored["parameters"]["dropout"]["distribution"] == "uniform"
    assert stored["parameters"]["optimizer"] == {
        "parameters": {"name": {"values": ["adam", "sgd"]}, "momentum": {"value": 0.9}}
    }
    assert json.loads(json.dumps(stored)) == stored


def test_the_space_does_not_change_with_what_a_trial_does_to_its_config() -> None:
    config = parse(one({"values": [{"a": [1]}]}))
    config.space.build([{"a": [1]}])["p"]["a"].append(2)
    first = config.space.at([0.5])
    config.space.build(first)["p"]["a"].append(2)
    assert config.space.at([0.5]) == [{"a": [1]}]


def test_bounds_of_two_kinds() -> None:
    [text] = violations(one({"min": 1, "max": 2.5}))
    assert "ambiguous" in text
    assert "`min: 1.0` and `max: 2.5`" in text
    # wandb's client looks at the top level only; its engine takes nested ones for floats.
    nested = parse(one({"parameters": {"a": {"min": 1, "max": 2.5}}}))
    assert nested.space.parameters[0].distribution == "uniform"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "`method` is a required property"),
        (one({"min": 5, "max": 1}), "p: min 5 is not less than max 1; swap them"),
        (one({"min": 1, "max": 1}), "use `value` for a single one"),
        (one({"values": [1, 2], "probabilities": [0.5]}), "are not the same length"),
        (one({"values": [1, 2], "probabilities": [0.5, 0.2]}), "do not sum to 1 but to 0.7"),
        (one({"value": 1}, foo=2), "foo: no such key"),
        (one({"value": 1}, run_capp=2), "did you mean `run_cap`?"),
        (one({"value": 1}, method="gird"), "method: must be one of grid, random"),
        (one({"min": 0.0, "max": 1.0, "distribution": "unifrom"}), "did you mean `uniform`?"),
        (one({"min": 0.0, "max": 1.0, "q": 2}), "p.q: no such key"),
        (one({"min": "1e-4", "max": 1.0}), "the text '1e-4' (YAML wants 1.0e-4)"),
        (one({"value": 1}, metric="loss"), "write `metric: {name: loss, goal: minimize}`"),
        (one({"value": 1}, command="python x.py"), "command: must be a list"),
        (one({"values": (1, 2)}), "the tuple (1, 2); write a list"),
        (one({"values": np.arange(3)}), "use `.item()` or `.tolist()`"),
        (one({"min": np.int64(1), "max": np.int64(3)}), "use `.item()` or `.tolist()`"),
        (one({"values": [date(2020, 1, 1)]}), "p.values: holds date"),
        (one({"value": {"a": {1: 2}}}), "p.value: holds int 1"),
        (one(0.1), "write `value: ...`, `values: [...]`"),
        (one({"vals": [1]}), "it needs `value`, `values`"),
        (one({"parameters": {}}), "parameters.p.parameters: should be non-empty"),
        (one({"min": 1.0, "max": float("nan")}), "p.max: must be a number"),
        (one({"min": 1, "max": 10**400}), "p.max: must be a whole number"),
        (
            one({"min": 1, "max": 1000, "distribution": "log_uniform"}),
            "an exponent of e; the distribution of the same name with _values",
        ),
        (one({"min": 0.0, "max": 1.0}, method="grid"), "disallowed type with grid search"),
        (
            one({"values": [1], "probabilities": [1]}, method="grid"),
            "categorical_w_probabilities is a disallowed type with grid search",
        ),
        (one({"min": 0.0, "max": 1.0}, method="bayes"), "requires a metric section"),
        (one({"value": 1}, method="bayes", metric={"name": "x"}), "at least one searchable"),
        (
            one({"value": 1}, early_terminate={"type": "hyperband"}),
            "hyperband needs `min_iter`, or `max_iter` with `s`",
        ),
    ],
)
def test_a_mistake_is_named_with_its_mend(config: dict[str, Any], said: str) -> None:
    assert any(said in text for text in violations(config)), violations(config)


def test_all_mistakes_at_once() -> None:
    config = one({"min": 5, "max": 1}, run_cap=0, foo=1)
    assert len(violations(config)) == 3
    with pytest.raises(InvalidValueError, match=r"1\. .*\n  2\. .*\n  3\. "):
        parse(config)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            one({"min": -3, "max": 0, "distribution": "log_uniform"}),
            "specify base-e exponents. Use log_uniform_values",
        ),
        (one({"values": ["1e-4", "1e-3"]}), "YAML wants 1.0e-4"),
        (one({"value": "2.5e3"}), "YAML wants 2.5e+3"),
        (
            one({"value": 1}, early_terminate={"type": "hyperband", "min_iter": 3}),
            "stops nothing without `metric`",
        ),
        (
            one(
                {"value": 1},
                metric={"name": "x"},
                early_terminate={"type": "hyperband", "max_iter": 2, "s": 2},
            ),
            "max_iter / eta is below 1",
        ),
        (
            one({"parameters": {"a": {"values": [1, 2], "probabilities": [1, 1]}}}),
            "taken as weights",
        ),
    ],
)
def test_what_is_valid_and_likely_not_meant(config: dict[str, Any], said: str) -> None:
    assert any(said in text for text in parse(config).warnings)


def test_reading_files(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(FULL, encoding="utf-8")
    assert read_file(path) == read_yaml(FULL)
    path.write_text("a: [1", encoding="utf-8")
    with pytest.raises(InvalidValueError, match="no valid YAML"):
        read_file(path)
    path.write_text("- 1", encoding="utf-8")
    with pytest.raises(InvalidValueError, match="must be a mapping"):
        read_file(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidValueError, match="not UTF-8"):
        read_file(path)
    with pytest.raises(InvalidValueError, match=r"missing\.yaml cannot be read"):
        read_file(tmp_path / "missing.yaml")


# --- properties -----------------------------------------------------------------------------------

names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,5}", fullmatch=True)


def nested(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(names, inner, min_size=1, max_size=3).map(lambda d: {"parameters": d})


parameters = st.dictionaries(
    names, st.recursive(specs(), nested, max_leaves=4), min_size=1, max_size=4
)


@given(parameters, st.integers(0, 2**32))
def test_valid_configs_parse_and_draw(block: dict[str, Any], seed: int) -> None:
    import random

    config = parse({"method": "random", "parameters": block})
    json.dumps(config.stored)
    values = config.space.draw(random.Random(seed))
    params = config.space.build(values)
    assert repr(config.space.values(params)) == repr(values)
    assert params.keys() == block.keys()


@given(specs(), st.data())
def test_a_needed_key_less_or_a_foreign_key_more_is_refused(
    spec: dict[str, Any], data: st.DataObject
) -> None:
    assert violations(one(spec)) == []
    assert violations(one({**spec, "unheard": 1}))
    optional = {"distribution", "q", "mu", "sigma", "a", "b"}
    needed = sorted(spec.keys() - optional)
    if needed:
        less = dict(spec)
        del less[data.draw(st.sampled_from(needed))]
        assert violations(one(less))


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = [
    "method",
    "parameters",
    "metric",
    "metrics",
    "early_terminate",
    "run_cap",
    "program",
    "command",
    "name",
    "controller",
    "scheduler",
    "kind",
    "foo",
]
INNER = [
    "min",
    "max",
    "q",
    "mu",
    "sigma",
    "a",
    "b",
    "value",
    "values",
    "probabilities",
    "distribution",
    "parameters",
]


@given(
    st.dictionaries(st.sampled_from(KEYS), json_values),
    st.dictionaries(
        st.text(max_size=3), st.dictionaries(st.sampled_from(INNER), json_values), max_size=3
    ),
)
def test_nothing_that_yaml_holds_breaks_the_check(
    top: dict[str, Any], block: dict[str, Any]
) -> None:
    for config in (top, {**top, "parameters": block}, {"method": "random", "parameters": block}):
        found = violations(config)
        assert all(isinstance(text, str) for text in found)
        if not found:
            json.dumps(parse(config).stored)
