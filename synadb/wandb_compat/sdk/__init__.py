"""`wandb.sdk`: where wandb defines what it exports; the same objects under more names."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute, lazy_dir

__all__ = [
    "AlertLevel",
    "Artifact",
    "Config",
    "Settings",
    "Summary",
    "controller",
    "finish",
    "helper",
    "init",
    "login",
    "require",
    "setup",
    "sweep",
    "teardown",
]

_LAZY = {
    "AlertLevel": "_alerts:AlertLevel",
    "Artifact": "_artifacts.artifact:Artifact",
    "Config": "_config:Config",
    "Settings": "_settings:Settings",
    "Summary": "_summary:Summary",
    "_attach": ":_attach",
    "_unwatch": "_watch:unwatch",
    "_watch": "_watch:watch",
    "artifacts": "sdk.artifacts",
    "controller": "_sweeps.local:controller",
    "data_types": "sdk.data_types",
    "finish": ":finish",
    "helper": "sdk.wandb_helper",
    "init": ":init",
    "integration_utils": "sdk.integration_utils",
    "lib": "sdk.lib",
    "login": ":login",
    "require": ":require",
    "setup": ":setup",
    "sweep": "_sweeps.create:sweep",
    "teardown": ":teardown",
    "wandb_alerts": "sdk.wandb_alerts",
    "wandb_config": "sdk.wandb_config",
    "wandb_helper": "sdk.wandb_helper",
    "wandb_init": "sdk.wandb_init",
    "wandb_login": "sdk.wandb_login",
    "wandb_metric": "sdk.wandb_metric",
    "wandb_require": "sdk.wandb_require",
    "wandb_run": "sdk.wandb_run",
    "wandb_settings": "sdk.wandb_settings",
    "wandb_setup": "sdk.wandb_setup",
    "wandb_summary": "sdk.wandb_summary",
    "wandb_sweep": "sdk.wandb_sweep",
    "wandb_watch": "sdk.wandb_watch",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _LAZY, name)


def __dir__() -> list[str]:
    return lazy_dir(__name__, _LAZY)
