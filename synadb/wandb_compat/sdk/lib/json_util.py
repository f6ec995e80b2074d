"""`wandb.sdk.lib.json_util`: JSON without blanks."""

from __future__ import annotations

import json
from typing import IO, Any

from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["dump", "dumps", "load", "loads"]

load = json.load
loads = json.loads


def dumps(obj: Any, **kwargs: Any) -> str:
    """As `json.dumps`; without blanks unless `indent` or `separators` ask for them."""
    if kwargs.get("indent") is None:
        kwargs.setdefault("separators", (",", ":"))
    return json.dumps(obj, **kwargs)


def dump(obj: Any, fp: IO[str], **kwargs: Any) -> None:
    """As `dumps`, into a file."""
    fp.write(dumps(obj, **kwargs))


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
