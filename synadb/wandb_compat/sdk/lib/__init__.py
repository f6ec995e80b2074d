"""`wandb.sdk.lib`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute, lazy_dir

__all__ = ["RunDisabled", "RunMoment", "SummaryDisabled", "lazyloader"]

_LAZY = {
    "RunDisabled": "_disabled:RunDisabled",
    "RunMoment": "_settings:RunMoment",
    "SummaryDisabled": "_disabled:SummaryDisabled",
    "config_util": "sdk.lib.config_util",
    "deprecated_api": "sdk.lib.deprecated_api",
    "disabled": "sdk.lib.disabled",
    "filenames": "sdk.lib.filenames",
    "filesystem": "sdk.lib.filesystem",
    "hashutil": "sdk.lib.hashutil",
    "import_hooks": "sdk.lib.import_hooks",
    "ipython": "sdk.lib.ipython",
    "json_util": "sdk.lib.json_util",
    "lazyloader": "sdk.lib.lazyloader",
    "paths": "sdk.lib.paths",
    "preinit": "sdk.lib.preinit",
    "printer": "sdk.lib.printer",
    "run_moment": "sdk.lib.run_moment",
    "runid": "sdk.lib.runid",
    "telemetry": "sdk.lib.telemetry",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _LAZY, name)


def __dir__() -> list[str]:
    return lazy_dir(__name__, _LAZY)
