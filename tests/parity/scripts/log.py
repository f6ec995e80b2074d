"""`log`: what it refuses, what it keeps, and when."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import os
import pathlib
import threading
import types
import uuid
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.parity.play import See, alone, any_order, differs
from tests.parity.scripts._wandb import wandb


def refused_data(see: See) -> None:
    run = wandb.init(project="p")
    for name, data in {
        "None": None,
        "pairs": [("a", 1)],
        "text": "a",
        "number": 3,
        "int key": {1: 2},
        "None key": {None: 1},
        "bytes key": {b"a": 1},
    }.items():
        with see.error(name, "must be passed a dictionary", "Key values passed to `wandb.log`"):
            wandb.log(data)
    see("step", run.step)
    wandb.log({"kept": 1})
    wandb.log(collections.OrderedDict(b=1))
    wandb.log(collections.UserDict(c=1))
    wandb.log(types.MappingProxyType({"d": 1}))
    wandb.log(collections.ChainMap({"e": 1}))
    see("step after", run.step)


def refused_steps(see: See) -> None:
    run = wandb.init(project="p")
    steps: dict[str, Any] = {
        "float": 1.0,
        "text": "1",
        "bool": True,
        "numpy float": np.float64(2),
        "numpy bool": np.bool_(True),
        "list": [1],
        "2**63": 2**63,
        "-2**70": -(2**70),
    }
    for name, step in steps.items():
        with see.error(name):
            wandb.log({"lost": 1}, step=step)
    see("step", run.step)
    wandb.log({"a": 1}, step=np.uint8(3))
    wandb.log({"a": 2}, step=np.int64(2**40))
    see("step after", run.step)


def refused_arguments(see: See) -> None:
    wandb.init(project="p")
    with see.error("unknown keyword"):
        wandb.log({"lost": 1}, epoch=3)
    with see.error("no data"):
        wandb.log()
    with see.error("data twice"):
        wandb.log({"lost": 1}, data={"lost": 2})
    see("returned", wandb.log(data={"a": 1}))
    wandb.log({"a": 2}, 7, True)
    wandb.log({"a": 3}, None, False)
    wandb.log({"b": 3})


def refused_values(see: See) -> None:
    run = wandb.init(project="p")

    class Plain:
        pass

    values = {
        "object": object(),
        "own object": Plain(),
        "nested": {"deep": [1, {"x": Plain()}]},
        "module": os,
        "slice": slice(1),
        "exception": ValueError("x"),
        "range": range(3),
        "namespace": types.SimpleNamespace(a=1),
        "memoryview": memoryview(b"x"),
        "bytes that are no text": b"\xff\xfe",
        "array with NaN": np.array([float("nan")] * 40),
        "lock": threading.Lock(),
    }
    for name, value in values.items():
        with see.error(name, "is not JSON serializable"):
            wandb.log({"lost": 1, "v": value})
    see("step", run.step)
    wandb.log({"kept": 1})


def kinds(see: See) -> None:
    class Color(enum.Enum):
        RED = "red"

    pair = collections.namedtuple("pair", "a b")
    wandb.init(project="p")
    wandb.log(
        {
            "datetime": datetime.datetime(2020, 1, 2, 3, 4, 5),  # noqa: DTZ001
            "date": datetime.date(2020, 1, 2),
            "timedelta": datetime.timedelta(minutes=1, seconds=30),
            "decimal": decimal.Decimal("1.50"),
            "enum": Color.RED,
            "bytes": b"text",
            "complex": 1 + 2j,
            "path": pathlib.Path("a/b"),
            "uuid": uuid.UUID(int=5),
            "namedtuple": pair(1, 2),
            "set": {3},
            "deque": collections.deque([1, 2]),
            "generator": (i for i in range(3)),
            "function": len,
            "class": dict,
        }
    )
    see("summary", {key: wandb.summary[key] for key in ("datetime", "enum", "set", "complex")})


def arrays(see: See) -> None:
    wandb.init(project="p")
    wandb.log(
        {
            "one": np.array([[3.5]]),
            "none": np.array([]),
            "few": np.arange(6).reshape(2, 3),
            "32": np.arange(32.0),
            "33": np.arange(33.0),
            "bools": np.array([True, False] * 40),
            "dates": np.datetime64("2020-01-02"),
            "half": np.float16(0.1),
            "text": np.str_("s"),
            "nested": {"many": np.linspace(0, 1, 100), "list": [np.float32(0.1), np.int8(3)]},
            "long list": list(range(50)),
        }
    )
    see("step", wandb.run.step)


def mutation(see: See) -> None:
    wandb.init(project="p")
    row: dict[str, Any] = {"list": [1], "dict": {"a": [1]}, "array": np.zeros(3)}
    wandb.log(row, commit=False)
    row["list"].append(2)
    row["dict"]["a"].append(2)
    row["dict"]["b"] = 1
    row["array"][:] = 7
    row["new"] = 1
    wandb.log({"other": 1})
    see("the caller's", {"list": row["list"], "dict": row["dict"], "keys": list(row)})
    value = {"x": 1}
    wandb.log({"v": value})
    value["x"] = 2
    see("summary", wandb.summary["v"]["x"])


def steps_seen(see: See) -> None:
    run = wandb.init(project="p")
    seen = [run.step]
    for arguments in (
        {},
        {"commit": False},
        {},
        {"step": 5},
        {"step": 5},
        {},
        {"step": 9, "commit": True},
        {"step": 9},
        {"step": 12, "commit": False},
        {"commit": True},
    ):
        wandb.log({"a": len(seen)}, **arguments)
        seen.append(run.step)
    see("steps", seen)
    see("starting step", run.starting_step)


def summary_follows_commits(see: See) -> None:
    run = wandb.init(project="p")
    seen = []

    def look() -> None:
        seen.append(run.summary.get("a"))

    look()
    for arguments in ({"commit": False}, {}, {"step": 5}, {"step": 5, "commit": True}, {"step": 8}):
        wandb.log({"a": len(seen)}, **arguments)
        look()
    see("summary", seen)


@any_order
def threads(see: See) -> None:
    run = wandb.init(project="p")

    def work(number: int) -> None:
        for i in range(50):
            run.log({f"thread{number}": i})

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    see("step", run.step)
    see("summary", {f"thread{number}": run.summary[f"thread{number}"] for number in range(4)})


@alone
def before_init(see: See) -> None:
    names = ("log", "save", "alert", "define_metric", "watch", "unwatch", "mark_preempting")
    for name in names:
        with see.error(name, f"You must call wandb.init() before wandb.{name}()"):
            getattr(wandb, name)({"a": 1})
    for proxy in ("config", "summary"):
        found = getattr(wandb, proxy)
        with see.error(f"{proxy} attribute", "You must call wandb.init() before wandb."):
            see("no", found.lr)
        with see.error(f"{proxy} attribute set", "You must call wandb.init() before wandb."):
            found.lr = 1
        with see.error(f"{proxy} item", "You must call wandb.init() before wandb."):
            see("no", found["lr"])
        with see.error(f"{proxy} item set", "You must call wandb.init() before wandb."):
            found["lr"] = 1
        with see.error(f"{proxy} update", "You must call wandb.init() before wandb."):
            found.update({"lr": 1})
        with see.error(f"{proxy} hasattr"):
            see("no", hasattr(found, "lr"))
        with see.error(f"{proxy} private"):
            see("no", found._lr)
        see(f"{proxy} true", bool(found))
    see("run", wandb.run)
    see("finish", wandb.finish())


@differs(
    "seen.watch",
    [["Error", "UsageError"], {"is finished. The call to `": True, "will be ignored": True}],
    "wandb's asks for init, as an Error",
)
def after_finish(see: See) -> None:
    run = wandb.init(project="p", config={"a": 1}, tags=["t"], name="n")
    run.log({"x": 1})
    log = wandb.log
    run.finish()
    see("reads", [run.name, run.project, run.config["a"], dict(run.config), run.tags, run.group])
    calls: dict[str, Callable[[], Any]] = {
        "log": lambda: run.log({"x": 2}),
        "module log kept": lambda: log({"x": 2}),
        "save": lambda: run.save("x"),
        "alert": lambda: run.alert("t", "x"),
        "define_metric": lambda: run.define_metric("x"),
        "log_code": lambda: run.log_code("."),
        "mark_preempting": run.mark_preempting,
        "watch": lambda: run.watch(None),
        "name": lambda: setattr(run, "name", "m"),
        "tags": lambda: setattr(run, "tags", ("m",)),
        "notes": lambda: setattr(run, "notes", "m"),
        "config": lambda: run.config.update({"b": 1}),
        "config item": lambda: run.config.__setitem__("c", 1),
        "summary": lambda: run.summary.update({"b": 1}),
        "summary item": lambda: run.summary.__setitem__("b", 1),
    }
    for name, call in calls.items():
        with see.error(name, "is finished. The call to `", "will be ignored"):
            call()
    with see.error("module log", "You must call wandb.init() before wandb.log()"):
        wandb.log({"x": 2})
    see("write_logs", run.write_logs("text"))
    see("same", [run.path.endswith(run.id), os.path.basename(run.dir), run.resumed, run.url])
    see("twice", [run.finish(), wandb.finish(), wandb.run])


@differs("seen.step", 3, "wandb's blocks for 30 s and raises TimeoutError (semantics.md, 9)")
@differs("seen.summary", 2, "wandb's raises KeyError once the run is over (semantics.md, 9)")
@differs("seen.keys", ["x"], "the same")
def read_after_finish(see: See) -> None:
    run = wandb.init(project="p")
    for x in range(3):
        run.log({"x": x})
    run.finish()
    try:
        see("summary", run.summary["x"])
        see("keys", [key for key in run.summary.keys() if not key.startswith("_")])  # noqa: SIM118
        see("step", run.step)
    except KeyError:
        see("summary", "KeyError")


@differs("runs[0].history[1]", {"_step": 2, "late": 1}, "rows that come late are kept")
@differs("runs[0].history[0]", {"_step": 1, "late": 2}, "rows that come late are kept")
def late_steps_kept(see: See) -> None:
    os.environ.pop("SYNADB_LATE_STEPS", None)
    run = wandb.init(project="p")
    run.log({"a": 1}, step=5)
    run.log({"late": 1}, step=2)
    run.log({"late": 2}, step=1)
    run.log({"a": 2})
    see("summary", [run.summary["a"], run.summary.get("late"), run.step])


def late_steps_dropped(see: See) -> None:
    run = wandb.init(project="p")
    run.log({"a": 1}, step=5)
    run.log({"late": 1}, step=2)
    run.log({"late": 2}, step=-5)
    see("summary", [run.summary.get("late"), run.step])


@differs("seen.sync", "no error", "log(sync=) of older releases is accepted (semantics.md, 10)")
@differs("runs[0].history[0]", {"_step": 0, "a": 1}, "the same")
@differs("runs[0].summary._step", 0, "the same")
@differs("runs[0].summary.a", 1, "the same")
def old_sync(see: See) -> None:
    wandb.init(project="p")
    with see.error("sync"):
        wandb.log({"a": 1}, sync=False)


def imported_log(see: See) -> None:
    wandb.init(project="p")
    log, summary = wandb.log, wandb.summary
    log({"a": 1})
    summary["b"] = 2
    with wandb.init(project="q", reinit="create_new") as run:
        run.log({"c": 1})
        log({"d": 1})
        see("global", wandb.run is run)
    log({"e": 1})
    see("summary", [wandb.summary["b"], wandb.run.summary["e"], summary is wandb.summary])
