"""`wandb.plot.line`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synadb.wandb_compat.plot.custom_chart import plot_table

if TYPE_CHECKING:
    from synadb.wandb_compat._media.chart import CustomChart
    from synadb.wandb_compat._media.table import Table

__all__ = ["line"]


def line(
    table: Table,
    x: str,
    y: str,
    stroke: str | None = None,
    title: str = "",
    split_table: bool = False,
) -> CustomChart:
    """Lines through the points of columns `x` and `y`, one for each value of column `stroke`."""
    return plot_table(
        data_table=table,
        vega_spec_name="wandb/line/v0",
        fields={"x": x, "y": y, "stroke": stroke},
        string_fields={"title": title},
        split_table=split_table,
    )
