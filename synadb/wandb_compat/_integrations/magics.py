"""Notebooks: the class of `%wandb` and `%%wandb`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat import jupyter
from synadb.wandb_compat._integrations.library import library

__all__ = ["WandBMagics"]

_magic: Any = library("IPython", "wandb.jupyter.WandBMagics").core.magic


@_magic.magics_class
class WandBMagics(_magic.Magics):  # type: ignore[misc]
    """The magics, for `register_magics` of a shell; `require_interaction` has no effect."""

    def __init__(self, shell: Any, require_interaction: bool = False) -> None:
        super().__init__(shell)
        self.options: dict[str, Any] = {}

    @_magic.line_cell_magic  # type: ignore[untyped-decorator]
    def wandb(self, line: str, cell: str | None = None) -> None:
        """Show a run, or what the cell leaves; see `wandb.jupyter`."""
        jupyter.wandb(line, cell)
