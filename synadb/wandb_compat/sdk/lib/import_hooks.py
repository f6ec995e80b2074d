"""`wandb.sdk.lib.import_hooks`: functions that are called with a module once it is imported."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from synadb.system import after_fork_in_child
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = [
    "ImportHookFinder",
    "notify_module_loaded",
    "register_post_import_hook",
    "unregister_all_post_import_hooks",
    "unregister_post_import_hook",
]

Hook = Callable[[ModuleType], Any]

_lock = threading.RLock()


def _renew_lock() -> None:
    global _lock
    _lock = threading.RLock()  # a thread that is gone in the child may have held it


after_fork_in_child(_renew_lock)

_hooks: dict[str, dict[str, Hook]] = {}  # name of a module -> id -> function


def register_post_import_hook(hook: str | Hook, hook_id: str, name: str) -> None:
    """Call `hook`, a function or its "module:name", with the module `name` when it is imported.

    That is now, if it has been. Another hook of the same id for the module is replaced.
    """
    call = _by_name(hook) if isinstance(hook, str) else hook
    with _lock:
        module = sys.modules.get(name)
        if module is None:
            _hooks.setdefault(name, {})[hook_id] = call
            if _FINDER not in sys.meta_path:
                sys.meta_path.insert(0, _FINDER)
            return
    call(module)


def _by_name(place: str) -> Hook:
    module, _, path = place.partition(":")

    def call(imported: ModuleType) -> Any:
        found: Any = import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
        return found(imported)

    return call


def unregister_post_import_hook(name: str, hook_id: str | None) -> None:
    """Forget a hook of a module, or all of them."""
    with _lock:
        if hook_id is None:
            _hooks.pop(name, None)
        else:
            _hooks.get(name, {}).pop(hook_id, None)


def unregister_all_post_import_hooks() -> None:
    """Forget every hook."""
    with _lock:
        _hooks.clear()


def notify_module_loaded(module: ModuleType) -> None:
    """Call the hooks of a module, each of them once."""
    with _lock:
        waiting = _hooks.pop(module.__name__, {})
    for hook in waiting.values():
        hook(module)


class ImportHookFinder:
    """Stands before all finders, and lets the hooks know once a module has run."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What the other finders find, with a loader that calls the hooks."""
        if not _hooks.get(fullname):
            return None
        for finder in list(sys.meta_path):
            if isinstance(finder, ImportHookFinder) or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                loader: Any = spec.loader
                if hasattr(loader, "exec_module"):
                    spec.loader = _HookLoader(loader)  # type: ignore[assignment]
                return spec
        return None


class _HookLoader:
    """Runs a module by its own loader, and calls the hooks."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        # Whoever looks finds the loader that it would have had.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        notify_module_loaded(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


_FINDER = ImportHookFinder()


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
