"""Odder uses, seen in scripts or easy to get wrong."""

from __future__ import annotations

import collections
import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tests.parity.play import GONE, See, alone, differs, environment
from tests.parity.scripts._wandb import wandb


def commits_of_other_kinds(see: See) -> None:
    run = wandb.init(project="p")
    for name, commit in {"text": "x", "0": 0, "1": 1, "empty": "", "list": [1]}.items():
        with see.error(name):
            run.log({"a": name}, commit=commit)
        see(f"step {name}", run.step)
    run.log({"b": 1})


def keys_of_other_kinds(see: See) -> None:
    class Key(str):
        __slots__ = ()

    run = wandb.init(project="p")
    run.log({Key("own"): 1, np.str_("numpy"): 2})
    run.log({"x" * 5000: 1, "\x00nul": 2, " ": 3, "é": 4, "a.b.c": 5, ".": 6, "/": 7, "a\\.b": 8})
    see("summary", [run.summary["own"], run.summary["numpy"], run.summary["a.b.c"]])
    run.log({"n": {1: 1, None: 2, False: 3, 1.5: 4, "": 5, "a.b": 6}})


def many_keys(see: See) -> None:
    run = wandb.init(project="p")
    run.log({f"k{i}": i for i in range(3000)})
    run.log({f"k{i}": i + 0.5 for i in range(0, 3000, 7)})
    see("step", run.step)


def types_that_change(see: See) -> None:
    run = wandb.init(project="p")
    values: list[Any] = [1, 0.5, "x", None, True, [1], {"y": 1}, 2, {"z": 2}, float("nan"), 2**63]
    for value in values:
        run.log({"a": value, "n": {"deep": value}})
    see("a", [run.summary["a"]])


def rows_in_pieces(see: See) -> None:
    run = wandb.init(project="p")
    for step in range(0, 20, 4):
        run.log({"a": step, "n": {"x": step}}, step=step)
        run.log({"b": step}, step=step, commit=False)
        run.log({"n": {"y": step}}, step=step)
        run.log({"c": step}, commit=False)
    see("step", run.step)
    see("summary", [run.summary["a"], run.summary["n"]["x"]])


def dicts_that_change(see: See) -> None:
    run = wandb.init(project="p")
    found: dict[str, Any] = collections.defaultdict(list)
    for i in range(5):
        found["losses"].append(i)
        run.log(found)
    row = {"a": np.arange(3)}
    run.log(row)
    row["a"][0] = 7
    run.log(row)


def refused_then_kept(see: See) -> None:
    run = wandb.init(project="p")
    run.log({"a": 1}, commit=False)
    with see.error("value"):
        run.log({"b": object()})
    with see.error("step"):
        run.log({"c": 1}, step="x")
    with see.error("key"):
        run.log({"d": 1, 2: 3})
    see("step after", run.step)
    run.log({"e": 1})
    with see.error("later step"):
        run.log({"f": object()}, step=9)
    see("step at the end", run.step)
    run.log({"g": 1})


def summary_deep_deletes(see: See) -> None:
    run = wandb.init(project="p")
    run.log({"n": {"a": 1, "b": {"c": 2, "d": 3}}, "x": 1})
    del run.summary["n"]["a"]
    del run.summary["n"]["b"]["c"]
    see("n", [sorted(run.summary["n"].keys()), sorted(run.summary["n"]["b"].keys())])
    del run.summary.x
    run.summary["gone"] = 1
    del run.summary["gone"]


@differs("seen.missing below", [["AttributeError", "KeyError"], {}], "so that hasattr works")
def summary_of_summaries(see: See) -> None:
    run = wandb.init(project="p")
    run.summary["a"] = {"x": {"y": 1}}
    run.summary["copy"] = dict(run.summary["a"]["x"])
    run.summary.update({"a.b": 1, "c/d": 2})
    with see.error("below a number"):
        run.summary["a.b"]["x"] = 1
    with see.error("missing below"):
        see("no", run.summary["a"]["x"]["zz"])
    see("get", [run.summary.get("a").get("x").get("y"), run.summary["a"].get("q", 3)])


def summary_names(see: See) -> None:
    run = wandb.init(project="p")
    s = run.summary
    for name in ("keys", "update", "get", "items", "_private", "with blank", "ü", "_step"):
        s[name] = 1
    see("values", [s["keys"], s["update"], s["with blank"], s["ü"]])
    run.log({"a": 1})


@differs("runs[0].summary.n", GONE, "wandb's says {'max': 0} of what was never a number")
def nothing_takes_the_place(see: See) -> None:
    run = wandb.init(project="p")
    run.define_metric("a", step_metric="g")
    run.define_metric("n.x", step_metric="g", summary="max")
    run.log({"a": 1, "b": 1, "n": {"x": 1}}, commit=False)
    run.log({"b": None, "n": {"x": None}})
    see("summary", [run.summary["a"], run.summary.get("b")])
    run.log({"a": None})
    run.log({"n": {"x": None}, "b": 2})
    run.log({"n": None})
    run.log({"n": {"x": 2}}, step=9)
    run.log({"n": 3}, step=9)
    run.log({"n": {"y": None}}, step=9)


def values_before_rows(see: See) -> None:
    run = wandb.init(project="p")
    run.summary["a"] = "by hand"
    run.log({"a": 1}, commit=False)
    see("open", run.summary["a"])
    run.log({"b": 1})
    see("closed", run.summary["a"])


def metric_arguments(see: See) -> None:
    run = wandb.init(project="p")
    run.define_metric("a", "g", True, False, "max", True)
    run.define_metric("own", step_metric="own")
    run.define_metric("by step", step_metric="_step")
    with see.error("glob as step"):
        run.define_metric("b", step_metric="g*")
    run.define_metric("g*", step_metric="g0")
    run.define_metric("x.y", summary="min")
    run.define_metric("c", summary="")
    run.define_metric("d", summary="max,max,min")
    with see.error("empty word"):
        run.define_metric("d", summary="max,,min")
    for value in (3, 1):
        run.log({"a": value, "own": value, "by step": value, "b": value, "g1": value})
        run.log({"x": {"y": value}, "c": value, "d": value, "g0": value})


def metric_globs(see: See) -> None:
    run = wandb.init(project="p")
    run.define_metric("train/*", step_metric="step", summary="min")
    run.define_metric("train/acc", summary="max")
    run.define_metric("val/*", summary="last,first")
    for i in range(3):
        run.log({"step": i * 10, "train/loss": 3 - i, "train/acc": i})
        run.log({"val/loss": i, "train/loss": 9}, commit=False)
        run.log({"other": i})


@differs("runs[0].summary.arr", GONE, "wandb's says {'max': 0} of what is no number")
def metric_of_types(see: See) -> None:
    run = wandb.init(project="p")
    run.define_metric("a", summary="first,last")
    run.define_metric("n.x", summary="max", step_metric="g")
    run.define_metric("arr", summary="max")
    for value in (True, 2, None, 1.5):
        run.log({"a": value, "n": {"x": value, "z": 1}, "arr": np.array([1, 2])})
    see("summary", run.summary["n"]["x"]["max"])


def config_odd_keys(see: See) -> None:
    run = wandb.init(project="p", config={"_hidden": 1, "a-b": 2, "keys": 4, "update": 5})
    see("dict", sorted(dict(run.config)))
    see("names", [run.config["keys"], run.config["update"], run.config["a-b"]])
    run.config["_later"] = 1
    see("hidden", [run.config["_hidden"], "_later" in run.config, sorted(run.config.keys())])


def config_iterated(see: See) -> None:
    run = wandb.init(project="p", config={"a": 1, "b": {"c": 2}})
    see("keys", [key for key in run.config if key != "_wandb"])
    see("items", [[key, value] for key, value in run.config.items() if key != "_wandb"])
    see("star", sorted(dict(**run.config)))
    see("update from", sorted({"z": 1, **dict(run.config)}))
    see("get", [run.config.get("b")["c"], run.config.get("zz", {}), run.config.get("a", 5)])


def config_values_that_cannot_be(see: See) -> None:
    run = wandb.init(project="p")

    class Plain:
        def __repr__(self) -> str:
            return "I am"

    run.config.update({"object": Plain(), "type": Plain, "module": os.path.join, "lambda": len})
    see("object", [run.config["object"], type(run.config["type"])])
    run.config["array"] = np.zeros((2, 2))
    run.config["scalars"] = [np.float32(0.5), np.int64(2), np.bool_(True)]
    see("array", [run.config["array"], run.config["scalars"]])


def odd_ids_and_names(see: See) -> None:
    for number, arguments in enumerate(
        (
            {"id": "inner blank", "name": "a name"},
            {"id": "ünï-cödé", "name": "ü"},
            {"id": "UPPER_and.dots", "name": "x" * 200},
            {"id": "percent%20", "notes": ""},
            {"id": "corners-group", "group": "g/h", "job_type": "a b"},
        )
    ):
        run = wandb.init(project="a project", **arguments)
        see(f"{number}", [run.id, run.name if "name" in arguments else "", run.path, run.notes])
        see(f"{number} group", [run.group, run.job_type])
        run.log({"a": number})
        run.finish()


def variables_with_odd_values(see: See) -> None:
    with environment({"WANDB_TAGS": "a, b,,c", "WANDB_NOTES": "", "WANDB_NAME": ""}):
        with see.error("tags"):
            run = wandb.init(project="p")
            see("tags seen", [run.tags, run.notes])
        wandb.finish()
    for variable, value in {
        "WANDB_MODE": "sometimes",
        "WANDB_RESUME": "perhaps",
        "WANDB_PROJECT": "a/b",
        "WANDB_RUN_ID": "a/b",
        "WANDB_CONSOLE": "loud",
    }.items():
        with environment({variable: value}):
            with see.error(variable):
                wandb.init()
            wandb.finish()


def variables_for_the_rest(see: See) -> None:
    with environment(
        {"WANDB_CONSOLE": "off", "WANDB_X_LABEL": "me", "WANDB_IGNORE_GLOBS": "*.a,b"}
    ):
        run = wandb.init(project="p")
        settings = run.settings
        see("settings", [settings.console, settings.x_label, sorted(settings.ignore_globs)])
        print("not kept")
        run.finish()
        see("log", Path(run.dir, "output.log").exists())
    with environment(
        {"WANDB_QUIET": "true", "WANDB_SILENT": "false", "WANDB_REINIT": "create_new"}
    ):
        settings = wandb.Settings()
        see("fresh", [settings.quiet, settings.silent])
        run = wandb.init(project="p")
        see(
            "read", [run.settings.quiet, run.settings.silent, run.settings.reinit, wandb.run is run]
        )
        run.finish()


def folders(see: See) -> None:
    run = wandb.init(project="p", dir="made/for/it")
    see("dir", [os.path.isabs(run.dir), run.dir.startswith(os.path.abspath("made"))])
    run.log({"a": 1})
    run.finish()
    run = wandb.init(project="p", dir=Path("path"))
    see("path", os.path.relpath(run.dir).startswith("path"))


def nested_with(see: See) -> None:
    with wandb.init(project="outer") as outer:
        outer.log({"a": 1})
        with wandb.init(project="inner", reinit="create_new") as inner:
            inner.log({"b": 1})
            wandb.log({"c": 1})
        see("inside", [wandb.run is outer, inner._is_finished])
        outer.log({"d": 1})
    see("after", wandb.run)


def same_run_in_two_blocks(see: See) -> None:
    with wandb.init(project="p") as first, wandb.init(project="q") as second:
        see("same", first is second)
        second.log({"a": 1})
    see("after", wandb.run)


def run_in_a_function(see: See) -> None:
    def train(lr: float) -> float:
        with wandb.init(project="p", config={"lr": lr}) as run:
            for i in range(3):
                run.log({"loss": lr * i})
            return float(run.summary["loss"])

    see("losses", [train(lr) for lr in (0.5, 0.25)])
    with contextlib.suppress(ZeroDivisionError):
        train(1 / 0)


@alone
def exit_300(see: See) -> None:
    wandb.init(project="p").log({"a": 1})
    sys.exit(300)


@alone
def exit_minus_one(see: See) -> None:
    wandb.init(project="p").log({"a": 1})
    sys.exit(-1)


@alone
@differs(
    "runs", [["p", 1, [{"_step": 0, "a": 1}]]], "wandb's breaks on a bool and may lose the run"
)
@differs("seen.traceback", False, "the same")
def exit_true(see: See) -> None:
    wandb.init(project="p").log({"a": 1})
    sys.exit(True)


@alone
def exit_raised(see: See) -> None:
    wandb.init(project="p").log({"a": 1})
    raise SystemExit(3)


@alone
@differs(
    "runs",
    [["p", 0, [{"_step": 0, "a": 1}]], ["q", None, [{"_step": 0, "a": 1}]]],
    "wandb's loses what it has not written yet",
)
def os_exit(see: See) -> None:
    run = wandb.init(project="p")
    run.log({"a": 1})
    run.finish()
    run = wandb.init(project="q")
    run.log({"a": 1})
    os._exit(6)


@alone
@differs("seen.traceback", False, "wandb's shows one beside what the hook does")
def own_excepthook(see: See) -> None:
    sys.excepthook = lambda kind, error, trace: print("mine", kind.__name__)
    wandb.init(project="p").log({"a": 1})
    raise RuntimeError("x")


@alone
@differs("runs[0].exit_code", 1, "wandb's does not hear of the error")
def own_excepthook_after_init(see: See) -> None:
    wandb.init(project="p").log({"a": 1})
    sys.excepthook = lambda kind, error, trace: print("mine", kind.__name__)
    raise RuntimeError("x")


@alone
def chdir_meanwhile(see: See) -> None:
    Path("elsewhere").mkdir()
    run = wandb.init(project="p")
    os.chdir("elsewhere")
    run.log({"a": 1})
    Path("here.txt").write_text("x")
    see("save", [os.path.relpath(path, run.dir) for path in run.save("here.txt")])
    run.finish()
    see("left here", sorted(os.listdir()))


@alone
def redirected_console(see: See) -> None:
    run = wandb.init(project="p", settings=wandb.Settings(console="redirect"))
    print("from python", flush=True)
    os.write(1, b"from below\n")
    os.system("echo from a child")
    run.finish()
    lines = Path(run.dir, "output.log").read_text().splitlines()
    see("lines", [line for line in lines if line.startswith("from ")])


@alone
@differs(
    "seen.lines",
    ["100%|###################", "\x1b[31mred\x1b[0m", "new", "over"],
    "wandb's leaves cursor movements in the text",
)
def progress_bars(see: See) -> None:
    run = wandb.init(project="p")
    for i in range(200):
        sys.stderr.write(f"\r{i / 2:3.0f}%|{'#' * (i // 10)}")
    sys.stderr.write("\n")
    print("\x1b[31mred\x1b[0m")
    print("up\nover\x1b[1A\rnew")
    run.finish()
    lines = Path(run.dir, "output.log").read_text().splitlines()
    see("lines", [line for line in lines if "wandb" not in line])


@alone
def saved_code(see: See) -> None:
    Path("train.py").write_text(
        "import os, wandb\n"
        "run = wandb.init(project='p', save_code=True)\n"
        "print(sorted(os.listdir(os.path.join(run.dir, 'code'))))\n"
        "print(run.config._items['_wandb'].get('code_path'))\n"
    )
    subprocess.run([sys.executable, "train.py"], check=True)


@differs("seen.fork", ["corners-fork", 2, 2], "wandb forks on its server; this is what it does")
@differs("runs[1].config.a", 1, "the same")
@differs("runs[1].history[0]", {"_step": 0, "x": 0}, "the same")
@differs("runs[1].history[1]", {"_step": 1, "x": 1}, "the same")
def forks(see: See) -> None:
    with wandb.init(project="p", id="corners-source", config={"a": 1}) as run:
        for i in range(4):
            run.log({"x": i})
    try:
        run = wandb.init(project="p", id="corners-fork", fork_from="corners-source?_step=1")
        see("fork", [run.id, run.starting_step, run.step])
        run.log({"x": 10})
    except wandb.Error:
        see("fork", "Error")
