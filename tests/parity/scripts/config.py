"""`run.config`: sources, changes and what is refused."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import enum
import os
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags
from omegaconf import OmegaConf

from tests.parity.play import See, differs, environment
from tests.parity.scripts._wandb import wandb


@dataclasses.dataclass
class Options:
    lr: float = 0.1
    sizes: tuple[int, ...] = (1, 2)
    inner: dict[str, Any] = dataclasses.field(default_factory=lambda: {"a": None})


class Plain:
    shared = 1

    def __init__(self) -> None:
        self.q = 2


def sources(see: See) -> None:
    flag_values: Any = flags.FlagValues()  # type: ignore[no-untyped-call]
    flags.DEFINE_integer("depth", 3, "help", flag_values=flag_values)
    flags.DEFINE_string("name", None, "help", flag_values=flag_values)
    flag_values(["program", "--depth=4"])
    Path("config.yaml").write_text("lr: {value: 0.5, desc: d}\nn:\n  value: {x: [1]}\n")
    for name, source in {
        "dict": {"a": 1, "b": {"c": (1, 2)}},
        "namespace": argparse.Namespace(lr=1, layers=[1, 2]),
        "dataclass": Options(),
        "object": Plain(),
        "absl": flag_values,
        "file": "config.yaml",
        "none": None,
    }.items():
        run = wandb.init(project="p", config=source, reinit=True)
        see(name, dict(run.config))
        see(f"{name} text", str(run.config))
    again = wandb.init(project="p", config=run.config, reinit=True)
    see("config", dict(again.config))


def refused_sources(see: See) -> None:
    Path("flat.yaml").write_text("q: 3\n")
    Path("version.yaml").write_text("wandb_version: 2\nq: {value: 3}\n")
    for name, source in {
        "int": 3,
        "list": [1],
        "int key": {1: 2},
        "missing file": "absent.yaml",
        "flat file": "flat.yaml",
        "version": "version.yaml",
    }.items():
        with see.error(name, "doesn't exist"):
            wandb.init(project="p", config=source, reinit=True)
        see(f"{name} run", wandb.run is None)
        wandb.finish()


@differs("seen.config", {"lr": 0.1, "net": {"depth": 3}}, "wandb's fails on it (semantics.md, 9)")
@differs("runs[0]", "a run of 'p' with 0 rows", "the same")
def omegaconf(see: See) -> None:
    try:
        run = wandb.init(project="p", config=OmegaConf.create({"lr": 0.1, "net": {"depth": 3}}))
    except TypeError:
        see("config", "TypeError")
    else:
        see("config", dict(run.config))


def defaults_file(see: See) -> None:
    Path("config-defaults.yaml").write_text("q: {value: 3}\nn: {value: {x: 1, y: 2}}\n")
    run = wandb.init(project="p", config={"q": 7, "a": 1})
    see("config", dict(run.config))
    run.finish()
    run = wandb.init(project="p")
    see("without", dict(run.config))
    run.finish()
    Path("config-defaults.yaml").write_text("")
    see("empty", dict(wandb.init(project="p").config))


def include_and_exclude(see: See) -> None:
    given = {"a": 1, "b": 2, "c": 3}
    run = wandb.init(project="p", config=given, config_include_keys=["a", "zz"])
    see("include", dict(run.config))
    run.finish()
    run = wandb.init(project="p", config=given, config_exclude_keys=["a", "b"])
    see("exclude", dict(run.config))
    run.finish()
    with see.error("both"):
        wandb.init(project="p", config=given, config_exclude_keys=["a"], config_include_keys=["b"])
    see("run", wandb.run)


def changes(see: See) -> None:
    run = wandb.init(project="p", config={"a": 1, "n": {"x": 1}})
    phrases = ('Attempted to change value of key "a" from 1 to 2', "allow_val_change=True")
    with see.error("item", *phrases):
        run.config["a"] = 2
    with see.error("attribute", *phrases):
        run.config.a = 2
    with see.error("update", *phrases):
        run.config.update({"new": 1, "a": 2})
    with see.error("nested", "Attempted to change value of key"):
        run.config["n"] = {"x": 2}
    see("unchanged", dict(run.config))
    run.config.a = 1
    run.config.update({"a": 1.0})
    run.config.update({"a": 2, "new": 1}, allow_val_change=True)
    run.config.update({"b": 3}, True)
    run.config.setdefaults({"a": 9, "c": 4})
    see("changed", dict(run.config))
    try:
        run.config.a = 5
    except wandb.Error as error:
        see("class", type(error).__name__)


@differs("seen.change", "no error", "wandb documents it so, and raises all the same")
@differs("seen.update", "no error", "the same")
@differs("seen.a", 3, "the same")
@differs("runs[0].config.a", 3, "the same")
def allowed_in_init(see: See) -> None:
    run = wandb.init(project="p", config={"a": 1}, allow_val_change=True)
    with see.error("change"):
        run.config.a = 2
    with see.error("update"):
        run.config.update({"a": 3})
    see("a", run.config.a)


def reading(see: See) -> None:
    run = wandb.init(project="p", config={"a": 1, "n": {"x": [1]}, "--dashed": 2, "d-e": 3})
    c = run.config
    see("reads", [c["a"], c.a, c.get("a"), c.get("zz"), c.get("zz", 5), c["dashed"], c["d-e"]])
    see("nested", [c["n"]["x"], type(c["n"]), type(c.n)])
    see("views", [sorted(c.keys()), sorted(c.items()), sorted(dict(c)), sorted({**c})])
    see("as_dict", sorted(key for key in c.as_dict() if key != "_wandb"))
    see("in", ["a" in c, "zz" in c, "--dashed" in c, "dashed" in c])
    see("has", [hasattr(c, "a"), hasattr(c, "zz"), bool(c)])
    see("_items", [vars(c)["_items"]["a"], c._items["n"]])
    with see.error("item"):
        see("no", c["zz"])
    with see.error("attribute"):
        see("no", c.zz)
    with see.error("nested attribute"):
        see("no", c.n.x)
    see("same", [wandb.config is run.config, type(c)])


def refused(see: See) -> None:
    run = wandb.init(project="p", config={"a": 1})
    with see.error("keywords"):
        run.config.update(b=1)
    with see.error("None"):
        run.config.update(None)
    with see.error("list"):
        run.config.update([("b", 1)])
    with see.error("number"):
        run.config.update(3)
    with see.error("int key"):
        run.config.update({1: 2})
    with see.error("int item"):
        run.config[1] = 2
    see("left", dict(run.config))


def static(see: See) -> None:
    run = wandb.init(project="p", config={"a": 1, "n": {"x": 1}})
    found = run.config_static
    see("reads", [found["a"], found.a, sorted(found.keys()), found["n"], dict(found)])
    with see.error("attribute"):
        found.a = 2
    with see.error("item"):
        found["a"] = 2
    see("in", "a" in found.keys())  # noqa: SIM118


@differs("seen.one", 2.5, "wandb's makes texts of arrays of one element (semantics.md, 9)")
@differs("runs[0].config.one", 2.5, "the same")
def converted(see: See) -> None:
    class Color(enum.Enum):
        RED = "red"

    run = wandb.init(project="p")
    c = run.config
    c.update(
        {
            "tuple": (1, (2, 3)),
            "range": range(3),
            "numpy": np.float64(0.5),
            "int": np.int32(3),
            "few": np.arange(3),
            "many": np.arange(50),
            "one": np.array([2.5]),
            "enum": Color.RED,
            "options": Options(),
            "time": datetime.timedelta(days=1),
            "path": Path("a/b"),
            "nan": float("nan"),
            "big": 2**70,
            "function": len,
            "object": Plain,
            "nested": {"t": (1,), "s": {1}},
        }
    )
    for key in ("tuple", "range", "numpy", "few", "enum", "options", "time", "path", "nan", "big"):
        see(key, c[key])
    see("one", c["one"])
    see("nested", c["nested"])


def changed_in_place(see: See) -> None:
    given: dict[str, Any] = {"n": {"x": [1]}, "l": [1]}
    run = wandb.init(project="p", config=given)
    given["n"]["x"].append(2)
    given["new"] = {}
    see("config", dict(run.config))
    run.config["n"]["x"].append(3)
    see("config after", run.config["n"])
    run.config.update({"m": 1})


def locked_by_sweep(see: See) -> None:
    Path("sweep.yaml").write_text("wandb_version: 1\nlr: {value: 9}\nn: {value: {y: 2}}\n")
    with environment({"WANDB_SWEEP_PARAM_PATH": os.path.abspath("sweep.yaml")}):
        run = wandb.init(project="p", config={"lr": 1, "n": {"x": 1}, "b": 1})
        see("config", dict(run.config))
        with see.printed("warning", "Config item 'lr' was locked by 'sweep' (ignored update)"):
            run.config.update({"lr": 5, "c": 3})
        run.config.lr = 6
        run.config["lr"] = 7
        run.config.update({"lr": 8}, allow_val_change=True)
        see("after", dict(run.config))
        run.finish()


def nested_replaced(see: See) -> None:
    run = wandb.init(project="p", config={"n": {"x": 1}})
    run.config.update({"n": {"y": 2}}, allow_val_change=True)
    see("config", dict(run.config))


def versions_in_dicts(see: See) -> None:
    run = wandb.init(project="p")
    version = {"_type": "artifactVersion", "id": "x", "version": "v0"}
    run.config.update({"a": {"b": version}, "c": {"d": [version, "wandb-artifact://e/p/n:v0"]}})
    with see.error("an address"):
        run.config.update({"e": {"f": {"g": "wandb-artifact://e/p/n:v0"}}})
    see("kept", "e" in run.config)
    see("config", dict(run.config))


def late_changes(see: See) -> None:
    run = wandb.init(project="p")
    for i in range(3):
        run.log({"a": i})
        run.config[f"k{i}"] = i
    run.config.persist()
    see("config", dict(run.config))
