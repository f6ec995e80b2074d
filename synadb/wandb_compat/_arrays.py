"""Arrays of numpy, torch, tensorflow and jax, recognised without importing any of them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

__all__ = ["as_numpy", "histogram", "is_scalar", "item", "nested", "statistics", "tensor_name"]

LONGEST = 32
"""An array of more elements than this is kept as its histogram, or as statistics."""
_BINS = 32


def is_scalar(value: Any) -> bool:
    """Whether this is one value of numpy's, such as `np.float32(1)`."""
    numpy = sys.modules.get("numpy")
    return isinstance(value, getattr(numpy, "generic", ()))


def tensor_name(kind: type) -> str:
    """`torch`, `tensorflow` or `jax` for the type of a tensor; otherwise an empty text.

    By the names of module and class: a `torch.nn.Parameter` is none, as in wandb.
    """
    module, name = str(kind.__module__), kind.__qualname__
    root = module.partition(".")[0]
    if root == "torch" and ("Tensor" in name or "Variable" in name):
        return "torch"
    if root == "fastai" and "Tensor" in name:
        return "torch"
    if root == "tensorflow" and ("Tensor" in name or "Variable" in name):
        return "tensorflow"
    if root == "jaxlib" and "Array" in name:
        return "jax"
    return ""


def as_numpy(value: Any) -> Any:
    """An array or tensor as a numpy array (or a Python or numpy scalar); None for anything else.

    What the library itself refuses to hand to numpy, such as an array of bfloat16 or a sparse
    tensor, raises its TypeError.
    """
    numpy = sys.modules.get("numpy")
    if isinstance(value, getattr(numpy, "ndarray", ())):
        return value
    library = tensor_name(type(value))
    if library == "torch":
        tensor = value.detach().cpu()
        # One element has a value even where numpy has no such type.
        return tensor.item() if tensor.numel() == 1 else tensor.numpy()
    if library == "tensorflow":
        if not hasattr(value, "numpy"):
            return None
        return value.numpy()
    if library == "jax":
        import numpy as np

        array = np.asarray(value)
        return array.astype("f4") if array.dtype.type.__module__ == "ml_dtypes" else array
    return None


def item(value: Any) -> Any:
    """The one element of an array, or a numpy scalar, as Python's; None for a masked one."""
    import numpy as np

    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        return None
    inner = value.item()
    if isinstance(inner, np.generic):
        # Wider than anything of Python's: the nearest that it has.
        return complex(inner) if inner.dtype.kind == "c" else float(inner)
    return inner


def nested(array: Array) -> tuple[list[Any], bool]:
    """The elements as nested lists, and whether they are all plain numbers that JSON can hold."""
    plain = array.dtype.kind in "bif" and array.dtype.itemsize <= 8
    return array.tolist(), plain


def histogram(array: Array) -> dict[str, Any]:
    """The histogram of an array's elements, as numpy makes it.

    ValueError for a range that is not finite, TypeError for elements that have no order.
    """
    import numpy as np

    if array.dtype.kind == "b":
        array = array.astype("u1")
    counts, edges = np.histogram(array, bins=_BINS)
    bins: list[Any] = edges.tolist()
    if edges.dtype.kind != "f" or edges.dtype.itemsize > 8:
        bins = [item(edge) if isinstance(edge, np.generic) else edge for edge in bins]
    return {"_type": "histogram", "values": counts.tolist(), "bins": bins}


def statistics(array: Array, kind: type) -> dict[str, Any]:
    """What a summary keeps of an array; `kind` is the type that the script had set.

    TypeError for elements that are no real numbers.
    """
    import numpy as np

    if isinstance(array, np.ma.MaskedArray):
        array = array.compressed() if np.ma.is_masked(array) else np.asarray(array)
    array = np.asarray(array)
    if array.dtype.kind == "b":
        array = array.astype("u1")
    elif array.dtype.kind == "O":
        try:
            array = np.array([float(element) for element in array.flat])
        except (TypeError, ValueError) as error:
            raise TypeError(f"an array in the summary takes numbers: {error}") from error
    elif array.dtype.kind not in "iuf":
        raise TypeError(f"an array in the summary takes real numbers, not {array.dtype}")
    known: dict[str, Any] = {"_type": f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"}
    if array.size:
        with np.errstate(all="ignore"):
            known["var"] = item(np.var(array))
            known["mean"] = item(np.mean(array))
            known["min"] = item(np.amin(array))
            known["max"] = item(np.amax(array))
            for percent in (10, 25, 75, 90):
                known[f"{percent}%"] = item(np.percentile(array, percent))
    known["size"] = int(array.size)
    return known
