"""Modules and names that scripts and libraries import from."""

from __future__ import annotations

import importlib
from typing import Any

from tests.parity.play import See, environment
from tests.parity.scripts._wandb import wandb

CLASSES = {
    "wandb": ("Error", "UsageError", "CommError", "AlertLevel", "Settings"),
    "wandb.errors": ("Error", "UsageError", "CommError", "UnsupportedError", "AuthenticationError"),
    "wandb.errors.errors": ("Error", "UsageError", "CommError"),
    "wandb.sdk.wandb_run": ("Run",),
    "wandb.sdk.wandb_config": ("Config",),
    "wandb.sdk.wandb_settings": ("Settings",),
    "wandb.sdk.wandb_summary": ("Summary",),
    "wandb.sdk.wandb_metric": ("Metric",),
    "wandb.sdk.wandb_alerts": ("AlertLevel",),
    "wandb.sdk.lib.config_util": ("ConfigError",),
    "wandb.sdk.lib": ("RunDisabled",),
}


def classes(see: See) -> None:
    for path, names in CLASSES.items():
        module = importlib.import_module(path)
        for name in names:
            see(f"{path}.{name}", getattr(module, name))


def the_same_objects(see: See) -> None:
    def at(path: str, name: str) -> Any:
        return getattr(importlib.import_module(path), name)

    see("Run", at("wandb.sdk.wandb_run", "Run") is wandb.Run)
    see("Settings", at("wandb.sdk.wandb_settings", "Settings") is wandb.Settings)
    see("Config", at("wandb.sdk.wandb_config", "Config") is wandb.Config)
    see("Error", at("wandb.errors.errors", "Error") is wandb.Error)
    run = wandb.init(project="p")
    see("isinstance", [isinstance(run, wandb.Run), isinstance(run.config, wandb.Config)])
    see("metric", isinstance(run.define_metric("a"), at("wandb.sdk.wandb_metric", "Metric")))
    see("summary", isinstance(run.summary, at("wandb.sdk.wandb_summary", "Summary")))
    with_error = None
    run.config.a = 1
    try:
        run.config.a = 2
    except at("wandb.sdk.lib.config_util", "ConfigError") as error:
        with_error = isinstance(error, wandb.Error)
    see("ConfigError", with_error)


def generated_ids(see: See) -> None:
    made = importlib.import_module("wandb.sdk.lib.runid").generate_id
    see("length", [len(made()), len(made(5)), made().isalnum(), made() != made()])


def parse_config(see: See) -> None:
    given = {"a": 1, "b": {"c": 2}}
    see("all", wandb.helper.parse_config(given))
    see("include", wandb.helper.parse_config(given, include=("a",)))
    see("exclude", wandb.helper.parse_config(given, exclude=("a",)))


def the_environment_module(see: See) -> None:
    env = importlib.import_module("wandb.env")
    see("names", [env.PROJECT, env.ENTITY, env.MODE, env.DIR, env.RUN_ID, env.NAME, env.SILENT])
    with environment({"WANDB_PROJECT": "p", "WANDB_ENTITY": "e", "WANDB_MODE": "offline"}):
        see("values", [env.get_project(), env.get_entity(), env.is_offline()])
    see("default", env.get_project(default="d"))


def utilities(see: See) -> None:
    util = importlib.import_module("wandb.util")
    see("sizes", [util.to_human_size(1536), util.from_human_size("1KB")])
    see("names", util.make_artifact_name_safe("a b/c:d"))
    see("modules", [util.get_module("json") is not None, util.get_module("no_such_module_here")])
    see("friendly", util.json_friendly(1))
    with see.error("required"):
        util.get_module("no_such_module_here", required="it is needed")
