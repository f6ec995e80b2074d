"""Keras: gradients of the loss over some data, without a step of training."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

from synadb.wandb_compat._integrations.keras_base import backend

__all__ = ["gradients"]

_BATCH = 32  # what `fit` takes


def gradients(model: Any, data: Any) -> list[tuple[str, Any]]:
    """Name of each trainable weight, and the sum of its gradients over the batches of `data`.

    `data` is `(x, y)` or an iterable of such batches. The model is left as it is. Raises ValueError
    for a backend other than TensorFlow and torch.
    """
    import numpy as np

    gradient = _BACKENDS.get(backend())
    if gradient is None:
        raise ValueError(
            f"WandbCallback(log_gradients=True) works with the backends {' and '.join(_BACKENDS)}, "
            f"not with {backend()}"
        )
    # A forward pass of training changes what BatchNormalization has counted.
    before = model.get_weights()
    totals = [np.zeros(tuple(weight.shape)) for weight in model.trainable_weights]
    for inputs, targets in _batches(data):
        for total, found in zip(totals, gradient(model, inputs, targets), strict=True):
            if found is not None:
                total += found
    model.set_weights(before)
    return list(zip(map(_name, model.trainable_weights), totals, strict=True))


def _name(weight: Any) -> str:
    # In keras 3 many weights have the same name, and only their paths tell them apart.
    name: str = getattr(weight, "path", None) or weight.name
    return name.partition(":")[0]


def _batches(data: Any) -> Iterator[tuple[Any, Any]]:
    if not isinstance(data, list | tuple):
        for batch in data:
            yield batch[0], batch[1]
        return
    inputs, targets = data
    for start in range(0, _length(inputs), _BATCH):
        yield _slice(inputs, start), _slice(targets, start)


def _length(values: Any) -> int:
    while isinstance(values, dict | list | tuple):
        values = next(iter(values.values() if isinstance(values, dict) else values))
    return len(values)


def _slice(values: Any, start: int) -> Any:
    if isinstance(values, dict):
        return {name: _slice(one, start) for name, one in values.items()}
    if isinstance(values, list | tuple):
        return [_slice(one, start) for one in values]
    return values[start : start + _BATCH]


def _with_tensorflow(model: Any, inputs: Any, targets: Any) -> list[Any]:
    tensorflow: Any = sys.modules["tensorflow"]
    with tensorflow.GradientTape() as tape:
        wanted = _converted(targets, tensorflow.convert_to_tensor)
        loss = model.compute_loss(inputs, wanted, model(inputs, training=True))
    found = tape.gradient(loss, [_plain(weight) for weight in model.trainable_weights])
    return [None if one is None else tensorflow.convert_to_tensor(one).numpy() for one in found]


def _plain(weight: Any) -> Any:
    return getattr(weight, "value", weight) if hasattr(weight, "path") else weight


def _with_torch(model: Any, inputs: Any, targets: Any) -> list[Any]:
    torch: Any = sys.modules["torch"]
    tensors = [weight.value for weight in model.trainable_weights]
    with torch.enable_grad():
        wanted = _converted(targets, sys.modules["keras"].ops.convert_to_tensor)
        loss = model.compute_loss(inputs, wanted, model(inputs, training=True))
        found = torch.autograd.grad(loss, tensors, allow_unused=True)
    return [None if one is None else one.detach().cpu().numpy() for one in found]


def _converted(values: Any, convert: Callable[[Any], Any]) -> Any:
    if isinstance(values, dict):
        return {name: _converted(one, convert) for name, one in values.items()}
    if isinstance(values, list | tuple):
        return [_converted(one, convert) for one in values]
    return convert(values)


_BACKENDS = {"tensorflow": _with_tensorflow, "torch": _with_torch}
