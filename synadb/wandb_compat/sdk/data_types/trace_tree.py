"""`wandb.sdk.data_types.trace_tree`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._media.trace_tree import (
    Result,
    Span,
    SpanKind,
    StatusCode,
    Trace,
    TraceAttribute,
    WBTraceTree,
)

__all__ = ["Result", "Span", "SpanKind", "StatusCode", "Trace", "TraceAttribute", "WBTraceTree"]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
