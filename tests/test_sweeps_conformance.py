"""Configs, grid order, early stopping and laws, against the answers of W&B's own engine."""

from __future__ import annotations

import math
from typing import Any

import pytest

from synadb.errors import InvalidValueError
from synadb.sweeps.config import parse
from synadb.sweeps.grid import Grid
from synadb.sweeps.hyperband import brackets, curve_of, decide
from synadb.sweeps.laws import law_of
from synadb.sweeps.rules import violations
from synadb.sweeps.space import distribution_of
from tests.sweeps_oracle import ORACLE, ask, configs, questions, recorded, recorded_to


def test_the_answers_are_to_these_questions() -> None:
    kept = [question for question, _ in recorded()]
    assert repr(kept) == repr(questions()), "run `python -m tests.sweeps_oracle`, see there"


@pytest.mark.skipif(not ORACLE, reason="SYNADB_SWEEPS_ORACLE names no Python with `sweeps`")
def test_the_engine_still_answers_so() -> None:
    for (question, kept), now in zip(recorded(), ask(questions()), strict=True):
        assert repr(now) == repr(kept), question


# --- which configs are valid ----------------------------------------------------------------------

ACCEPTED_BY_SCHEMA = [
    # The engine calls the deprecated laws out as violations; wandb shows that as a warning.
    "error" not in answer and all("base-e exponents" in text for text in answer["answer"])
    for _, answer in recorded_to("violations")
]
SEARCHED = ["error" not in answer for _, answer in recorded_to("next")]


@pytest.mark.parametrize("number", range(len(configs())))
def test_accepts_and_refuses_what_the_engine_does(number: int) -> None:
    config = configs()[number]
    custom = isinstance(config, dict) and config.get("method") == "custom"
    expected = ACCEPTED_BY_SCHEMA[number] and (custom or SEARCHED[number])
    if isinstance(config, dict) and config.get("method") == "bayes":
        # The engine's schema takes probabilities with bayes, its search then breaks on them.
        expected = ACCEPTED_BY_SCHEMA[number] and "metric" in config and not constant(config)
    assert (not violations(config)) == expected, violations(config)


def constant(config: dict[str, Any]) -> bool:
    return "value" in config["parameters"]["a"]


def test_the_questions_hold_both_kinds() -> None:
    assert sum(ACCEPTED_BY_SCHEMA) > 100
    assert sum(not good for good in ACCEPTED_BY_SCHEMA) > 100


@pytest.mark.parametrize("config", [c for c in configs() if isinstance(c, dict) and violations(c)])
def test_every_refusal_names_a_key_and_parse_says_it_all(config: dict[str, Any]) -> None:
    found = violations(config)
    for text in found:
        assert ": " in text
        assert len(text) > 20
    with pytest.raises(InvalidValueError, match="Invalid sweep config") as caught:
        parse(config)
    for text in found:
        assert text in str(caught.value)


# --- grid -----------------------------------------------------------------------------------------


def same(ours: Any, theirs: Any) -> bool:
    """Equal, and of the same kinds: 1, 1.0 and True differ."""
    return repr(ours) == repr(theirs)


@pytest.mark.parametrize(("question", "answer"), recorded_to("grid"))
def test_grid_order(question: dict[str, Any], answer: dict[str, Any]) -> None:
    space = parse(question["config"]).space
    grid = Grid(space)
    points = [grid.point(trial["params"]) for trial in question["trials"]]
    taken = {point for point in points if point is not None}
    found: list[dict[str, Any] | None] = []
    while (point := grid.next(taken)) is not None and len(found) < question["n"]:
        taken.add(point)
        found.append(grid.params(point))
    if len(found) < question["n"]:
        found.append(None)
    # The engine's dicts are in another order.
    assert all(
        same(sort(mine), sort(theirs)) for mine, theirs in zip(found, answer["answer"], strict=True)
    )


def sort(params: Any) -> Any:
    return {k: sort(params[k]) for k in sorted(params)} if isinstance(params, dict) else params


# --- early stopping -------------------------------------------------------------------------------


@pytest.mark.parametrize(("question", "answer"), recorded_to("stops"))
def test_hyperband(question: dict[str, Any], answer: dict[str, Any]) -> None:
    config = parse(question["config"])
    assert config.early_terminate is not None
    bands = brackets(config.early_terminate)
    curves = {
        trial["name"]: curve_of([row["loss"] for row in trial["history"] if "loss" in row], bands)
        for trial in question["trials"]
    }
    running = [trial["name"] for trial in question["trials"] if trial["state"] == "running"]
    assert sorted(decide(config, curves, running)) == sorted(answer["answer"])


def test_hyperband_was_asked_what_it_stops() -> None:
    answers = [answer["answer"] for _, answer in recorded_to("stops")]
    assert sum(bool(stopped) for stopped in answers) > 20
    assert sum(not stopped for stopped in answers) > 20


# --- laws -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("question", "answer"), recorded_to("law"))
def test_inverse_distribution(question: dict[str, Any], answer: dict[str, Any]) -> None:
    spec = question["parameter"]
    law = law_of(distribution_of(spec), spec)
    for u, theirs in zip(question["u"], answer["answer"], strict=True):
        ours = spec["value"] if law is None else law.value(u)
        if isinstance(theirs, float):
            assert isinstance(ours, float)
            assert math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-12)
        else:
            assert same(ours, theirs)
