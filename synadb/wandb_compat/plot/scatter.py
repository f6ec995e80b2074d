"""`wandb.plot.scatter`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synadb.wandb_compat.plot.custom_chart import plot_table

if TYPE_CHECKING:
    from synadb.wandb_compat._media.chart import CustomChart
    from synadb.wandb_compat._media.table import Table

__all__ = ["scatter"]


def scatter(
    table: Table,
    x: str,
    y: str,
    title: str = "",
    split_table: bool = False,
) -> CustomChart:
    """A dot for each row, at the values of columns `x` and `y`."""
    return plot_table(
        data_table=table,
        vega_spec_name="wandb/scatter/v0",
        fields={"x": x, "y": y},
        string_fields={"title": title},
        split_table=split_table,
    )
