"""`wandb.apis`: the Api of runs that have been logged."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute, lazy_dir

__all__ = ["Api", "PublicApi", "attrs", "env", "normalize", "paginator", "public"]

_LAZY = {
    "Api": "_apis.api:Api",
    "PublicApi": "_apis.api:Api",
    "attrs": "apis.attrs",
    "env": "env",
    "normalize": "apis.normalize",
    "paginator": "apis.paginator",
    "public": "apis.public",
    "reports": "apis.reports",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _LAZY, name)


def __dir__() -> list[str]:
    return lazy_dir(__name__, _LAZY)
