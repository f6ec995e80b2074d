"""Media for `run.log` and `tracker.log_media`: pictures, tables, sound, video, pages, figures.

The modules hold the encoders, from plain values to the bytes of a file, with no notion of runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synadb.media.audio import Audio
    from synadb.media.figure import Figure
    from synadb.media.histogram import Histogram
    from synadb.media.html import Html
    from synadb.media.image import Image
    from synadb.media.object3d import Object3D
    from synadb.media.table import Table
    from synadb.media.video import Video

__all__ = ["Audio", "Figure", "Histogram", "Html", "Image", "Object3D", "Table", "Video"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'synadb.media' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"synadb.media.{name.lower()}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
