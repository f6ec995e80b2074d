"""`wandb.sdk.lib.lazyloader`."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._term import termwarn

__all__ = ["LazyLoader"]


class LazyLoader(ModuleType):
    """Stands for the module `name` and imports it at the first use.

    The module then takes its place under `local_name` in `parent_module_globals`; `warning` is
    said once.
    """

    def __init__(
        self,
        local_name: str,
        parent_module_globals: dict[str, Any],
        name: str,
        warning: str | None = None,
    ) -> None:
        super().__init__(str(name))
        self._place = local_name, parent_module_globals
        self._warning = warning

    def _load(self) -> ModuleType:
        if self._warning:
            termwarn(self._warning, repeat=False)
        module = import_module(self.__name__)
        local_name, parent = self._place
        parent[local_name] = module
        return module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._load(), name)

    def __dir__(self) -> list[str]:
        return dir(self._load())


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
