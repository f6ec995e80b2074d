"""Which functions of the drop-in a trial looks out for: those without effect, or with a part of it.

`_support` says which they are, by the names that scripts use. Here they become the places where the
functions are defined, so that a process that has imported nothing yet can wait for them.
"""

from __future__ import annotations

import inspect
from functools import cache
from importlib import import_module
from typing import Any

__all__ = ["explained", "lines"]

_PACKAGE = "synadb.wandb_compat"


def explained(name: str) -> tuple[str, str]:
    """What becomes of a call of `name`, "nothing" or "a part", and why."""
    from synadb.wandb_compat._support import NO_EFFECT, PARTLY

    return ("nothing", NO_EFFECT[name]) if name in NO_EFFECT else ("a part", PARTLY[name])


@cache
def lines() -> str:
    """What `child` reads: a line for each function that can be waited for."""
    from synadb.wandb_compat._support import NO_EFFECT, PARTLY

    places = {name: _place(name) for name in (*NO_EFFECT, *PARTLY)}
    return "".join(
        "\t".join((*place, name)) + "\n" for name, place in places.items() if place is not None
    )


def _place(name: str) -> tuple[str, str, str, str] | None:
    """Module, function, argument and its place; None for what is no function, class or module."""
    called, _, argument = name.rstrip(")=").partition("(")
    try:
        found = _look_up(called)
    except (ImportError, AttributeError):  # a library that it is for is missing
        return None
    if inspect.ismodule(found):
        return found.__name__, "", "", ""
    if not (inspect.isfunction(found) or inspect.isclass(found)):
        return None
    if inspect.isclass(found) and not argument and called.startswith("apis.public."):
        return None  # the Api makes those by itself
    function = found.__init__ if inspect.isclass(found) else found
    if not inspect.isfunction(function) or _defined(function) is not function:
        return None
    place = list(inspect.signature(function).parameters).index(argument) if argument else ""
    return function.__module__, function.__qualname__, argument, str(place)


def _defined(function: Any) -> Any:
    """What stands where a function says it is defined."""
    found: Any = import_module(function.__module__)
    for part in function.__qualname__.split("."):
        found = getattr(found, part, None)
    return found


def _look_up(called: str) -> Any:
    """The object of a dotted name below `wandb`, as it stands in its class or module."""
    found: Any = import_module(_PACKAGE)
    path = _PACKAGE
    for part in called.split("."):
        path += f".{part}"
        if inspect.isclass(found):
            found = inspect.getattr_static(found, part)
        elif (inner := getattr(found, part, None)) is not None:
            found = inner
        else:
            found = import_module(path)
    return found
