"""Counts of values in equal ranges."""

from __future__ import annotations

from typing import Any, ClassVar

from synadb.errors import InvalidValueError
from synadb.media.value import Value, refusing

__all__ = ["Histogram", "histogram"]

MOST_BINS = 512


class Histogram(Value):
    """How many of some values fall into each of `bins` equal ranges; kept in the row itself.

    `values` are finite numbers in an array of any shape, a tensor or a list; at most 512 `bins`.
    """

    _type: ClassVar[str] = "histogram"

    def __init__(self, values: Any, bins: int = 64) -> None:
        import math

        import numpy as np

        with refusing("Histogram"), np.errstate(all="ignore"):
            if not 1 <= bins <= MOST_BINS:
                raise ValueError(f"bins lies between 1 and {MOST_BINS}, not at {bins}")
            if hasattr(values, "detach"):
                values = values.detach().cpu()
            self.counts, self.edges = histogram(values, bins)
            if not all(map(math.isfinite, self.edges)):
                raise ValueError("the values lie further apart than a float can tell")

    @classmethod
    def of_counts(cls, counts: Any, edges: Any) -> Histogram:
        """From counts and their edges, one more, as `numpy.histogram` returns them."""
        made = cls.__new__(cls)
        with refusing("Histogram"):
            made.counts, made.edges = ([*map(_number, list(part))] for part in (counts, edges))
        if len(made.edges) != len(made.counts) + 1 or not 1 <= len(made.counts) <= MOST_BINS:
            raise InvalidValueError(
                f"1 to {MOST_BINS} counts lie between one edge more: these are "
                f"{len(made.counts)} counts and {len(made.edges)} edges"
            )
        return made

    def _to_run_value(self, sink: Any, key: str, step: int | str) -> Any:
        return {"_type": self._type, "values": [*self.counts], "bins": [*self.edges]}

    def _repr_html_(self) -> str:
        from synadb.media import show

        return show.chart(self.counts, self.edges)


def _number(value: Any) -> Any:
    if hasattr(value, "item"):
        value = value.item()
    if not isinstance(value, int | float):
        raise TypeError(f"counts and edges are numbers, not {value!r}")
    return value


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
