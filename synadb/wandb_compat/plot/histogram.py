"""`wandb.plot.histogram`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synadb.wandb_compat.plot.custom_chart import plot_table

if TYPE_CHECKING:
    from synadb.wandb_compat._media.chart import CustomChart
    from synadb.wandb_compat._media.table import Table

__all__ = ["histogram"]


def histogram(
    table: Table,
    value: str,
    title: str = "",
    split_table: bool = False,
) -> CustomChart:
    """How often values of the column `value` occur, in bins."""
    return plot_table(
        data_table=table,
        vega_spec_name="wandb/histogram/v0",
        fields={"value": value},
        string_fields={"title": title},
        split_table=split_table,
    )
