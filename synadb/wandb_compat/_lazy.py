"""Names of the public modules that are imported when somebody asks for them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["lazy_attribute", "lazy_dir"]

# What wandb has with an underscore, and libraries use.
_PRIVATE = frozenset(
    (
        "_IS_INTERNAL_PROCESS",
        "_Sentry",
        "_assert_is_internal_process",
        "_assert_is_user_process",
        "_sentry",
        "_set_internal_process",
        "_sync",
    )
)
_PACKAGE = __name__.rpartition(".")[0]


def lazy_attribute(module: str, table: Mapping[str, str], name: str) -> Any:
    """The attribute `name` of `module`, for its `__getattr__`.

    `table` says where names come from, below this package: "_config:Config", or "sdk.lib" for a
    module. A name that is not in it raises the AttributeError that tells wandb's own names, which
    are not here yet, from others.
    """
    place = table.get(name)
    if place is None:
        if name.startswith("__"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        # Asked for whenever a private module of ours is first imported from its package.
        if name.startswith("_") and module == _PACKAGE and name not in _PRIVATE:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        from synadb.wandb_compat._surface import missing_attribute

        raise missing_attribute(module, name)
    from importlib import import_module

    target, _, attribute = place.partition(":")
    found: Any = import_module(f"{_PACKAGE}.{target}" if target else _PACKAGE)
    if attribute:
        found = getattr(found, attribute)
    setattr(sys.modules[module], name, found)
    return found


def lazy_dir(module: str, table: Mapping[str, str]) -> list[str]:
    """The names of `module`, for its `__dir__`."""
    return sorted({*vars(sys.modules[module]), *table})
