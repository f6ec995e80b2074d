"""Figures of matplotlib and plotly."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._media import plotly

__all__ = [
    "convert_plots",
    "ensure_matplotlib_figure",
    "matplotlib_contains_images",
    "matplotlib_to_plotly",
]


def ensure_matplotlib_figure(obj: Any) -> Any:
    """The figure of a part of a plot, or the current one for `pyplot`; any other value as it is.

    ValueError for a part of a plot that belongs to no figure.
    """
    return plotly.matplotlib_figure(obj) if plotly.is_of("matplotlib", obj) else obj


def matplotlib_contains_images(obj: Any) -> bool:
    """Whether there are images in a figure."""
    return plotly.has_images(ensure_matplotlib_figure(obj))


def matplotlib_to_plotly(obj: Any) -> Any:
    """A figure of matplotlib as one of plotly."""
    return plotly.converted_by_plotly(ensure_matplotlib_figure(obj))


def convert_plots(obj: Any) -> Any:
    """A figure of matplotlib or plotly as a dict of plotly's; any other value as it is."""
    if plotly.is_of("matplotlib", obj):
        obj = matplotlib_to_plotly(obj)
    if plotly.is_plotly_figure(obj):
        return {"_type": "plotly", "plot": obj.to_plotly_json()}
    return obj
