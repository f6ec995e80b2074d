"""`wandb.sdk.lib.ipython`: where the code runs."""

from __future__ import annotations

import sys
from typing import Any, Literal

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._settings import Settings

__all__ = ["PythonType", "in_ipython", "in_jupyter", "in_notebook", "in_vscode_notebook"]

PythonType = Literal["python", "ipython", "jupyter"]


def _get_python_type() -> PythonType:
    settings = Settings()
    if settings._jupyter:
        return "jupyter"
    return "ipython" if settings._ipython else "python"


def in_jupyter() -> bool:
    """Whether this is code of a Jupyter notebook."""
    return _get_python_type() == "jupyter"


def in_ipython() -> bool:
    """Whether this is IPython in a terminal."""
    return _get_python_type() == "ipython"


def in_notebook() -> bool:
    """Whether this is either of them."""
    return _get_python_type() != "python"


def in_vscode_notebook() -> bool:
    """Whether this is a notebook of VS Code."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    kernel_shell = getattr(getattr(shell, "kernel", None), "shell", None)
    return "__vsc_ipynb_file__" in getattr(kernel_shell, "user_ns", ())


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)
