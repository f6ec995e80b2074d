"""`wandb.plot.custom_chart`: a chart by the name of its Vega spec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synadb.wandb_compat._media.chart import CustomChart, CustomChartSpec, require_table

if TYPE_CHECKING:
    from synadb.wandb_compat._media.table import Table

__all__ = ["CustomChart", "CustomChartSpec", "plot_table"]


def plot_table(
    vega_spec_name: str,
    data_table: Table,
    fields: dict[str, Any],
    string_fields: dict[str, Any] | None = None,
    split_table: bool = False,
) -> CustomChart:
    """A chart of a table, drawn as a Vega spec says.

    Args:
        vega_spec_name: Such as "wandb/line/v0".
        data_table: What is drawn.
        fields: Name of a field in the spec -> column of the table.
        string_fields: Name of a text in the spec -> the text.
        split_table: Keep the table under "Custom Chart Tables/".

    Raises:
        Error: `data_table` is no Table.
    """
    require_table(data_table, "data_table")
    return CustomChart(
        table=data_table,
        spec=CustomChartSpec(
            spec_name=vega_spec_name,
            fields=fields,
            string_fields=string_fields or {},
            split_table=split_table,
        ),
    )
