"""`wandb.trigger`: functions that are called when somebody names an event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute

__all__ = ["call", "register", "reset", "unregister"]

_functions: dict[str, list[Callable[..., Any]]] = {}


def register(event: str, func: Callable[..., Any]) -> None:
    """Call `func` at each `call` of an event."""
    _functions.setdefault(event, []).append(func)


def unregister(event: str, func: Callable[..., Any]) -> None:
    """Take it back; KeyError or ValueError if it was not registered."""
    _functions[event].remove(func)


def call(event_str: str, *args: Any, **kwargs: Any) -> None:
    """Call what is registered for an event, in that order."""
    for function in _functions.get(event_str, ()):
        function(*args, **kwargs)


def reset() -> None:
    """Forget every function."""
    _functions.clear()


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
