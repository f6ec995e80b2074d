"""`wandb.integration.weave.weave`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.unsupported import (
    build_project_path,
    ensure_version,
    init_weave,
    init_weave_if_imported,
)
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["build_project_path", "ensure_version", "init_weave", "init_weave_if_imported"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
