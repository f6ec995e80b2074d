"""The run object: what it shows, what can be set, what its methods return."""

from __future__ import annotations

import copy
import os
import pickle
import re
from pathlib import Path

from tests.parity.play import See, alone, differs
from tests.parity.scripts._wandb import wandb

NAMES = (
    "config",
    "config_static",
    "dir",
    "disabled",
    "entity",
    "group",
    "id",
    "job_type",
    "name",
    "notes",
    "offline",
    "path",
    "project",
    "project_url",
    "resumed",
    "settings",
    "start_time",
    "starting_step",
    "step",
    "summary",
    "sweep_id",
    "sweep_url",
    "sync_dir",
    "tags",
    "url",
)
METHODS = (
    "alert",
    "define_metric",
    "display",
    "finish",
    "log",
    "log_code",
    "mark_preempting",
    "pin_config_keys",
    "restore",
    "save",
    "status",
    "to_html",
    "unwatch",
    "watch",
    "write_logs",
)


@differs("seen.name", "class str", "names are made here, not by a server")
def kinds(see: See) -> None:
    run = wandb.init(project="p")
    for name in NAMES:
        see(name, type(getattr(run, name)))
    see("class", type(run))
    see("methods", [name for name in METHODS if not callable(getattr(run, name))])


def values(see: See) -> None:
    run = wandb.init(project="p", id="attributes-values", name="n", tags=["t"], group="g")
    see("texts", [run.id, run.name, run.project, run.entity, run.group, run.job_type, run.path])
    see("none", [run.notes, run.url, run.project_url, run.sweep_url, run.sweep_id])
    see("flags", [run.offline, run.disabled, run.resumed, run.step, run.starting_step])
    see("folders", [Path(run.dir).is_dir(), run.sync_dir == os.path.dirname(run.dir)])
    pattern = r".*/wandb/(offline-)?run-\d{8}_\d{6}-attributes-values/files"
    see("dir", re.fullmatch(pattern, run.dir) is not None)
    see("settings", [run.settings.run_id, run.settings.project, run.settings.files_dir == run.dir])
    see("private", [run._attach_id == run.id, run._is_finished, type(run._settings)])


def set_while_running(see: See) -> None:
    run = wandb.init(project="p", name="n")
    run.name = "m"
    run.notes = "x"
    run.tags = ("a",)
    see("set", [run.name, run.notes, run.tags])
    run.notes = None
    see("none", run.notes)


def not_settable(see: See) -> None:
    run = wandb.init(project="p")
    for name in ("id", "project", "entity", "group", "job_type", "dir", "config", "step", "url"):
        with see.error(name):
            setattr(run, name, "x")
    with see.error("unknown", "Attribute foo is not supported on Run object."):
        run.foo = 1
    with see.error("read"):
        see("no", run.foo)
    see("hasattr", [hasattr(run, "foo"), hasattr(run, "log")])


def copies(see: See) -> None:
    run = wandb.init(project="p")
    see("deepcopy", copy.deepcopy(run) is run)
    see("in a dict", copy.deepcopy({"run": run})["run"] is run)
    with see.error("unpickled here"):
        pickle.loads(pickle.dumps(run))
    see("settings", run.settings is run.settings)


@differs("seen.get_url", None, "removed after 0.28.2, and still called (surface.md, 2)")
@differs("seen.project_name", "p", "the same")
@differs("seen.join", None, "the same")
@differs("seen.quiet", "no error", "finish(quiet=), the same")
def old_names(see: See) -> None:
    run = wandb.init(project="p")
    for name in ("get_url", "project_name", "join"):
        method = getattr(run, name, None)
        see(name, method() if method else "not there")
    with see.error("quiet"):
        run.finish(quiet=True)


def returned(see: See) -> None:
    Path("file.txt").write_text("x")
    run = wandb.init(project="p")
    see("log", run.log({"a": 1}))
    see("alert", run.alert("title", "text"))
    see("mark_preempting", run.mark_preempting())
    see("write_logs", run.write_logs("text"))
    see("display", run.display())
    see("define_metric", type(run.define_metric("a")))
    see("save", [os.path.relpath(path, run.dir) for path in run.save("file.txt")])
    see("update", [run.config.update({"a": 1}), run.summary.update({"b": 1})])
    see("html", isinstance(run.to_html(), str))
    see("finish", run.finish())


@alone
def finished_with_other_kinds(see: See) -> None:
    run = wandb.init(project="p")
    run.log({"a": 1})
    with see.error("text"):
        run.finish("x")
    run.finish(-3)


def status(see: See) -> None:
    run = wandb.init(project="p")
    found = run.status()
    see("status", type(found))
    see("fields", [hasattr(found, f"sync_{name}") for name in ("items_total", "items_pending")])


@differs("runs[0].name", "n", "a run always has a name")
def wrong_setters(see: See) -> None:
    run = wandb.init(project="p", name="n")
    with see.error("name"):
        run.name = 3
    with see.error("notes"):
        run.notes = 3
    with see.error("empty name"):
        run.name = ""
    see("left", [run.notes, type(run.name)])


def labels_and_private_names(see: See) -> None:
    run = wandb.init(project="p")
    see("label", run._label(code="mine", repo="r"))
    run._set_config_wandb("mine", 1)
    see("config", sorted(dict(run.config)))
    see("start", run._start_time == run.start_time)
    see("callback", hasattr(run, "_tensorboard_callback"))


def disabled(see: See) -> None:
    run = wandb.init(project="p", mode="disabled", config={"a": 1}, tags=["t"])
    see("flags", [run.disabled, run.offline, run.url, run.project_url, run.step, run.resumed])
    see("texts", [run.entity, run.project, run.name == f"dummy-{run.id}", len(run.id)])
    see("run", [wandb.run is run, isinstance(run, wandb.Run)])
    see("log", run.log({"a": object()}, step="x"))
    run.log({"b": 2})
    see("summary", [run.summary["b"], run.step])
    run.config.update({"b": 1})
    with see.error("config"):
        run.config.a = 2
    see("config", dict(run.config))
    see("save", run.save("x"))
    see("none", [run.alert("t", "x"), run.log_code(), run.restore("x"), run.mark_preempting()])
    see("watch", [run.watch(None), run.unwatch(), run.write_logs("x"), run.status()])
    metric = run.define_metric("x", summary="max")
    see("metric", [type(metric), metric.name])
    run.anything = 3
    see("attribute", run.anything)
    see("folder", [Path("wandb").exists(), os.listdir()])
    see("finish", [run.finish(), wandb.run])


def disabled_defaults(see: See) -> None:
    run = wandb.init(mode="disabled")
    see("texts", [run.entity, run.project, run.group, run.job_type, run.notes, run.tags])
    run.finish()
    first = wandb.init(mode="disabled")
    see("again", wandb.init(mode="disabled") is first)


@differs("seen.after", None, "wandb's stays set (semantics.md, 9)")
def disabled_with_block(see: See) -> None:
    with wandb.init(mode="disabled") as run:
        wandb.log({"a": 1})
        see("inside", wandb.run is run)
    see("after", wandb.run)
    wandb.finish()


def disabled_after_finish(see: See) -> None:
    run = wandb.init(mode="disabled")
    run.log({"a": 1})
    run.finish()
    see("log", run.log({"b": 1}))
    see("summary", [run.summary["a"], run.summary["b"]])
    see("run", wandb.run)
