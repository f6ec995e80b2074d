"""Charts of one look. SynaDB is blue wherever it comes in; a green edge marks whoever is best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    from .benchmark import BenchmarkResult

__all__ = [
    "COLORS",
    "COMPETITOR_PALETTE",
    "bar_comparison",
    "create_legend_patch",
    "get_color",
    "latency_distribution",
    "memory_comparison",
    "setup_style",
    "throughput_comparison",
]

COLORS = {
    "synadb": "#2a6fdb",
    "synadb_light": "#7fa9ec",
    "synadb_dark": "#17427f",
    "competitor": "#a9b1bc",
    "highlight": "#2ecc71",
    "warning": "#e74c3c",
    "neutral": "#f39c12",
    "background": "#f8f9fa",
    "text": "#1f2d3d",
    "grid": "#e3e7ec",
}
COMPETITOR_PALETTE = ["#a9b1bc", "#87919e", "#c6ccd4", "#687280", "#dde1e6"]


def setup_style() -> None:
    """Set matplotlib's defaults for these charts."""
    import matplotlib as mpl

    mpl.rcParams.update(
        {
            "figure.dpi": 96,
            "figure.facecolor": "white",  # also in a notebook with a dark theme
            "font.size": 11,
            "text.color": COLORS["text"],
            "axes.labelcolor": COLORS["text"],
            "xtick.color": COLORS["text"],
            "ytick.color": COLORS["text"],
            "axes.titlesize": 13,
            "axes.titleweight": "bold",
            "axes.titlepad": 12,
            "axes.titlelocation": "left",
            "axes.edgecolor": COLORS["grid"],
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "grid.color": COLORS["grid"],
            "legend.frameon": False,
        }
    )


def get_color(name: str, is_synadb: bool = False) -> str:
    """SynaDB's color for SynaDB, by its name or because the caller says so; else gray."""
    return COLORS["synadb" if is_synadb or "syna" in name.lower() else "competitor"]


def bar_comparison(
    data: Mapping[str, float],
    title: str,
    ylabel: str,
    highlight_synadb: bool = True,
    lower_is_better: bool = True,
    figsize: tuple[float, float] = (10, 6),
    show_values: bool = True,
    value_format: str = "{:.2f}",
    spread: Mapping[str, tuple[float, float]] | None = None,
) -> Figure:
    """Upright bars from zero; the best has a green edge.

    Args:
        data: A value a name.
        title: Of the chart.
        ylabel: What the values are.
        highlight_synadb: Whether SynaDB's bars have its color.
        lower_is_better: Whether the best value is the smallest.
        figsize: In inches.
        show_values: Whether each bar carries its value.
        value_format: How.
        spread: The smallest and the largest value behind each, drawn as an error bar.
    """
    figure, axes = _axes(data, title, figsize)
    bars = axes.bar(list(data), list(data.values()), 0.6, yerr=_errors(data, spread), capsize=4)
    _paint(bars, data, highlight_synadb, lower_is_better)
    if show_values:
        axes.bar_label(bars, [value_format.format(v) for v in data.values()], padding=3)
    axes.set_ylabel(ylabel)
    axes.margins(y=0.15)
    axes.set_ylim(bottom=0)
    axes.grid(axis="y")
    return figure


def throughput_comparison(
    data: Mapping[str, float],
    title: str = "Throughput Comparison",
    ylabel: str = "Operations/sec",
    figsize: tuple[float, float] = (10, 6),
) -> Figure:
    """Lying bars from zero, more is better; `ylabel` says what the values are."""
    figure, axes = _axes(data, title, figsize)
    bars = axes.barh(list(data), list(data.values()), height=0.6)
    _paint(bars, data, highlight_synadb=True, lower_is_better=False)
    axes.bar_label(bars, [f"{value:,.0f}" for value in data.values()], padding=4)
    axes.set_xlabel(ylabel)
    axes.margins(x=0.18)
    axes.set_xlim(left=0)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(axis="x")
    return figure


def latency_distribution(
    results: Sequence[BenchmarkResult],
    title: str = "Latency Distribution",
    figsize: tuple[float, float] = (12, 6),
    show_outliers: bool = True,
) -> Figure:
    """Box plots of `raw_times`, on a logarithmic axis: latencies differ by orders of magnitude."""
    times = {result.name: result.raw_times or [result.p50_ms] for result in results}
    figure, axes = _axes(times, title, figsize)
    boxes = axes.boxplot(
        list(times.values()),
        patch_artist=True,
        showfliers=show_outliers,
        widths=0.5,
        flierprops={"marker": ".", "markersize": 3, "alpha": 0.4},
        medianprops={"color": COLORS["text"], "linewidth": 2},
    )
    for name, box in zip(times, boxes["boxes"]):
        box.set_facecolor(get_color(name))
        box.set_edgecolor(COLORS["text"])
    axes.set_xticks(range(1, len(times) + 1), list(times))
    axes.set_yscale("log")
    axes.set_ylabel("ms a call (logarithmic)")
    axes.grid(axis="y")
    return figure


def memory_comparison(
    data: Mapping[str, float],
    title: str = "Memory Usage Comparison",
    ylabel: str = "Memory (MB)",
    figsize: tuple[float, float] = (10, 6),
) -> Figure:
    """Upright bars, less is better."""
    return bar_comparison(data, title, ylabel, figsize=figsize, value_format="{:,.0f}")


def create_legend_patch(label: str, color: str) -> Rectangle:
    """A patch for a legend made by hand."""
    from matplotlib.patches import Rectangle

    return Rectangle((0, 0), 1, 1, facecolor=color, label=label)


def _axes(
    data: Mapping[str, object], title: str, figsize: tuple[float, float]
) -> tuple[Figure, Axes]:
    import matplotlib.pyplot as plt

    if not data:
        raise ValueError(f"{title}: nothing to draw")
    setup_style()
    figure, axes = plt.subplots(figsize=figsize, layout="constrained")
    axes.set_title(title)
    return figure, axes


def _paint(
    bars: Any, data: Mapping[str, float], highlight_synadb: bool, lower_is_better: bool
) -> None:
    best = min(data.values()) if lower_is_better else max(data.values())
    for bar, (name, value) in zip(bars, data.items()):
        bar.set_facecolor(get_color(name) if highlight_synadb else COLORS["competitor"])
        if len(data) > 1 and value == best:
            bar.set_edgecolor(COLORS["highlight"])
            bar.set_linewidth(2.5)


def _errors(
    data: Mapping[str, float], spread: Mapping[str, tuple[float, float]] | None
) -> list[list[float]] | None:
    if spread is None:
        return None
    below = [value - spread[name][0] for name, value in data.items()]
    above = [spread[name][1] - value for name, value in data.items()]
    return [below, above]
