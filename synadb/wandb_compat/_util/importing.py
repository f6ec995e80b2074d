"""Modules that run at their first use, and functions that are called after an import."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

from synadb.wandb_compat.sdk.lib.import_hooks import register_post_import_hook
from synadb.wandb_compat.sdk.lib.import_hooks import unregister_post_import_hook as unregister

__all__ = ["ImportMetaHook", "LazyModule", "LazyModuleState", "add_import_hook"]

_STATE = "__lazy_module_state__"


class LazyModule(ModuleType):
    """A module that runs when somebody uses one of its names."""

    def __getattribute__(self, name: str) -> Any:
        if name not in ("__class__", "__dict__", "__spec__", "__name__", _STATE):
            _load(self)
        return object.__getattribute__(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        _load(self)
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        _load(self)
        object.__delattr__(self, name)


def _load(module: ModuleType) -> None:
    state = object.__getattribute__(module, "__dict__").get(_STATE)
    if state is not None:
        state.load()


class LazyModuleState:
    """What makes a module wait: `load` runs it, once, and makes it a plain one."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self._lock = threading.RLock()
        self._is_loading = False
        vars(module)[_STATE] = self
        module.__class__ = LazyModule

    def load(self) -> None:
        """Run the module; again after a failure."""
        with self._lock:
            names = object.__getattribute__(self.module, "__dict__")
            if self._is_loading or _STATE not in names:
                return
            self._is_loading = True
            try:
                spec = names["__spec__"]
                spec.loader.exec_module(self.module)
                del names[_STATE]
                object.__setattr__(self.module, "__class__", ModuleType)
            finally:
                self._is_loading = False


class ImportMetaHook:
    """Calls functions once modules have been imported, from `install` to `uninstall`."""

    def __init__(self) -> None:
        self.modules: dict[str, ModuleType] = {}
        self.on_import: dict[str, list[Callable[[], Any]]] = {}
        self._is_installed = False

    def add(self, fullname: str, on_import: Callable[[], Any]) -> None:
        """Call `on_import` after the import of a module."""
        self.on_import.setdefault(fullname, []).append(on_import)
        if self._is_installed:
            self._wait_for(fullname)

    def install(self) -> None:
        """Begin."""
        self._is_installed = True
        for fullname in self.on_import:
            self._wait_for(fullname)

    def uninstall(self) -> None:
        """End; what has not been imported will not be noticed."""
        self._is_installed = False
        for fullname in self.on_import:
            unregister(fullname, self._hook_id)

    @property
    def _hook_id(self) -> str:
        return f"ImportMetaHook {id(self)}"

    def _wait_for(self, fullname: str) -> None:
        import sys

        # wandb's notices imports, and no module that is there already.
        if fullname not in sys.modules:
            register_post_import_hook(self._imported, self._hook_id, fullname)

    def _imported(self, module: ModuleType) -> None:
        self.modules[module.__name__] = module
        for function in self.on_import[module.__name__]:
            function()

    def get_modules(self) -> tuple[str, ...]:
        """The modules whose import was noticed."""
        return tuple(self.modules)

    def get_module(self, module: str) -> ModuleType:
        """One of them; KeyError."""
        return self.modules[module]


_import_hook = ImportMetaHook()
_import_hook.install()


def add_import_hook(fullname: str, on_import: Callable[[], Any]) -> None:
    """Call `on_import` after the import of a module that has not been imported yet."""
    _import_hook.add(fullname, on_import)
