"""Figures of plotting libraries: matplotlib's as pictures, plotly's as their own JSON."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, ClassVar

from synadb.errors import InvalidValueError
from synadb.media.value import FileValue, refusing

if TYPE_CHECKING:
    from synadb.media.image import Picture

__all__ = ["Figure"]


class Figure(FileValue):
    """A figure of matplotlib (or axes, or `matplotlib.pyplot`), or one of plotly.

    It is drawn here and now: the figure may be changed or closed afterwards.
    """

    _type: ClassVar[str] = "image-file"
    _folder: ClassVar[str] = "media/images"

    def __init__(self, figure: Any, caption: str | None = None) -> None:
        super().__init__(".png", caption)
        self._picture: Picture | None = None
        self._plotly: Any = None
        if _is_plotly(figure):
            with refusing("Figure"):
                self._plotly = figure.to_plotly_json()  # a copy
            self.extension = ".plotly.json"
            return
        from synadb.media.image import is_figure, picture

        with refusing("Figure"):
            if not is_figure(figure):
                raise InvalidValueError(
                    "a Figure is one of matplotlib or plotly, not "
                    f"{type(figure).__name__}; a picture is an Image"
                )
            self._picture = picture(figure)

    def _source(self) -> bytes | str:
        if self._picture is not None:
            return self._picture.content()
        from synadb.media.jsontext import dumps

        return dumps(self._plotly)

    def _put(self, sink: Any, key: str, step: int | str) -> Any:
        if self._picture is not None:
            return super()._put(sink, key, step)
        return sink.put("media/plotly", key, step, self._source(), self.extension)

    def _facts(self) -> dict[str, Any]:
        facts = super()._facts()
        if self._picture is None:
            return {**facts, "_type": "plotly-file"}
        size = {"width": self._picture.width, "height": self._picture.height}
        return {"format": "png", **size, **facts}

    @property
    def _held(self) -> int:
        return 0 if self._picture is None else self._picture.held_bytes

    def _repr_html_(self) -> str:
        from synadb.media import show

        if self._picture is not None:
            return show.picture(self._picture.content(), self.caption)
        # Drawing it needs plotly's own script, which is not run for it here.
        layout = self._plotly.get("layout", {})
        title = layout.get("title") if isinstance(layout, dict) else None
        text = title.get("text") if isinstance(title, dict) else title
        shown = show.captioned("<i>a figure of plotly</i>", text)
        return show.captioned(shown, self.caption)


def _is_plotly(figure: Any) -> bool:
    return "plotly" in sys.modules and any(
        kind.__module__.partition(".")[0] == "plotly" and hasattr(kind, "to_plotly_json")
        for kind in type(figure).__mro__
    )
