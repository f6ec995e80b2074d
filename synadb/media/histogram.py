"""Counts of values in equal ranges."""

from __future__ import annotations

from typing import Any

__all__ = ["histogram"]


def histogram(values: Any, bins: int = 64) -> tuple[list[int], list[float]]:
    """How many of `values` fall into each of `bins` ranges, and the edges of these.

    ValueError for values whose range is not finite, TypeError for values that are no numbers.
    """
    import numpy as np

    array = np.asarray(values)
    if array.dtype.kind in "cmM":
        raise TypeError(f"a histogram counts numbers, not values of type {array.dtype}")
    if array.dtype.kind == "b":
        array = array.astype("u1")
    counts, edges = np.histogram(array, bins=bins)
    return counts.tolist(), edges.astype("f8", copy=False).tolist()
