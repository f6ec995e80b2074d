"""`wandb.apis.reports`: reports are pages of wandb's service; here they are made and go nowhere.

Every class takes any arguments and keeps those given by name as attributes.
"""

from __future__ import annotations

import sys
from typing import Any

from synadb.wandb_compat._term import termwarn

__all__ = ["Report"]


class _Part:
    """A panel, a block or another part of a report."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _say(type(self).__name__)
        self.__dict__.update(kwargs)

    def __init_subclass__(cls) -> None:
        cls.__module__ = __name__


class Report(_Part):
    """A report that is kept in memory only."""

    url: str | None = None

    def save(self, *args: Any, **kwargs: Any) -> Report:
        """Save nothing."""
        return self

    @classmethod
    def from_url(cls, url: str, *args: Any, **kwargs: Any) -> Report:
        """There is none to fetch: UnsupportedError."""
        from synadb.wandb_compat.errors import UnsupportedError

        raise UnsupportedError(
            "wandb.apis.reports.Report.from_url() is not supported by SynaDB: reports are pages of "
            "wandb's service"
        )


def _say(name: str) -> None:
    termwarn(
        f"wandb.apis.reports.{name}(): has no effect with SynaDB, reports are pages of wandb's "
        "service",
        repeat=False,
    )


def __getattr__(name: str) -> Any:
    if name in ("v1", "v2"):
        return sys.modules[__name__]
    if name.startswith("_") or not name[:1].isupper():
        raise AttributeError(f"module 'wandb.apis.reports' has no attribute {name!r}")
    found = globals()[name] = type(name, (_Part,), {"__doc__": "A part of a report."})
    return found
