"""`wandb.old.summary`: the summaries of stored runs, for isinstance."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._apis.summary import HTTPSummary, Summary, SummarySubDict
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["HTTPSummary", "Summary", "SummarySubDict"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
