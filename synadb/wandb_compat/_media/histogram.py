"""`wandb.Histogram`."""

from __future__ import annotations

from typing import Any, ClassVar

from synadb.wandb_compat import _arrays
from synadb.wandb_compat._media.base import ArtifactSink, Sink, WBValue

__all__ = ["Histogram"]


class Histogram(WBValue):
    """Counts and edges, in the row itself: of a sequence of values, or as numpy.histogram made
    them.
    """

    _log_type: ClassVar[str | None] = "histogram"
    MAX_LENGTH: ClassVar[int] = 512

    def __init__(self, sequence: Any = None, np_histogram: Any = None, num_bins: int = 64) -> None:
        if np_histogram is not None and len(np_histogram):
            if len(np_histogram) != 2:
                raise ValueError(
                    "Expected np_histogram to be a tuple of (values, bin_edges) or sequence to be "
                    f"specified, not {len(np_histogram)} parts"
                )
            self.histogram, self.bins = map(_numbers, np_histogram)
        else:
            from synadb.media.histogram import histogram

            array = _arrays.as_numpy(sequence)
            self.histogram, self.bins = histogram(sequence if array is None else array, num_bins)
        if len(self.histogram) > self.MAX_LENGTH:
            raise ValueError(
                f"The maximum length of a histogram is {self.MAX_LENGTH}, "
                f"this one has {len(self.histogram)}"
            )
        if len(self.histogram) + 1 != len(self.bins):
            raise ValueError(
                "len(bins) must be len(histogram) + 1: "
                f"{len(self.histogram)} counts lie between {len(self.bins)} edges"
            )

    @classmethod
    def from_json(cls, json_obj: dict[str, Any], source_artifact: Any = None) -> Histogram:
        """The histogram whose JSON this is."""
        return cls(np_histogram=(json_obj["values"], json_obj["bins"]))

    def _artifact_json(self, sink: ArtifactSink) -> dict[str, Any]:
        return self.to_json()

    def to_json(self, run: Any = None) -> dict[str, Any]:
        """What a row has of it."""
        return {"_type": self._log_type, "values": self.histogram, "bins": self.bins}

    def _to_run_value(self, sink: Sink, key: str, step: int | str) -> Any:
        return {"_type": self._log_type, "values": [*self.histogram], "bins": [*self.bins]}


def _numbers(values: Any) -> list[Any]:
    if hasattr(values, "tolist"):
        values = values.tolist()
    return [_arrays.item(value) if _arrays.is_scalar(value) else value for value in values]
