"""`wandb.plot.bar`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synadb.wandb_compat.plot.custom_chart import plot_table

if TYPE_CHECKING:
    from synadb.wandb_compat._media.chart import CustomChart
    from synadb.wandb_compat._media.table import Table

__all__ = ["bar"]


def bar(
    table: Table,
    label: str,
    value: str,
    title: str = "",
    split_table: bool = False,
) -> CustomChart:
    """A bar for each row, named by column `label` and as long as column `value` says."""
    return plot_table(
        data_table=table,
        vega_spec_name="wandb/bar/v0",
        fields={"label": label, "value": value},
        string_fields={"title": title},
        split_table=split_table,
    )
