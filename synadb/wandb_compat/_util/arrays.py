"""Arrays: what a summary keeps of them, what they might be, and samples of long ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from synadb.wandb_compat import _arrays

__all__ = [
    "get_h5_typename",
    "guess_data_type",
    "maybe_compress_summary",
    "sample_with_exponential_decay_weights",
]

_COMPRESSED_FROM = 32


def get_h5_typename(o: Any) -> str:
    """The library and the name of a value's class; every tensor of one is its `Tensor`."""
    from synadb.wandb_compat import util

    full = util.get_full_typename(o)
    if util.is_tf_tensor_typename(full):
        return "tensorflow.Tensor"
    if util.is_pytorch_tensor_typename(full):
        return "torch.Tensor"
    return f"{full.partition('.')[0]}.{full.rpartition('.')[2]}"


def maybe_compress_summary(obj: Any, h5_typename: str) -> tuple[Any, bool]:
    """What a summary keeps of a value, and whether it is another: the statistics of a long array.

    The statistics of an array are named after the type `h5_typename`.
    """
    from synadb.wandb_compat import util

    if not util.is_numpy_array(obj) or obj.size <= _COMPRESSED_FROM:
        return obj, False
    return {**_arrays.statistics(obj, type(obj)), "_type": h5_typename}, True


def guess_data_type(shape: Sequence[int], risky: bool = False) -> str | None:
    """What a batch of this shape holds: "label", "image" or "segmentation_mask"; None if unknown.

    With `risky` three dimensions are images too.
    """
    if len(shape) in (1, 2):
        return "label"
    if len(shape) == 3 and risky:
        return "image"
    if len(shape) == 4:
        return "image" if shape[-1] in (1, 3, 4) else "segmentation_mask"
    return None


def sample_with_exponential_decay_weights(
    xs: Sequence[Any],
    ys: Sequence[Sequence[Any]],
    keys: Sequence[Any] | None = None,
    sample_size: int = 1500,
) -> tuple[list[Any], list[Any], list[Any] | None]:
    """A sample with replacement of the `xs`, and of what stands beside them in `ys` and `keys`.

    The weights fall by the factor e over the length; the numbers come from numpy's global
    generator.
    """
    import numpy as np

    places = np.array(xs)
    # A script seeds the global generator.
    weights = np.exp(-np.arange(len(places)) / len(places))
    chosen = np.random.choice(len(places), size=sample_size, p=weights / weights.sum())
    return (
        places[chosen].tolist(),
        np.array(ys)[chosen].tolist(),
        np.array(keys)[chosen].tolist() if keys else None,
    )
