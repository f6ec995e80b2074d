"""`wandb.sdk.wandb_summary`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._summary import Summary

__all__ = ["Summary", "SummaryDict", "SummarySubDict"]

# One class does for the whole summary and for a dict inside of it.
SummaryDict = Summary
SummarySubDict = Summary


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
