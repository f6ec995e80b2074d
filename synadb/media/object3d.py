"""Point clouds and boxes around parts of them, as JSON."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

from synadb.errors import InvalidValueError
from synadb.media import jsontext
from synadb.media.value import FileValue, refusing

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

__all__ = ["FILE_TYPES", "Object3D", "check_points", "corners", "encode_points", "encode_scene"]

FILE_TYPES = ("obj", "gltf", "glb", "babylon", "stl", "pts.json")

Corner = tuple[float, float, float]


class Object3D(FileValue):
    """A cloud of points, or the path of a file: obj, gltf, glb, babylon, stl or pts.json.

    Points are (n, 3): x, y, z; (n, 4): and a category from 1 to 14; (n, 6): and red, green, blue.

    With `boxes` (each a dict with its eight `corners`, a `label` and a `color`) or `vectors`, a
    scene of all of them.
    """

    _type: ClassVar[str] = "object3D-file"
    _folder: ClassVar[str] = "media/object3D"

    def __init__(
        self,
        value: Any,
        caption: str | None = None,
        *,
        boxes: Any = None,
        vectors: Any = None,
    ) -> None:
        self._points: Array | None = None
        if isinstance(value, str | os.PathLike):
            path = os.fspath(value)
            kind = next((kind for kind in FILE_TYPES if path.lower().endswith(f".{kind}")), None)
            if kind is None:
                raise InvalidValueError(
                    f"an Object3D is a file of one of {', '.join(FILE_TYPES)}, unlike {path!r}"
                )
            super().__init__(f".{kind}", caption)
            self._from_path(path)
            return
        super().__init__(".pts.json", caption)
        import numpy as np

        with refusing("Object3D"):
            if hasattr(value, "detach"):
                value = value.detach().cpu()
            points = np.asarray(value)
            check_points(points)
            if points.dtype.kind not in "biuf":
                raise TypeError(f"the coordinates of points are numbers, not {points.dtype}")
            if boxes is None and vectors is None:
                self._points = points.copy()
                return
            # Encoded now: boxes and vectors may hold anything, and are few.
            parts = (_listed(boxes), _listed(vectors))
            self._content = encode_scene("lidar/beta", points.tolist(), *parts)

    def _source(self) -> bytes | str:
        return super()._source() if self._points is None else encode_points(self._points)

    @property
    def _held(self) -> int:
        return super()._held if self._points is None else int(self._points.nbytes)

    def _repr_html_(self) -> str:
        from html import escape

        from synadb.media import show

        what = self.extension if self._points is None else f"{len(self._points)} points"
        return show.captioned(f"<i>a 3D object, {escape(what)}</i>", self.caption)


def _listed(values: Any) -> list[Any]:
    if values is None:
        return []
    listed: list[Any] = values.tolist() if hasattr(values, "tolist") else list(values)
    return listed


def check_points(points: Array) -> None:
    """Raise ValueError unless points are (n, 3), (n, 4) or (n, 6)."""
    if points.ndim != 2 or points.shape[1] not in (3, 4, 6):
        raise ValueError(
            "The shape of the numpy array must be one of nx3 (x, y, z), nx4 (x, y, z, category "
            f"from 1 to 14) and nx6 (x, y, z, r, g, b), not {points.shape}"
        )


def encode_points(points: Array) -> bytes:
    """A cloud of points."""
    return jsontext.dumps(points.tolist())


def encode_scene(kind: str, points: Any, boxes: Any, vectors: Any) -> bytes:
    """A scene: points, boxes around some of them, and vectors."""
    return jsontext.dumps({"type": kind, "vectors": vectors, "points": points, "boxes": boxes})


def corners(center: Array, size: Array, orientation: Array) -> tuple[Corner, ...]:
    """The eight corners of a box that is turned by the quaternion r + xi + yj + zk.

    The quaternion need not have length one. Its parts count without their signs, as in wandb.
    ValueError if it is zero.
    """
    import numpy as np

    r, *axis = np.abs(orientation)
    largest = max(r, *axis)
    if not largest > 0:
        raise ValueError("a box is turned by a quaternion, and this one is zero")
    # Divided by the largest first, so that squares of tiny or huge parts stay in range.
    unit = np.array([r, *axis]) / largest
    unit /= np.linalg.norm(unit)
    r, x, y, z = unit
    # Row i is where the i-th axis of the box points to.
    turned = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y + z * r), 2 * (x * z - y * r)],
            [2 * (x * y - z * r), 1 - 2 * (x * x + z * z), 2 * (y * z + x * r)],
            [2 * (x * z + y * r), 2 * (y * z - x * r), 1 - 2 * (x * x + y * y)],
        ]
    )
    signs = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)], dtype="f8")
    return tuple(tuple(corner) for corner in center + (size / 2 * signs) @ turned)
