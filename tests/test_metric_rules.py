"""define_metric: each rule by itself, then random scripts against a plain model."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from synadb.wandb_compat._metric import Metric
from synadb.wandb_compat._metric_rules import MetricRules, joined
from synadb.wandb_compat._values import merge_leaves
from synadb.wandb_compat.errors import Error

NAN, INF = math.nan, math.inf
WORDS = ("min", "max", "mean", "best", "last", "first")


class Script:
    """The rules, driven as a run drives them."""

    def __init__(self, *, rules: MetricRules | None = None) -> None:
        self.rows: list[dict[str, Any]] = []
        self.summary: dict[str, Any] = {}
        self.reads = 0  # that gave rows
        self.rules = MetricRules(self.past) if rules is None else rules

    def past(self) -> Iterator[dict[str, Any]]:
        self.reads += bool(self.rows)
        return iter(list(self.rows))

    def define(self, *args: Any, **kwargs: Any) -> Metric:
        metric = self.rules.define(*args, **kwargs)
        self.rules.refresh(self.summary)
        return metric

    def log(self, row: dict[str, Any] | None = None, **values: Any) -> dict[str, Any]:
        full = {**(row or {}), **values}
        if self.rules.active:
            full = joined(full, self.rules.apply(full, self.summary))
        else:
            merge_leaves(self.summary, full)
        self.rows.append(full)
        return full

    def write(self, path: tuple[str, ...], value: Any) -> None:
        self.rules.manual(path)
        node = self.summary
        for key in path[:-1]:
            below = node.get(key)
            if not isinstance(below, dict) or set(below) <= set(WORDS):
                below = node[key] = {}
            node = below
        node[path[-1]] = value

    def delete(self, path: tuple[str, ...]) -> None:
        self.rules.manual(path, deleted=True)
        node: Any = self.summary
        for key in path[:-1]:
            node = node.get(key) if isinstance(node, dict) else None
        if isinstance(node, dict):
            node.pop(path[-1], None)


@pytest.fixture
def script() -> Script:
    return Script()


# --- definitions ------------------------------------------------------------------------------


def test_nothing_is_active_until_something_is_defined(script: Script) -> None:
    assert not script.rules.active
    with pytest.raises(Error):
        script.define("")
    assert not script.rules.active
    script.define("a")
    assert script.rules.active


def test_the_metric_tells_what_was_given() -> None:
    define = MetricRules().define
    metric = define("a", step_metric=define("e"), summary="MIN,max", hidden=True, goal="Maximize")
    assert (metric.name, metric.step_metric, metric.step_sync) == ("a", "e", True)
    assert (metric.hidden, metric.summary, metric.goal) == (True, ("min", "max"), "maximize")
    bare = define("*")
    assert (bare.step_metric, bare.step_sync, bare.hidden, bare.summary) == (
        None,
        False,
        None,
        None,
    )
    assert define("a", step_metric="e", step_sync=False).step_sync is False
    assert repr(define("a", summary="min")) == "Metric('a', summary=('min',))"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"name": ""}, "needs a name"),
        ({"name": None}, "needs a name"),
        ({"name": 3}, "name=.*takes a str, not a int"),
        ({"name": "a", "step_metric": 3}, "step_metric=.*takes a str"),
        ({"name": "a", "step_sync": 1}, "step_sync=.*takes a bool"),
        ({"name": "a", "hidden": "yes"}, "hidden=.*takes a bool"),
        ({"name": "a", "overwrite": 1}, "overwrite=.*takes a bool"),
        ({"name": "a", "summary": ["min"]}, "summary=.*join the words with commas"),
        ({"name": "a", "summary": "min, max"}, "does not know ' max'.*no blanks"),
        ({"name": "a", "summary": "min,"}, "does not know ''"),
        ({"name": "a", "goal": "up"}, "minimize or maximize"),
        ({"name": "a", "goal": 1}, "goal=.*takes a str"),
        ({"name": "a*b"}, "glob suffixes only"),
        ({"name": "**"}, "glob suffixes only"),
        ({"name": "*a"}, "glob suffixes only"),
    ],
)
def test_what_is_refused(arguments: dict[str, Any], told: str) -> None:
    rules = MetricRules()
    with pytest.raises(Error, match=told):
        rules.define(**arguments)
    assert rules.definitions() == []


# --- the summary ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("min", {"min": 1}),
        ("min,max", {"min": 1, "max": 3}),
        ("mean,last,first", {"mean": 2.0, "last": 2, "first": 3}),
        ("best", {"best": 1}),
        ("copy", 2),
        ("min,copy", {"min": 1}),
    ],
)
@pytest.mark.parametrize("afterwards", [False, True])
def test_words(script: Script, words: str, shown: Any, afterwards: bool) -> None:
    if not afterwards:
        script.define("a", summary=words)
    for value in (3, 1, 2):
        script.log(a=value)
    if afterwards:
        script.define("a", summary=words)
    assert script.summary == {"a": shown}


@pytest.mark.parametrize(
    ("goal", "best"), [("minimize", 1), ("maximize", 3), ("MAXIMIZE", 3), (None, 1)]
)
def test_best(script: Script, goal: str | None, best: int) -> None:
    script.define("a", summary="best", goal=goal)
    for value in (2, 3, 1):
        script.log(a=value)
    assert script.summary == {"a": {"best": best}}


def test_a_goal_can_come_later(script: Script) -> None:
    script.define("a", summary="best,min")
    script.log(a=1)
    script.log(a=2)
    script.define("a", goal="maximize")
    assert script.summary == {"a": {"min": 1, "best": 2}}


def test_none_shows_nothing_and_gives_way_to_a_later_word(script: Script) -> None:
    script.define("a", summary="min,none")
    script.log(a=1, b=2)
    assert script.summary == {"b": 2}
    script.define("a", hidden=True)
    script.log(a=0)
    assert script.summary == {"b": 2}
    script.define("a", summary="max")
    assert script.summary == {"a": {"min": 0, "max": 1}, "b": 2}
    script.define("a", summary="none")
    assert script.summary == {"b": 2}
    script.define("a", overwrite=True)
    assert script.summary == {"a": 0, "b": 2}


def test_none_leaves_no_empty_dict_behind(script: Script) -> None:
    script.log(d={"x": {"y": 1}})
    script.define("d.x.y", summary="none")
    assert script.summary == {}


def test_definitions_merge_and_overwrite_replaces(script: Script) -> None:
    script.define("a", summary="min")
    script.log(a=2)
    script.define("a", summary="max")
    script.log(a=3)
    assert script.summary == {"a": {"min": 2, "max": 3}}
    script.define("a", summary="mean", overwrite=True)
    assert script.summary == {"a": {"mean": 2.5}}


@pytest.mark.parametrize("values", [(1, NAN, 2), (NAN, 1, 2), (1, 2, NAN)])
def test_nan_stays_in_min_max_and_mean(script: Script, values: tuple[float, ...]) -> None:
    script.define("a", summary="min,max,mean,best,first")
    for value in values:
        script.log(a=value)
    shown = script.summary["a"]
    assert all(math.isnan(shown[word]) for word in ("min", "max", "mean", "best"))
    assert shown["first"] is values[0]


def test_infinities(script: Script) -> None:
    script.define("a", summary="min,max,mean")
    script.log(a=INF)
    assert script.summary == {"a": {"min": INF, "max": INF, "mean": INF}}
    script.log(a=-INF)
    script.log(a=1)
    assert (script.summary["a"]["min"], script.summary["a"]["max"]) == (-INF, INF)
    assert math.isnan(script.summary["a"]["mean"])


def test_only_numbers_count_but_first_and_last_take_everything(script: Script) -> None:
    script.define("a", summary="min,mean,first,last")
    script.define("b", summary="max")
    for value in ("x", True, None, [1]):
        script.log(a=value, b=value)
    assert script.summary == {"a": {"first": "x", "last": [1]}}
    script.log(a=2, b=3)
    script.log(a="y", b=False)
    assert script.summary == {
        "a": {"min": 2, "mean": 2.0, "first": "x", "last": "y"},
        "b": {"max": 3},
    }


def test_a_text_shown_before_goes_when_only_numbers_are_asked_for(script: Script) -> None:
    script.log(a="x")
    script.define("a", summary="min")
    assert script.summary == {}


def test_none_is_no_last_value(script: Script) -> None:
    script.define("b", summary="min")
    script.log(a=1, b=1)
    script.log(a=None, b=None)
    assert script.summary == {"a": 1, "b": {"min": 1}}
    script.define("b", overwrite=True)
    assert script.summary == {"a": 1, "b": 1}


def test_big_ints_stay_exact(script: Script) -> None:
    script.define("a", summary="max")
    script.log(a=2**53 + 1)
    assert script.summary == {"a": {"max": 2**53 + 1}}


def test_numpy_numbers_count(script: Script) -> None:
    numpy = pytest.importorskip("numpy")
    script.define("a", summary="min", step_metric="e")
    script.log(e=numpy.int64(7))
    assert script.log(a=numpy.float32(0.5)) == {"a": 0.5, "e": 7}
    assert script.summary["a"] == {"min": 0.5}
    assert type(script.summary["a"]["min"]) is float


def test_the_parts_of_a_media_value_are_no_metrics(script: Script) -> None:
    image = {"_type": "image-file", "width": 3, "path": "media/a.png"}
    script.define("*", summary="max", step_metric="e")
    assert script.log(img=image, a=1) == {"img": image, "a": 1, "e": 0}
    assert script.summary["img"] == image
    script.define("img*", summary="none")
    script.log(img2=image)
    assert "img2" not in script.summary


def test_a_leaf_that_becomes_a_dict_and_back(script: Script) -> None:
    script.define("a", summary="min")
    script.define("a.b.c", summary="max")
    script.log(a=3)
    script.log(a={"b": {"c": 1}, "d": 2})
    assert script.summary == {"a": {"b": {"c": {"max": 1}}, "d": 2}}
    script.log(a=4)
    assert script.summary == {"a": {"min": 3}}


# --- the past ---------------------------------------------------------------------------------


def test_the_past_is_read_once_and_only_when_needed(script: Script) -> None:
    script.log(a=1, b=1)
    script.define("c", step_metric="e")
    script.log(a=2, b=2)
    assert script.reads == 0
    script.define("a", summary="max")
    assert script.summary["a"] == {"max": 2}
    script.log(a=3, b=0)
    script.define("b", summary="min,max")
    assert script.summary == {"a": {"max": 3}, "b": {"min": 0, "max": 2}}
    assert script.reads == 1


def test_a_leaf_that_a_glob_reaches_late_brings_its_past(script: Script) -> None:
    script.log(loss=3, other=1)
    script.define("l*", summary="min,mean")
    script.log(other=2)
    assert script.summary == {"loss": 3, "other": 2}
    script.log(loss=5, other=3)
    assert script.summary == {"loss": {"min": 3, "mean": 4.0}, "other": 3}


def test_without_a_past_what_was_committed_counts() -> None:
    script = Script(rules=MetricRules())
    script.define("x")
    script.log(a=3)
    script.log(a=1)
    script.define("a", summary="min,first")
    assert script.summary == {"a": {"min": 1, "first": 3}}


def test_the_row_that_makes_the_past_be_read_counts_in_full(script: Script) -> None:
    script.log(a=1, b=1)
    script.define("b*", summary="min")
    row = {"a": 5, "b": 2}
    script.rules.commit(row, script.summary)
    script.rows.append(row)
    script.define("a", summary="max,last")
    assert script.summary == {"a": {"max": 5, "last": 5}, "b": {"min": 1}}
    assert script.reads == 1


def test_what_none_hides_is_counted(script: Script) -> None:
    script.define("a", summary="none")
    script.log(a=3)
    script.log(a=4)
    script.define("a", summary="min")
    assert script.summary == {"a": {"min": 3}}


def test_without_a_refresh_the_next_row_counts_too(script: Script) -> None:
    script.define("b", summary="min")
    script.rules.define("a", summary="none")
    script.log(a=3)
    script.log(a=2)
    script.define("a", summary="max")
    assert script.summary == {"a": {"max": 3}}


def test_a_write_after_a_forgotten_refresh_stays(script: Script) -> None:
    script.log(a=1)
    script.rules.define("a", summary="min")
    script.write(("a",), 9)
    script.log(b=1)
    assert script.summary == {"a": 9, "b": 1}


def test_the_media_of_the_past_are_no_metrics(script: Script) -> None:
    image = {"_type": "image-file", "width": 3}
    script.log(img=image)
    script.define("img.width", summary="max")
    assert script.summary == {"img": image}


def test_commit_makes_up_for_a_forgotten_refresh(script: Script) -> None:
    script.log(a=3, b=1)
    script.rules.define("a", summary="max")
    script.log(b=2)
    assert script.summary == {"a": {"max": 3}, "b": 2}


# --- step metrics -----------------------------------------------------------------------------


def test_the_last_number_is_inserted(script: Script) -> None:
    script.define("a", step_metric="e")
    assert script.log(a=1) == {"a": 1, "e": 0}
    assert script.log(b=1) == {"b": 1}
    script.log(e=2.5)
    for other in ("x", True, None, [1]):
        script.log(e=other)
    assert script.log(a=1) == {"a": 1, "e": 2.5}
    assert script.log(a=1, e="y") == {"a": 1, "e": "y"}
    assert script.log(a=1, e=None) == {"a": 1, "e": None}
    assert script.log(a=None) == {"a": None, "e": 2.5}
    assert script.summary == {"a": 1, "b": 1, "e": 2.5}


def test_not_synced(script: Script) -> None:
    script.define("a", step_metric="e", step_sync=False)
    assert script.log(a=1) == {"a": 1}
    script.define("a", step_sync=True)
    assert script.log(a=1) == {"a": 1, "e": 0}
    script.define("a", step_metric="e", step_sync=False, overwrite=True)
    assert script.log(a=1) == {"a": 1}


def test_what_every_row_has_is_not_inserted(script: Script) -> None:
    script.define("a", step_metric="_step")
    script.define("b", step_metric="_runtime")
    script.define("c", step_metric="_timestamp")
    assert script.log(a=1, b=1, c=1) == {"a": 1, "b": 1, "c": 1}


def test_step_metrics_have_step_metrics(script: Script) -> None:
    script.define("a", step_metric="e")
    script.define("e", step_metric="g")
    script.define("g", step_metric="a")
    script.log(e=3, g=4)
    assert script.log(a=1) == {"a": 1, "e": 3, "g": 4}


def test_a_nested_step_metric(script: Script) -> None:
    script.define("a", step_metric="t.e")
    given = {"a": 2, "t": {"f": 5}}
    assert script.log(a=1) == {"a": 1, "t": {"e": 0}}
    script.log(t={"e": 3})
    assert script.log(given) == {"a": 2, "t": {"f": 5, "e": 3}}
    assert given == {"a": 2, "t": {"f": 5}}
    assert script.log(a=2, t=4) == {"a": 2, "t": 4}  # no room: what was logged wins


def test_ops_of_a_step_metric_count_what_is_inserted(script: Script) -> None:
    script.define("a", step_metric="e")
    script.define("e", summary="mean,last")
    script.log(e=4)
    for _ in range(3):
        script.log(a=1)
    script.log(e=9)
    assert script.summary == {"a": 1, "e": {"mean": 5.0, "last": 9}}


def test_a_former_step_metric_is_still_remembered(script: Script) -> None:
    script.define("a", step_metric="e")
    script.define("a", step_metric="g")
    script.log(e=8)
    assert script.log(a=1) == {"a": 1, "g": 0}
    script.define("a", step_metric="e")
    assert script.log(a=1) == {"a": 1, "e": 8}


# --- names ------------------------------------------------------------------------------------


def test_dots_and_escaped_dots(script: Script) -> None:
    script.define("d.x", summary="max")
    script.define("d\\.x", summary="min")
    script.log({"d": {"x": 1, "y": 5}, "d.x": 2})
    script.log({"d": {"x": 0}, "d.x": 3})
    assert script.summary == {"d": {"x": {"max": 1}, "y": 5}, "d.x": {"min": 2}}


def test_for_steps_a_flat_key_answers_to_the_nested_name(script: Script) -> None:
    script.define("d.x", step_metric="e", summary="max")
    assert script.log({"d.x": 1}) == {"d.x": 1, "e": 0}
    assert script.summary == {"d.x": 1, "e": 0}


def test_globs_match_prefixes_of_whole_paths(script: Script) -> None:
    script.define("d.*", summary="max")
    script.define("val/*", summary="min")
    script.log({"d": {"x": {"y": 1}}, "dd": 2, "val/a/b": 3, "val": 4, "d.f": 5})
    assert script.summary == {
        "d": {"x": {"y": {"max": 1}}},
        "dd": 2,
        "val/a/b": {"min": 3},
        "val": 4,
        "d.f": 5,
    }


def test_globs_do_not_match_internal_keys(script: Script) -> None:
    script.define("*", summary="max")
    script.define("_*", summary="min")
    script.define("_named", summary="min")
    script.log({"_x": 1, "_y": {"a": 1}, "d": {"_z": 1}, "_named": 1})
    assert script.summary == {
        "_x": 1,
        "_y": {"a": 1},
        "d": {"_z": {"max": 1}},
        "_named": {"min": 1},
    }


def test_the_longest_prefix_wins(script: Script) -> None:
    script.define("*", summary="mean")
    script.define("val/*", summary="max")
    script.define("v*", summary="min")
    script.log({"val/a": 1, "v": 2, "x": 3})
    assert script.summary == {"val/a": {"max": 1}, "v": {"min": 2}, "x": {"mean": 3.0}}


def test_a_definition_keeps_globs_away(script: Script) -> None:
    script.define("loss", summary="max")
    script.define("*", summary="min", step_metric="e")
    assert script.log(loss=1) == {"loss": 1}
    assert script.summary == {"loss": {"max": 1}}


def test_a_glob_binds_once(script: Script) -> None:
    script.define("l*", summary="min")
    script.log(loss=5)
    script.define("l*", summary="max")
    script.log(loss=6, l2=7)
    assert script.summary == {"loss": {"min": 5}, "l2": {"min": 7, "max": 7}}
    script.define("loss", summary="last")
    assert script.summary["loss"] == {"min": 5, "last": 6}


# --- writes by hand ---------------------------------------------------------------------------


def test_a_write_ends_the_ops_until_defined_again(script: Script) -> None:
    script.define("a", summary="min")
    script.log(a=2)
    script.write(("a",), 9)
    assert script.summary == {"a": 9}
    script.log(a=1)
    script.log(a=3)
    assert script.summary == {"a": 3}
    script.define("a", hidden=True)
    assert script.summary == {"a": {"min": 1}}


@pytest.mark.parametrize("path", [("d",), ("d", "x"), ("d", "x", "min")])
def test_a_write_above_or_below_ends_them_too(script: Script, path: tuple[str, ...]) -> None:
    script.define("d.x", summary="min")
    script.define("other", summary="min")
    script.log(d={"x": 1}, other=1)
    script.write(path, 9)
    script.log(d={"x": 2}, other=2)
    assert script.summary == {"d": {"x": 2}, "other": {"min": 1}}


def test_a_write_beside_or_before_a_glob_binds_ends_nothing(script: Script) -> None:
    script.define("*", summary="min")
    script.write(("a",), 9)
    script.log(a=3, d={"x": 1, "y": 1})
    script.write(("d", "y"), 9)
    script.log(d={"x": 2, "y": 2})
    assert script.summary == {"a": {"min": 3}, "d": {"x": {"min": 1}, "y": 2}}


def test_a_write_does_not_end_none(script: Script) -> None:
    script.define("a", summary="none")
    script.write(("a",), 9)
    script.log(a=3)
    assert script.summary == {"a": 9}


def test_what_was_deleted_comes_back_with_its_ops(script: Script) -> None:
    script.define("a", summary="min")
    script.define("d.x", summary="min")
    script.log(a=2, d={"x": 2})
    script.delete(("a",))
    script.delete(("d",))
    assert script.summary == {}
    script.log(a=3, d={"x": 3})
    assert script.summary == {"a": {"min": 2}, "d": {"x": 3}}


def test_the_written_dict_is_the_scripts_own(script: Script) -> None:
    script.define("a", summary="min")
    script.log(a=2)
    shown = script.summary["a"]
    script.rules.manual(("a", "min"))
    shown["min"] = -5
    script.define("a", hidden=True)
    assert script.summary == {"a": {"min": 2}}


# --- storage ----------------------------------------------------------------------------------


def test_definitions_come_back(script: Script) -> None:
    script.define("*", step_metric="e", summary="min,none")
    script.define("a\\.b", summary="best", goal="maximize", hidden=True)
    script.define("c", summary="max")
    script.log({"bound": 1, "c": 2, "f.g": 3})
    script.write(("c",), 9)
    told = script.rules.definitions()
    assert json.loads(json.dumps(told)) == told
    assert told == [
        {"glob_name": "*", "step_metric": "e", "step_sync": True, "summary": ["min", "none"]},
        {"name": "a\\.b", "hidden": True, "goal": "maximize", "summary": ["best"]},
        {"name": "c", "cancelled": True, "summary": ["max"]},
        {
            "name": "bound",
            "step_metric": "e",
            "step_sync": True,
            "bound": True,
            "summary": ["min", "none"],
        },
        {"name": "f\\.g", "step_metric": "e", "step_sync": True, "bound": True},
        {"name": "e", "step_metric": "e", "step_sync": True, "bound": True}
        | {"summary": ["min", "none"]},
    ]
    again = MetricRules.from_definitions(told)
    assert again.active
    assert again.definitions() == told


def test_changed_says_when_to_store_again(script: Script) -> None:
    seen = []

    def look() -> None:
        seen.append(script.rules.changed)
        script.rules.definitions()

    look()
    script.define("a", summary="min")
    look()
    script.define("*")
    look()
    script.log(a=1)
    look()
    script.log(b=1)  # binds
    look()
    script.write(("a",), 1)
    look()
    script.log(a=1, b=1)
    look()
    assert seen == [False, True, True, False, True, True, False]


def test_a_run_that_goes_on(script: Script) -> None:
    script.define("a", step_metric="e", summary="min,mean")
    script.define("b", summary="min")
    script.log(a=1, b=1, e=5)
    script.log(a=2, b=2)
    script.write(("b",), 9)
    again = Script()
    again.rows = script.rows
    again.rules = MetricRules.from_definitions(script.rules.definitions(), again.past)
    again.summary = json.loads(json.dumps(script.summary))
    assert again.reads == 0
    assert again.log(a=6) == {"a": 6, "e": 5}
    assert again.summary == {"a": {"min": 1, "mean": 3.0}, "b": 9, "e": 5}
    again.define("b", summary="max")
    assert again.summary["b"] == {"min": 1, "max": 2}
    assert again.reads == 1


def test_going_on_mends_a_stored_summary_but_brings_nothing_back(script: Script) -> None:
    for name in ("a", "b", "c"):
        script.define(name, summary="min")
    script.define("d", summary="none")
    script.log(a=1, b=1, c=1, d=1)
    rules = MetricRules.from_definitions(script.rules.definitions(), script.past)
    summary = {"a": 5, "b": {"other": 7}, "d": 1}  # as a killed process may have left it
    rules.refresh(summary)
    assert summary == {"a": {"min": 1}, "b": {"other": 7}}


def test_the_definitions_of_a_wandb_log_are_understood() -> None:
    rules = MetricRules.from_definitions(
        [
            {"name": "a", "summary": ["min", "copy"]},
            {"name": "a", "summary": ["max"], "overwrite": True},
            {"glob_name": "*", "step_metric": "e", "step_sync": True},
        ]
    )
    script = Script(rules=rules)
    assert script.log(a=1, b=1) == {"a": 1, "b": 1, "e": 0}
    assert script.summary == {"a": {"max": 1}, "b": 1, "e": 0}


# --- random scripts ---------------------------------------------------------------------------


class Model:
    """The same, from complete lists of values, with nothing kept ready."""

    def __init__(self) -> None:
        self.rules: dict[tuple[str, ...], dict[str, Any]] = {}
        self.globs: dict[str, dict[str, Any]] = {}
        self.values: dict[tuple[str, ...], list[Any]] = {}
        self.steps: dict[tuple[str, ...], Any] = {}
        self.shown: dict[tuple[str, ...], Any] = {}  # the summary, by path

    def define(self, name: str, **given: Any) -> None:
        path = tuple(part.replace("\\", ".") for part in name.replace("\\.", "\\").split("."))
        home: dict[Any, dict[str, Any]] = self.globs if name.endswith("*") else self.rules
        rule = home.setdefault(name if name.endswith("*") else path, {})
        before = self.mode(rule)
        rule.pop("cancelled", None)
        if given.get("overwrite"):
            rule.clear()
        if given.get("step_metric"):
            rule["step"] = tuple(given["step_metric"].split("."))
            self.steps.setdefault(rule["step"], 0)
        sync = given.get("step_sync")
        if sync or (sync is None and given.get("step_metric") is not None):
            rule["sync"] = True
        if given.get("goal"):
            rule["goal"] = given["goal"]
        if given.get("summary"):
            words = given["summary"].split(",")
            rule["words"] = rule.get("words", set()) | set(words) & set(WORDS)
            rule["none"] = "none" in words
        if home is self.rules and self.values.get(path):
            if self.mode(rule) == "ops":
                self.set(path, self.ops(path))
            elif self.mode(rule) == "none":
                self.shown.pop(path, None)
            elif before != "last":
                last = [value for value in self.values[path] if value is not None]
                self.set(path, last[-1] if last else None)

    @staticmethod
    def mode(rule: Mapping[str, Any] | None) -> str:
        if rule is None:
            return "last"
        if rule.get("none"):
            return "none"
        return "ops" if rule.get("words") and not rule.get("cancelled") else "last"

    def ops(self, path: tuple[str, ...]) -> dict[str, Any] | None:
        values, rule = self.values[path], self.rules[path]
        numbers = [value for value in values if type(value) in (int, float)]
        shown: dict[str, Any] = {"first": values[0], "last": values[-1]}
        if numbers:
            total: float = 0
            for number in numbers:
                total += number
            low, high = min(numbers), max(numbers)
            if any(math.isnan(number) for number in numbers):
                low = high = NAN
            shown |= {"min": low, "max": high, "mean": total / len(numbers)}
            shown["best"] = high if rule.get("goal") == "maximize" else low
        return {word: shown[word] for word in rule["words"] if word in shown} or None

    def set(self, path: tuple[str, ...], value: Any) -> None:
        if value is None:
            self.shown.pop(path, None)
            return
        for other in list(self.shown):
            n = min(len(path), len(other))
            if other[:n] == path[:n]:
                del self.shown[other]
        self.shown[path] = value

    def rule_of(self, path: tuple[str, ...]) -> tuple[Any, Any]:
        """The rule for the summary of a leaf, and the one for its step metric."""
        if path in self.rules:
            return self.rules[path], self.rules[path]
        label = ".".join(path)
        dotted = any("." in key for key in path)
        if dotted and tuple(label.split(".")) in self.rules:
            return None, self.rules[tuple(label.split("."))]
        matching = [name for name in self.globs if label.startswith(name[:-1])]
        if not matching or label.startswith("_"):
            return None, None
        longest = max(map(len, matching))
        glob = self.globs[next(name for name in matching if len(name) == longest)]
        own = {key: value for key, value in glob.items() if not dotted or key in ("step", "sync")}
        self.rules[path] = own
        return own, own

    def commit(self, row: dict[str, Any]) -> dict[str, Any]:
        leaves = flat(row)
        for path in (queue := list(leaves)):
            _, rule = self.rule_of(path)
            if rule and rule.get("step") and rule.get("sync"):
                step = rule["step"]
                related = [p for p in leaves if p == step[: len(p)] or p[: len(step)] == step]
                if not related:
                    leaves[step] = self.steps[step]
                    queue.append(step)
        for path, value in leaves.items():
            rule, _ = self.rule_of(path)
            self.values.setdefault(path, []).append(value)
            if path in self.steps and type(value) in (int, float):
                self.steps[path] = value
        shown = {path: self.mode(self.rules.get(path)) for path in leaves}
        for path, value in leaves.items():
            if shown[path] == "last" and value is not None:
                self.set(path, value)
        for path in leaves:
            if shown[path] == "ops":
                self.set(path, self.ops(path))
        return nested(leaves)

    def write(self, path: tuple[str, ...], value: Any, *, deleted: bool = False) -> None:
        for own, rule in self.rules.items():
            n = min(len(own), len(path))
            if own[:n] == path[:n] and rule.get("words") and (not deleted or len(own) > len(path)):
                rule["cancelled"] = True
        if not deleted:
            self.set(path, value)
            return
        for other in list(self.shown):
            if other[: len(path)] == path:
                del self.shown[other]


def flat(tree: Mapping[str, Any], above: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    leaves: dict[tuple[str, ...], Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            leaves |= flat(value, (*above, key))
        else:
            leaves[(*above, key)] = value
    return leaves


def nested(leaves: Mapping[tuple[str, ...], Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, value in leaves.items():
        node = tree
        for key in path[:-1]:
            node = node.setdefault(key, {})
        node[path[-1]] = value
    return tree


def text(value: Any) -> str:
    """For comparing: NaN equals NaN, 1 is not 1.0, and a dict left empty is nothing."""

    def bare(value: Any) -> Any:
        if isinstance(value, dict):
            items = {key: bare(item) for key, item in value.items()}
            return {key: item for key, item in items.items() if item != {}}
        return value

    return json.dumps(bare(value), sort_keys=True)


NUMBERS = st.integers(-3, 3) | st.sampled_from([0.5, -0.25, 1e300, NAN, INF, -INF])
VALUES = NUMBERS | NUMBERS | st.sampled_from([None, True, "x", [1]])
FLAT = st.dictionaries(st.sampled_from(["a", "ab", "b", "e"]), NUMBERS, max_size=4)
ANY = st.fixed_dictionaries(
    {},
    optional={
        "a": VALUES,
        "ab": VALUES,
        "e": VALUES,
        "d": VALUES
        | st.dictionaries(
            st.sampled_from(["x", "y", "_z"]),
            VALUES | st.fixed_dictionaries({"w": VALUES}),
            min_size=1,
        ),
        "d.x": VALUES,
        "_i": VALUES,
    },
)
NAMES = ["a", "ab", "b", "e", "d", "d.x", "d.x.w", "d\\.x", "_i", "*", "a*", "d*", "d.*"]
DEFINES = st.fixed_dictionaries(
    {"name": st.sampled_from(NAMES)},
    optional={
        "step_metric": st.sampled_from(["e", "b", "d.s", "a"]),
        "step_sync": st.booleans(),
        "summary": st.sampled_from(
            ["min", "max", "mean", "best", "min,max,mean", "first,last", "last", "copy", "none"]
        ),
        "goal": st.sampled_from(["minimize", "maximize"]),
        "overwrite": st.booleans(),
        "hidden": st.booleans(),
    },
)
PATHS = st.sampled_from([("a",), ("ab",), ("e",), ("d",), ("d", "x"), ("d", "x", "w"), ("d.x",)])
EVENTS = st.lists(
    st.tuples(st.just("define"), DEFINES)
    | st.tuples(st.just("commit"), FLAT | ANY)
    | st.tuples(st.just("commit"), FLAT)
    | st.tuples(st.just("write"), PATHS)
    | st.tuples(st.just("delete"), PATHS),
    max_size=16,
)


def play(script: Script, model: Model, event: tuple[str, Any]) -> None:
    kind, what = event
    if kind == "define":
        script.define(**what)
        model.define(**what)
    elif kind == "commit":
        assert text(script.log(what)) == text(model.commit(what))
    elif kind == "write":
        script.write(what, 77)
        model.write(what, 77)
    else:
        script.delete(what)
        model.write(what, None, deleted=True)
    assert text(script.summary) == text(nested(model.shown))


@given(EVENTS)
@example(
    [
        ("define", {"name": "*", "step_metric": "e", "summary": "min,max,mean"}),
        *[("commit", {"a": i, "b": 1.5, "e": 2}) for i in range(3)],
        ("define", {"name": "a", "summary": "none"}),
        *[("commit", {"a": i, "b": 1.5}) for i in range(3)],
        ("write", ("a",)),
    ]
)
def test_random_scripts_do_as_the_model(events: list[tuple[str, Any]]) -> None:
    script, model = Script(), Model()
    for event in events:
        play(script, model, event)
    assert script.reads <= 1


@given(st.lists(st.tuples(st.just("define"), DEFINES), max_size=5), st.lists(FLAT | ANY), st.data())
def test_a_resumed_run_ends_like_one_that_was_not_interrupted(
    defines: list[tuple[str, Any]], rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    script, model = Script(), Model()
    for event in [("define", {"name": "b"}), *defines]:
        play(script, model, event)
    cut = data.draw(st.integers(0, len(rows)))
    for row in rows[:cut]:
        play(script, model, ("commit", row))
    again = Script()
    again.rows = script.rows
    again.rules = MetricRules.from_definitions(
        json.loads(json.dumps(script.rules.definitions())), again.past
    )
    again.summary = json.loads(json.dumps(script.summary))
    for row in rows[cut:]:
        play(again, model, ("commit", row))


@given(EVENTS)
def test_separate_calls_do_as_the_fused_one(events: list[tuple[str, Any]]) -> None:
    fused, apart = Script(), Script()

    def log(row: dict[str, Any]) -> None:
        full = joined(row, apart.rules.step_values(row)) if apart.rules.active else row
        apart.rules.commit(full, apart.summary)
        apart.rows.append(full)

    for kind, what in events:
        if kind == "define":
            fused.define(**what)
            apart.define(**what)
        elif kind == "commit":
            fused.log(what)
            log(what)
        elif kind == "write":
            fused.write(what, 77)
            apart.write(what, 77)
        assert text(fused.rows) == text(apart.rows)
        assert text(fused.summary) == text(apart.summary)


def test_the_ops_of_a_number_that_becomes_a_dict_go_in_a_resumed_run_too() -> None:
    script, model = Script(), Model()
    rows: list[dict[str, Any]] = [{"d": 0.5}, {"d": {"x": 1}}]
    for event in [("define", {"name": "*", "summary": "min"}), ("commit", rows[0])]:
        play(script, model, event)
    again = Script()
    again.rows = script.rows
    again.rules = MetricRules.from_definitions(
        json.loads(json.dumps(script.rules.definitions())), again.past
    )
    again.summary = json.loads(json.dumps(script.summary))
    play(again, model, ("commit", rows[1]))
    assert again.summary == {"d": {"x": {"min": 1}}}
