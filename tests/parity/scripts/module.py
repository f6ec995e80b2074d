"""The names of the module: before, during and after a run."""

from __future__ import annotations

import importlib

from tests.parity.play import See, alone, differs, environment
from tests.parity.scripts._wandb import wandb

BOUND = (
    "alert",
    "define_metric",
    "log",
    "mark_preempting",
    "save",
    "unwatch",
    "watch",
)


@alone
def rebinding(see: See) -> None:
    proxy = type(wandb.config)
    see("before", [wandb.run, type(wandb.summary) is proxy])
    run = wandb.init(project="p")
    see("during", [wandb.run is run, wandb.config is run.config, wandb.summary is run.summary])
    see("bound", [name for name in BOUND if getattr(wandb, name).__self__ is not run])
    run.finish()
    see("after", [wandb.run, type(wandb.config) is proxy, type(wandb.summary) is proxy])
    see("functions", [hasattr(wandb.log, "__self__"), hasattr(wandb.save, "__self__")])
    with see.error("log"):
        wandb.log({"a": 1})
    second = wandb.init(project="q")
    see("second", [wandb.run is second, wandb.config is second.config])


def create_new_leaves_the_names(see: See) -> None:
    beside = wandb.init(project="p", reinit="create_new")
    see("run", wandb.run)
    with see.error("log"):
        wandb.log({"a": 1})
    run = wandb.init(project="q", reinit="create_new")
    see("still", [wandb.run, run is beside])


def config_rebound_before_init(see: See) -> None:
    wandb.config = {"lost": 1}
    run = wandb.init(project="p")
    see("config", dict(run.config))
    see("same", wandb.config is run.config)


def terms(see: See) -> None:
    with see.printed("lines", "one", "WARNING two", "ERROR three", "wandb"):
        wandb.termlog("one")
        wandb.termwarn("two")
        wandb.termerror("three")
    with see.printed("repeat", "once", "again"):
        for _ in range(3):
            wandb.termlog("once", repeat=False)
            wandb.termlog("again", prefix=False)


@differs("seen.login", True, "there is no account to log in to, and nothing fails for it")
def login(see: See) -> None:
    with environment({"WANDB_MODE": "offline"}):
        see("login", wandb.login())


@alone
@differs("seen.run", [True, True], "wandb leaves one behind that cannot log any more")
def teardown(see: See) -> None:
    run = wandb.init(project="p")
    run.log({"a": 1})
    wandb.teardown()
    see("run", [wandb.run is None, run._is_finished])
    second = wandb.init(project="q")
    see("second", second.project)


@alone
def teardown_code(see: See) -> None:
    wandb.init(project="p").log({"a": 1})
    wandb.teardown(5)


def require(see: See) -> None:
    for word in ("service", "core"):
        with see.error(word):
            wandb.require(word)


def values(see: See) -> None:
    see("version", wandb.__version__)
    see("patched", wandb.patched)
    see("levels", [level.value for level in wandb.AlertLevel])
    see("classes", [wandb.Run, wandb.Settings, wandb.Config, wandb.Error, wandb.UsageError])
    see("errors", [wandb.errors.Error is wandb.Error, wandb.errors.CommError is wandb.CommError])
    see("tree", [kind.__mro__[1].__name__ for kind in (wandb.CommError, wandb.UsageError)])
    error = importlib.import_module("wandb.errors")
    see("import", error.UsageError is wandb.UsageError)


def errors_made(see: See) -> None:
    error = wandb.Error("text", context={"a": 1})
    see("error", [str(error), error.message, error.context])
    see("comm", [str(wandb.CommError("m")), wandb.CommError("m", ValueError()).message])


def finish_without_a_run(see: See) -> None:
    see("finish", [wandb.finish(), wandb.finish(exit_code=3), wandb.join()])
    with see.error("keyword"):
        wandb.finish(colour=1)


def finish_of_the_module(see: See) -> None:
    wandb.init(project="p").log({"a": 1})
    see("returned", wandb.finish(7))
    see("run", wandb.run)


def settings_defaults(see: See) -> None:
    settings = wandb.Settings()
    for name in (
        "allow_val_change",
        "console",
        "entity",
        "force",
        "mode",
        "project",
        "quiet",
        "reinit",
        "resume",
        "run_group",
        "run_id",
        "run_job_type",
        "run_name",
        "run_notes",
        "run_tags",
        "save_code",
        "silent",
        "symlink",
        "x_stats_sampling_interval",
        "x_disable_stats",
        "x_disable_meta",
        "x_save_requirements",
        "max_end_of_run_history_metrics",
        "max_end_of_run_summary_metrics",
        "init_timeout",
        "disable_git",
        "disable_code",
        "ignore_globs",
        "capture_loggers",
        "x_label",
        "x_primary",
    ):
        see(name, getattr(settings, name))


def settings_changed(see: See) -> None:
    settings = wandb.Settings(project="p", run_tags=["a"], x_label="l")
    settings.project = "q"
    settings.run_name = "n"
    see("set", [settings.project, settings.run_name, settings.run_tags, settings.x_label])
    with see.error("unknown attribute"):
        settings.no_such = 1
    with see.error("unknown argument"):
        wandb.Settings(no_such=1)
    with see.error("mode"):
        wandb.Settings(mode="sometimes")
    with see.error("mode set"):
        settings.mode = "sometimes"
    with see.error("interval"):
        wandb.Settings(x_stats_sampling_interval=0.01)
    with see.error("item"):
        see("no", settings["project"])
    with see.error("positional"):
        wandb.Settings("p")
    run = wandb.init(settings=settings)
    see("run", [run.project, run.name, run.tags, run.settings.x_label])


def settings_of_a_run(see: See) -> None:
    run = wandb.init(project="p", id="module-settings", group="g", tags=["t"], mode="offline")
    s = run.settings
    see("given", [s.project, s.run_id, s.run_group, s.run_tags, s.mode, s._offline, s._noop])
    see("files", [s.files_dir == run.dir, s.sync_dir == run.sync_dir])
    see("names", [s.sync_file.endswith("run-module-settings.wandb"), s.log_dir.endswith("logs")])
    see("urls", [s.run_url, s.project_url, s.sweep_url])
