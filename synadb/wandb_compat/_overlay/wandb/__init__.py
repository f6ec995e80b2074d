"""Stands in for wandb where `synadb run` or `install()` put this folder on the path.

Importing it makes `wandb` a second name of `synadb.wandb_compat`: one module object, no copy.
"""

import importlib.util
import os
import sys

_TARGET = "synadb.wandb_compat"


def _load_synadb_from_here() -> None:
    """Load the `synadb` that this folder belongs to.

    A command run under `synadb run` may be another interpreter's, which has no synadb of its own.
    By file and not through `sys.path`: what else lies in that folder is not its business.
    """
    package = os.path.abspath(__file__)
    for _ in range(4):  # __init__.py, wandb, _overlay, wandb_compat
        package = os.path.dirname(package)
    spec = importlib.util.spec_from_file_location(
        "synadb", os.path.join(package, "__init__.py"), submodule_search_locations=[package]
    )
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError("No module named 'synadb'", name="synadb")
    module = importlib.util.module_from_spec(spec)
    sys.modules["synadb"] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules["synadb"]
        raise


def _hand_over() -> None:
    try:
        from synadb.wandb_compat._install import adopt
    except ModuleNotFoundError as error:
        if error.name == _TARGET:
            place = getattr(sys.modules.get("synadb"), "__file__", None)
            raise ImportError(
                f"the package 'synadb' in {place} is not the one that this stand-in for wandb "
                f"belongs to ({os.path.abspath(__file__)}): take it off the path",
                name="wandb",
            ) from None
        if error.name != "synadb":
            raise
        _load_synadb_from_here()
        from synadb.wandb_compat._install import adopt
    # A lazy loader keeps the module object it made and refuses one that was replaced.
    lazy = __spec__ is not None and __spec__.loader_state is not None
    adopt(replace=not lazy)


# Whoever is left holding this module object, and not the one that took its place, gets its answers
# from there: a thread that asked for wandb while another was just importing it, a lazy loader.
def __getattr__(name: str) -> object:
    return getattr(sys.modules[_TARGET], name)


def __dir__() -> list[str]:
    return dir(sys.modules[_TARGET])


_hand_over()
