"""What the commands that draw with matplotlib share."""

from __future__ import annotations

from typing import Any

from synadb.errors import SynaDBError

__all__ = ["new_figure", "save"]


def new_figure(option: str, size: tuple[float, float], title: str) -> Any:
    """An empty figure; SynaDBError, naming the option that wants it, without matplotlib."""
    # Without pyplot there is no display to ask for and no figure that stays behind.
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise SynaDBError(f"{option} needs matplotlib: pip install matplotlib") from error
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    return figure


def save(figure: Any, path: str) -> None:
    """Write the figure in the format that the path's ending names; PNG where it has none."""
    import os

    ending = os.path.splitext(path)[1][1:].lower() or "png"
    try:
        figure.savefig(path, dpi=120, format=ending)
    except ValueError as error:
        raise SynaDBError(f"{path} cannot be drawn: {error}") from error
