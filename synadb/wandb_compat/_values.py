"""From what a script logs to what is stored, by wandb's rules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from synadb.storage.codec import plain

__all__ = ["history_value", "merge_leaves", "sanitized"]

_INT64 = 1 << 63


def history_value(value: Any) -> Any:
    """A logged value as plain JSON data; TypeError for one that has no such form.

    Whole numbers beyond 64 bits become floats, as in wandb.
    """
    return _bounded(plain(value))


def _bounded(value: Any) -> Any:
    if type(value) is int and not -_INT64 <= value < _INT64:
        return float(value)
    if isinstance(value, dict):
        return {key: _bounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_bounded(item) for item in value]
    return value


def sanitized(value: Any) -> Any:
    """A config value: NaN becomes None and what JSON cannot hold its text, as in wandb."""
    if isinstance(value, Mapping):
        return {str(key): sanitized(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | range):
        return [sanitized(item) for item in value]
    if isinstance(value, float) and math.isnan(value):
        return None
    if callable(value) and hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    try:
        return plain(value)
    except TypeError:
        return str(value)


def merge_leaves(target: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Take values into a summary leaf by leaf; None changes nothing."""
    for key, value in values.items():
        if value is None:
            continue
        if isinstance(value, dict):
            below = target.get(key)
            if not isinstance(below, dict):
                below = {}
            merge_leaves(below, value)
            if below:
                target[key] = below
        else:
            target[key] = value
