"""`run.summary` and `define_metric` as objects."""

from __future__ import annotations

import enum
import math
from typing import Any

import numpy as np

from tests.parity.play import See, differs
from tests.parity.scripts._wandb import wandb


@differs("seen.missing item", [["AttributeError", "KeyError"], {}], "so that hasattr works")
def reading(see: See) -> None:
    run = wandb.init(project="p")
    run.log({"a": 1, "n": {"x": 1, "y": {"z": 2}}, "t": "x", "l": [1, {"k": 2}]})
    s = run.summary
    see("item", [s["a"], s.a, s.get("a"), s.get("zz"), s.get("zz", 5), s["t"], s["l"]])
    see("nested", [s["n"]["x"], s.n.y.z, s["n"].get("q", 0), sorted(s["n"].keys())])
    see("keys", [sorted(s.keys()), type(s.keys()), type(s["n"].keys())])
    see("text in keys", ["a" in s.keys(), "zz" in s.keys(), "_step" in s.keys()])  # noqa: SIM118
    see("dict", sorted(dict(s)))
    see("_as_dict", sorted(s._as_dict()))
    see("automatic", [s["_step"], type(s["_runtime"]), type(s["_timestamp"])])
    with see.error("missing item"):
        see("no", s["zz"])
    see("truth", [wandb.summary is run.summary, run.summary is run.summary])


def missing_attribute(see: See) -> None:
    run = wandb.init(project="p")
    try:
        see("no", run.summary.zz)
    except KeyError as error:
        see("caught", isinstance(error, KeyError))
    try:
        see("no", run.summary["zz"])
    except KeyError as error:
        see("item", isinstance(error, KeyError))


@differs("seen.mapping", [True, False, 4, ["_runtime", "_step", "_timestamp", "a"]], "a mapping")
@differs("seen.hasattr", [True, False], "wandb's raises KeyError")
def mapping(see: See) -> None:
    run = wandb.init(project="p")
    run.log({"a": 1})
    s = run.summary
    try:
        see("mapping", ["a" in s, "zz" in s, len(s), sorted(key for key, _ in s.items())])
    except (KeyError, TypeError, AttributeError):
        see("mapping", "fails")
    try:
        see("hasattr", [hasattr(s, "a"), hasattr(s, "zz")])
    except KeyError:
        see("hasattr", "fails")


def refused(see: See) -> None:
    run = wandb.init(project="p")
    run.log({"a": 1})
    with see.error("update None"):
        run.summary.update(None)
    with see.error("update keywords"):
        run.summary.update(a=2)
    with see.error("update list"):
        run.summary.update([("a", 2)])
    with see.error("value"):
        run.summary["o"] = object()
    with see.error("values", "is not JSON serializable"):
        run.summary.update({"first": 1, "o": object()})
    with see.error("nested"):
        run.summary["d"] = {"x": {"o": object()}}
    with see.error("delete missing"):
        del run.summary["zz"]
    with see.error("int key"):
        run.summary[3] = 1
    see("left", [run.summary["a"], run.summary.get("o")])


def encodings(see: See) -> None:
    class Color(enum.Enum):
        RED = "red"

    run = wandb.init(project="p")
    s = run.summary
    s["enum"] = Color.RED
    s["few"] = np.arange(5)
    s["many"] = np.arange(40.0)
    s["scalar"] = np.float32(0.5)
    s["tuple"] = (1, (2,))
    s["inf"] = -math.inf
    s["text"] = "x" * 300
    s["bool"] = True
    s["empty"] = {}
    s["list"] = [np.int64(1), {"a": np.float64(0.5)}]
    see("shown", [s["scalar"], s["tuple"], s["inf"], s["bool"], s["few"], s["many"]["mean"]])


def nested_writes(see: See) -> None:
    run = wandb.init(project="p")
    s = run.summary
    run.log({"n": {"a": 1, "b": {"c": 2}}})
    s["n"]["a"] = 9
    s.n.b.c = 8
    s["n"]["b"]["d"] = 7
    see("n", [s["n"]["a"], s["n"]["b"]["c"], s["n"]["b"]["d"]])
    run.log({"n": {"a": 3}})
    see("after", [s["n"]["a"], s["n"]["b"]["c"]])


@differs("seen.d after", ["b", "c"], "wandb's shows the new leaf alone and stores both")
def replaced_subtrees(see: See) -> None:
    run = wandb.init(project="p")
    run.log({"d": {"a": 1, "b": 2}, "s": 1})
    run.summary.update({"d": {"c": 3}})
    run.summary["s"] = {"x": 1}
    see("d", [sorted(run.summary["d"].keys()), run.summary["s"]["x"]])
    run.log({"d": {"b": 5}})
    see("d after", sorted(run.summary["d"].keys()))


def held_objects(see: See) -> None:
    run = wandb.init(project="p")
    s = run.summary
    values: dict[str, Any] = {"k": [1]}
    s["a"] = values
    values["k"].append(2)
    values["new"] = 1
    see("a", [s["a"]["k"], s["a"].get("new")])
    listed = [1]
    s["l"] = listed
    listed.append(2)
    see("l", s["l"])


@differs("seen.kind", ["class Summary", 1], "wandb's loses what is assigned")
@differs("runs[0].summary.a", 1, "the same")
def assigned(see: See) -> None:
    run = wandb.init(project="p")
    with see.error("assign"):
        run.summary = {"a": 1}
    see("kind", [type(run.summary), run.summary.get("a")])


def metric_object(see: See) -> None:
    run = wandb.init(project="p")
    for name, metric in {
        "plain": run.define_metric("a"),
        "full": wandb.define_metric("b", "a", summary="MIN,max,last", hidden=True),
        "sync": run.define_metric("c", step_metric="a", step_sync=False),
        "glob": run.define_metric("d/*", step_metric=run.define_metric("s"), overwrite=True),
    }.items():
        see(
            name,
            [
                type(metric),
                metric.name,
                metric.step_metric,
                metric.step_sync,
                metric.hidden,
                metric.summary and sorted(metric.summary),
            ],
        )


def metric_errors(see: See) -> None:
    run = wandb.init(project="p")
    calls = {
        "no name": run.define_metric,
        "empty": lambda: run.define_metric(""),
        "int": lambda: run.define_metric(3),
        "inner glob": lambda: run.define_metric("a*b"),
        "leading glob": lambda: run.define_metric("*a"),
        "word": lambda: run.define_metric("a", summary="median"),
        "blank": lambda: run.define_metric("a", summary="min, max"),
        "list": lambda: run.define_metric("a", summary=["min"]),
        "hidden": lambda: run.define_metric("a", hidden=1),
        "sync": lambda: run.define_metric("a", step_sync="x"),
        "overwrite": lambda: run.define_metric("a", overwrite="x"),
        "step": lambda: run.define_metric("a", step_metric=3),
        "unknown": lambda: run.define_metric("a", color="red"),
    }
    for name, call in calls.items():
        with see.error(name):
            call()
    run.log({"a": 1})


@differs("seen.best", "no error", "summary='best' of older releases is accepted (semantics.md, 10)")
@differs("seen.goal", "no error", "the same")
@differs("runs[0].summary.loss", {"best": 1}, "the same")
@differs("runs[0].summary.acc", {"best": 5, "max": 5}, "the same")
def metric_best(see: See) -> None:
    run = wandb.init(project="p")
    with see.error("best"):
        run.define_metric("loss", summary="best")
    with see.error("goal"):
        run.define_metric("acc", summary="best,max", goal="maximize")
    for value in (3, 1, 5):
        run.log({"loss": value, "acc": value})


def metric_summary_seen(see: See) -> None:
    run = wandb.init(project="p")
    run.define_metric("a", summary="min,mean")
    run.define_metric("b", summary="copy")
    run.define_metric("c", summary="none")
    for value in (3, 1, 2):
        run.log({"a": value, "b": value, "c": value, "d": value})
    s = run.summary
    see("a", [s["a"]["min"], s["a"]["mean"], s.a.min])
    see("rest", [s["b"], s.get("c"), s["d"]])
