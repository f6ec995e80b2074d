"""`wandb.plot.viz`: a visualization by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synadb.wandb_compat._media.chart import Visualize, VisualizeSpec, require_table

if TYPE_CHECKING:
    from synadb.wandb_compat._media.table import Table

__all__ = ["Visualize", "VisualizeSpec", "visualize"]


def visualize(id: str, value: Table) -> Visualize:
    """A table with the name of the visualization that draws it; Error for a value that is none."""
    require_table(value, "value")
    return Visualize(table=value, spec=VisualizeSpec(name=id))
