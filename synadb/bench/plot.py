"""Draws a comparison as two bar charts: the loop only, and end to end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from synadb.bench.report import medians
from synadb.bench.trial import CompareError

if TYPE_CHECKING:
    from synadb.bench.report import Comparison

__all__ = ["MatplotlibMissingError", "check_matplotlib", "draw"]

_COLORS = {"wandb": "#b8b8b8", "SynaDB": "#2a6fdb"}


class MatplotlibMissingError(CompareError):
    """The plot needs matplotlib, which is not installed."""


def check_matplotlib() -> None:
    """Find out before the measuring, which takes a while, that there could be no plot.

    Raises:
        MatplotlibMissingError: it is not installed.
    """
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise MatplotlibMissingError(
            "--plot needs matplotlib: install it with  pip install '.[compare]'"
        )


def draw(comparison: Comparison, path: str | os.PathLike[str]) -> None:
    """Write the two charts to `path`, in the format that its ending names.

    Raises:
        MatplotlibMissingError: matplotlib is not installed.
        CompareError: matplotlib knows no format of that name.
        OSError: the file cannot be written.
    """
    check_matplotlib()
    # Without pyplot there is no display to ask for and no figure that stays behind.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    found = {name: medians(trials) for name, trials in comparison.trials.items()}
    figure = Figure(figsize=(8, 4), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    calls = max(len(trial.logs) for trials in comparison.trials.values() for trial in trials)
    _bars(left, f"Loop only: {calls:,} log calls", _values(found, "log_sum"))
    _bars(right, "End to end: whole process", _values(found, "wall"))
    figure.suptitle(os.path.basename(comparison.script[0]))
    try:
        figure.savefig(path, dpi=150)
    except ValueError as error:
        raise CompareError(f"{os.fspath(path)}: {error}") from error


def _values(found: dict[str, dict[str, float | None]], key: str) -> dict[str, float]:
    return {name: figures[key] or 0.0 for name, figures in found.items()}


def _bars(axes: Any, title: str, values: dict[str, float]) -> None:
    bars = axes.bar(list(values), list(values.values()), color=[_COLORS[name] for name in values])
    axes.bar_label(bars, labels=[f"{value:.3g} s" for value in values.values()], padding=2)
    axes.set_title(title)
    axes.set_ylabel("seconds")
    axes.set_ylim(bottom=0)  # a bar that does not begin at 0 misleads
    axes.margins(y=0.12)
    axes.spines[["top", "right"]].set_visible(False)
