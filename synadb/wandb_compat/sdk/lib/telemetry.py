"""`wandb.sdk.lib.telemetry`: integrations note here what they use; nothing is kept or sent."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["TelemetryImports", "TelemetryRecord", "context", "list_telemetry_imports"]


class TelemetryRecord:
    """Takes any attribute; one that was not set is such a record again."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        inner = TelemetryRecord()
        setattr(self, name, inner)
        return inner


TelemetryImports = TelemetryRecord


def context(run: Any = None, obj: Any = None) -> AbstractContextManager[Any]:
    """A record, or `obj`, for a `with` statement."""
    return nullcontext(TelemetryRecord() if obj is None else obj)


def list_telemetry_imports(only_imported: bool = False) -> set[str]:
    """The libraries whose use is reported: none."""
    return set()


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
