"""`wandb.Plotly`, and which data type a figure of a plotting library becomes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, ClassVar

from synadb.wandb_compat._media._sources import FileMedia, missing
from synadb.wandb_compat._term import termwarn
from synadb.wandb_compat.errors import Error

if TYPE_CHECKING:
    from synadb.wandb_compat._media.base import Media

__all__ = [
    "Plotly",
    "converted_by_plotly",
    "figure_value",
    "has_images",
    "is_of",
    "is_plotly_figure",
    "matplotlib_figure",
]

_EXTENSION = ".plotly.json"


class Plotly(FileMedia):
    """A figure of plotly; one of matplotlib is converted by plotly first, if it has no images."""

    _log_type: ClassVar[str | None] = "plotly-file"
    _folder: ClassVar[str] = "media/plotly"

    def __init__(self, val: Any) -> None:
        super().__init__()
        if is_of("matplotlib", val):
            val = _as_plotly(val)
        elif not is_plotly_figure(val):
            raise ValueError(
                "wandb.Plotly: logged plots must be plotly figures, or matplotlib plots that "
                f"plotly can convert, not {type(val).__name__}"
            )
        self._figure = val.to_plotly_json()  # a copy
        self._extension = _EXTENSION

    @classmethod
    def make_plot_media(cls, val: Any) -> Media:
        """A matplotlib figure that holds images as an Image, any other figure as a Plotly."""
        if is_of("matplotlib", val) and has_images(matplotlib_figure(val)):
            return _image(val)
        return cls(val)

    @classmethod
    def _from_file(cls, path: str, json_obj: dict[str, Any]) -> Plotly:
        import json

        found = cls.__new__(cls)
        FileMedia.__init__(found, json_obj.get("caption"))
        with open(path, encoding="utf-8") as file:
            found._figure = json.load(file)
        found._extension = _EXTENSION
        return found

    def _encode(self) -> tuple[bytes | str, str]:
        from synadb.media.jsontext import dumps

        return dumps(self._figure), _EXTENSION


def figure_value(obj: Any) -> Media:
    """The data type of a figure: of matplotlib (or `pyplot`, or a part of one), plotly, bokeh.

    A matplotlib figure becomes a Plotly if plotly is there and can show all of it, and otherwise
    an Image. It is drawn here, in the thread that calls. TypeError for anything else, ValueError
    for a part of a plot that belongs to no figure.
    """
    if is_of("matplotlib", obj):
        figure = matplotlib_figure(obj)
        if not has_images(figure):
            converted = _converted(figure)
            if converted is not None:
                return converted
        return _image(figure)
    if is_of("plotly", obj):
        return Plotly(obj)
    if is_of("bokeh", obj):
        from synadb.wandb_compat._media.bokeh import Bokeh

        return Bokeh(obj)
    raise TypeError(
        f"Object of type {type(obj).__name__} is no figure of matplotlib, plotly or bokeh"
    )


def is_of(library: str, obj: Any) -> bool:
    """Whether this is of a class of a library, or a module of it."""
    names = [kind.__module__ for kind in type(obj).__mro__]
    if type(obj).__name__ == "module":
        names.append(obj.__name__)
    return any(str(name).partition(".")[0] == library for name in names)


def is_plotly_figure(obj: Any) -> bool:
    """Whether this is a figure of plotly."""
    return any(
        kind.__module__.partition(".")[0] == "plotly" and kind.__name__ == "Figure"
        for kind in type(obj).__mro__
    )


def _image(obj: Any) -> Media:
    from synadb.wandb_compat._media.image import Image

    image: Media = Image(obj)
    return image


# -- matplotlib ----------------------------------------------------------------------------------


def matplotlib_figure(obj: Any) -> Any:
    """The figure that this belongs to; that of `pyplot` is the current one."""
    from matplotlib.figure import Figure

    pyplot: Any = sys.modules.get("matplotlib.pyplot")
    if obj is pyplot:
        return pyplot.gcf()
    figure = obj if isinstance(obj, Figure) else getattr(obj, "figure", None)
    if not isinstance(figure, Figure):
        raise ValueError(
            "Only matplotlib.pyplot or matplotlib.pyplot.Figure objects are accepted, not "
            f"{type(obj).__name__}"
        )
    return figure


def has_images(figure: Any) -> bool:
    """Whether a figure of matplotlib has images."""
    return any(axes.images for axes in figure.axes)


def _converted(figure: Any) -> Plotly | None:
    """The figure by way of plotly; None if plotly is not there, or cannot do it."""
    try:
        return Plotly(figure)
    except Error:
        return None
    except Exception as error:  # noqa: BLE001 - its converter stumbles in many ways
        termwarn(f"plotly cannot show a matplotlib figure, it is kept as an image: {error!r}")
        return None


def _as_plotly(obj: Any) -> Any:
    figure = matplotlib_figure(obj)
    if has_images(figure):
        raise ValueError(
            "Plotly does not currently support converting matplotlib figures containing images; "
            "log them as wandb.Image(plt)"
        )
    return converted_by_plotly(figure)


def converted_by_plotly(figure: Any) -> Any:
    """A figure of matplotlib as plotly's converter makes it: without images."""
    import importlib
    import warnings

    try:
        tools = importlib.import_module("plotly.tools")
    except ImportError as error:
        missing("wandb.Plotly of a matplotlib figure", "plotly", error)
    _mend_spines()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about parts of a plot that the converter leaves out
        return tools.mpl_to_plotly(figure)


def _mend_spines() -> None:
    """Give matplotlib's spines the method back that plotly's converter calls."""
    from matplotlib.spines import Spine

    if hasattr(Spine, "is_frame_like"):
        return

    def is_frame_like(self: Any) -> bool:
        position = self.get_position() or ("outward", 0.0)
        named = {"center": ("axes", 0.5), "zero": ("data", 0)}
        kind, amount = named[position] if isinstance(position, str) else position
        return kind == "outward" and amount == 0

    Spine.is_frame_like = is_frame_like  # type: ignore[attr-defined]
