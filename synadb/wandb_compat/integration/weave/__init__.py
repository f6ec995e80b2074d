"""`wandb.integration.weave`: accepted, and starts nothing."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.unsupported import (
    RunPath,
    active_run_path,
    build_project_path,
    ensure_version,
    init_weave,
    init_weave_if_imported,
)
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = [
    "RunPath",
    "active_run_path",
    "build_project_path",
    "ensure_version",
    "init_weave",
    "init_weave_if_imported",
]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
