"""`wandb.box3d`."""

from __future__ import annotations

from typing import Any

__all__ = ["box3d"]


def box3d(
    *,
    center: Any,
    size: Any,
    orientation: Any,
    color: Any,
    label: str | None = None,
    score: Any = None,
) -> dict[str, Any]:
    """A box for the `boxes` of a point cloud.

    `orientation` is the quaternion (r, x, y, z) that turns it. AssertionError for parts of another
    length, ValueError for a quaternion of zeros.
    """
    import numpy as np

    from synadb.media.object3d import corners

    parts = {"center": (center, 3), "size": (size, 3), "orientation": (orientation, 4)}
    arrays = []
    for name, (value, length) in parts.items():
        array = np.asarray(value, dtype=np.float64)
        if array.shape != (length,):
            raise AssertionError(
                f"wandb.box3d({name}=) takes {length} numbers, not the shape {array.shape}"
            )
        arrays.append(array)
    return {"corners": corners(*arrays), "color": color, "label": label, "score": score}
