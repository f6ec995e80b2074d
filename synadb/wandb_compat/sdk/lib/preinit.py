"""`wandb.sdk.lib.preinit`: what stands in before a run is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._preinit import PreInit
from synadb.wandb_compat.errors import Error

__all__ = ["PreInitCallable", "PreInitObject"]

PreInitObject = PreInit


def PreInitCallable(name: str, destination: Any = None) -> Callable[..., Any]:
    """A function that says that init must be called first, documented as `destination`."""

    def call(*args: Any, **kwargs: Any) -> Any:
        raise Error(f"You must call wandb.init() before {name}()")

    call.__name__ = name
    call.__doc__ = getattr(destination, "__doc__", None)
    return call


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
