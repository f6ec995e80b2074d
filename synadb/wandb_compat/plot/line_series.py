"""`wandb.plot.line_series`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from synadb.wandb_compat._arrays import tensor_name
from synadb.wandb_compat.plot.custom_chart import plot_table

if TYPE_CHECKING:
    from synadb.wandb_compat._media.chart import CustomChart

__all__ = ["line_series"]


def line_series(
    xs: Iterable[Iterable[Any]] | Iterable[Any],
    ys: Iterable[Iterable[Any]],
    keys: Iterable[str] | None = None,
    title: str = "",
    xname: str = "x",
    split_table: bool = False,
) -> CustomChart:
    """Several lines in one chart.

    Args:
        xs: The x values that all lines share, or those of each line.
        ys: The y values of each line. What a line has more of than of x values is left out.
        keys: The name of each line; by default line_0, line_1, ...
        title: Stands above the chart.
        xname: Stands beside the x axis.
        split_table: Keep the table under "Custom Chart Tables/".

    Raises:
        ValueError: the numbers of x series or of keys and of lines differ.
        IndexError: `xs` is empty.
    """
    from synadb.wandb_compat._media.table import Table

    lines = _items(ys)
    series = _items(xs)
    if not series:
        raise IndexError("line_series: xs is empty; give the x values of the lines")
    if not isinstance(series[0], Iterable) or isinstance(series[0], str | bytes):
        series = [series] * len(lines)
    names = [f"line_{number}" for number in range(len(lines))] if keys is None else list(keys)
    if len(series) != len(lines):
        raise ValueError(
            f"line_series: Number of x-series ({len(series)}) must match y-series ({len(lines)})"
        )
    if len(names) != len(lines):
        raise ValueError(
            f"line_series: Number of keys ({len(names)}) must match y-series ({len(lines)})"
        )
    data: list[Any] = [
        [x, name, y]
        for name, of_x, of_y in zip(names, series, lines, strict=True)
        for x, y in zip(_items(of_x), _items(of_y), strict=False)
    ]
    return plot_table(
        data_table=Table(data=data, columns=["step", "lineKey", "lineVal"]),
        vega_spec_name="wandb/lineseries/v0",
        fields={"step": "step", "lineKey": "lineKey", "lineVal": "lineVal"},
        string_fields={"title": title, "xname": xname},
        split_table=split_table,
    )


def _items(values: Any) -> list[Any]:
    """The elements of any iterable; of a DataFrame its columns, of an array Python's numbers."""
    if type(values).__name__ == "DataFrame" and hasattr(values, "columns"):
        return [values[column] for column in values.columns]
    if tensor_name(type(values)) == "torch":
        values = values.detach().cpu().tolist()
    dtype = getattr(values, "dtype", None)
    # `tolist` of times gives plain integers.
    if getattr(dtype, "kind", "") in tuple("biuf") and hasattr(values, "tolist"):
        values = values.tolist()
    try:
        return list(values)
    except TypeError:
        raise TypeError(
            "line_series: xs and ys must hold a series of values for each line; "
            f"{type(values).__name__} is none"
        ) from None
