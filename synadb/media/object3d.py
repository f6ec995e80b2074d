"""Point clouds and boxes around parts of them, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synadb.media import jsontext

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

__all__ = ["check_points", "corners", "encode_points", "encode_scene"]

Corner = tuple[float, float, float]


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
