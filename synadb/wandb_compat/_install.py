"""Makes `import wandb` mean this package: in this process, and in the ones it starts.

One module object has two names. `sys.modules["wandb"]` is `synadb.wandb_compat`, and a finder
answers for every `wandb.x.y` with the very module `synadb.wandb_compat.x.y`: a second copy of a
class would make `isinstance` false. Processes started from here get the overlay folder through
`PYTHONPATH`; it holds a package `wandb`, a dist-info folder and a `wandb` program.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.abc import Loader
    from pathlib import Path
    from types import ModuleType

_ALIAS = "wandb"
_TARGET = __name__.rpartition(".")[0]
_OVERLAY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_overlay")
_SITE_FOLDERS = {"site-packages", "dist-packages"}


class _AliasLoader:
    """Gives the module that is there under its own name to the import system."""

    def __init__(self, target: str) -> None:
        self._target = target

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module(self._target)
        self._own_spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # It has run already. The import system has just set the alias's spec on it; its own one
        # keeps importlib.reload, pickle and inspect working.
        module.__spec__ = self._own_spec


class _AliasFinder:
    """Finds `wandb` and everything below it in this package."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _ALIAS and not fullname.startswith(_ALIAS + "."):
            return None
        from importlib.util import find_spec, spec_from_file_location

        if fullname == f"{_ALIAS}.__main__":  # `python -m wandb`; the program lies in the overlay
            return spec_from_file_location(fullname, os.path.join(_OVERLAY, _ALIAS, "__main__.py"))
        name = _TARGET + fullname[len(_ALIAS) :]
        own = find_spec(name)
        if own is None:
            return None
        locations = own.submodule_search_locations
        loader = cast("Loader", _AliasLoader(name))  # importlib.abc is slow to import
        alias = ModuleSpec(fullname, loader, origin=own.origin, is_package=locations is not None)
        alias.has_location = own.has_location
        if locations is not None:
            alias.submodule_search_locations = list(locations)
        return alias


class _MissingFinder:
    """Stands last and says of a name that wandb has, and this package not yet, that this is so.

    Without it `import wandb.keras` and `from wandb import keras` would look like a broken
    installation of wandb.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith((_ALIAS + ".", _TARGET + ".")) or not _is_import_statement():
            return None
        from synadb.wandb_compat._surface import missing_import

        error = missing_import(fullname)
        if error is not None:
            raise error
        return None


def _is_import_statement() -> bool:
    """Whether a finder was asked by an import, and not by `importlib.util.find_spec`.

    A probe for an optional module must be answered with None and not with an exception. Only the
    call stack tells the two apart: finder, _find_spec, and then who wants to know.
    """
    try:
        return sys._getframe(3).f_code.co_name == "_find_and_load_unlocked"
    except ValueError:
        return False


_ALIAS_FINDER = _AliasFinder()
_MISSING_FINDER = _MissingFinder()


def adopt(replace: bool = True) -> ModuleType:
    """Make `wandb` another name of this package, in this process only.

    The overlay's package calls this. With `replace=False` what stands in `sys.modules` is left.
    """
    if _ALIAS_FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _ALIAS_FINDER)
    if _MISSING_FINDER not in sys.meta_path:
        sys.meta_path.append(_MISSING_FINDER)
    package = sys.modules[_TARGET]
    if replace:
        sys.modules[_ALIAS] = package
    return package


def install() -> None:
    """Make every `import wandb`, from here on, import SynaDB's drop-in instead.

    Call it before anything imports wandb; a second call changes nothing. It holds for this process,
    for libraries that look for wandb's distribution instead of importing it, and for the processes
    that are started from here. `sys.modules["wandb"] = None`, with which tests switch wandb off,
    stays as it is.

    Raises:
        InstallError: the real wandb, or another stand-in for it, is loaded already.
    """
    _refuse_if_loaded()
    adopt(replace=sys.modules.get(_ALIAS, _ALIAS) is not None)
    if _OVERLAY not in sys.path:
        # Where PYTHONPATH would put it: before site-packages, after the script's own folder, which
        # many scripts look up as sys.path[0].
        first = os.path.basename(sys.path[0]) if sys.path else ""
        sys.path.insert(0 if not sys.path or first in _SITE_FOLDERS else 1, _OVERLAY)
    environment = overlay_environment(os.environ)
    for name in ("PYTHONPATH", "PATH", "SYNADB_PYTHON"):
        if name in environment and os.environ.get(name) != environment[name]:
            os.environ[name] = environment[name]


def _refuse_if_loaded() -> None:
    loaded: dict[str, ModuleType | None] = {**sys.modules}
    for name, module in loaded.items():
        if module is None or not (name == _ALIAS or name.startswith(_ALIAS + ".")):
            continue
        if module is sys.modules.get(_TARGET + name[len(_ALIAS) :]):
            continue
        place = getattr(module, "__file__", None)
        if place is not None and os.path.abspath(place).startswith(_OVERLAY + os.sep):
            continue
        if place is None and hasattr(module, "__path__") and not hasattr(module, "__version__"):
            continue  # a ./wandb folder of run files, which imports as a namespace package
        from synadb.errors import InstallError

        raise InstallError(
            f"{name} is already imported (from {place or 'memory'}): call {_TARGET}.install() "
            "before the first import of wandb or of a library that uses it"
        )


def overlay_dir() -> Path:
    """The folder that holds the package `wandb`, its dist-info and `bin/wandb`."""
    from pathlib import Path

    return Path(_OVERLAY)


def overlay_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return a copy of `environ` with which a child process finds the drop-in as `wandb`."""
    child = dict(environ)
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    # A checkout that was found through the current folder is not found by a child elsewhere. A
    # site-packages folder is: and the child may be another interpreter, whom it would only harm.
    last = None if os.path.basename(root) in _SITE_FOLDERS else root
    child["PYTHONPATH"] = _with(_OVERLAY, child.get("PYTHONPATH", ""), last)
    child["PATH"] = _with(os.path.join(_OVERLAY, "bin"), child.get("PATH", os.defpath), None)
    if sys.executable:
        child["SYNADB_PYTHON"] = sys.executable
    return child


def _with(first: str, value: str, last: str | None) -> str:
    """Search path `value` with `first` in front, and `last` at the end unless it is in it."""
    entries = [entry for entry in value.split(os.pathsep) if entry != first] if value else []
    if last is not None and last not in entries:
        entries.append(last)
    return os.pathsep.join([first, *entries])
