"""`wandb.watch`: histograms of the parameters and gradients of torch modules, by hooks."""

from __future__ import annotations

import contextlib
import math
import sys
import weakref
from bisect import bisect_right
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from synadb.wandb_compat._term import termwarn
from synadb.wandb_compat.errors import UsageError

if TYPE_CHECKING:
    from synadb.wandb_compat._run import Run

__all__ = ["stop", "unwatch", "watch"]

_BINS = 64
_EXACT = 1 << 24  # torch counts in float32, which holds every whole number up to this

_Held = dict[str, tuple["weakref.ref[Any]", Any]]  # name -> the module, the handle of its hook

_watched = 0  # models, in all runs of this process


def watch(
    run: Run,
    models: Any,
    criterion: Any = None,
    log: str | None = "gradients",
    log_freq: float = 1000,
    idx: int | None = None,
    log_graph: bool = False,
) -> None:
    """Log histograms of every parameter, its gradient or both, every `log_freq` batches.

    They join the open row, under `parameters/<name>` and `gradients/<name>`. The first model of
    the process has these keys; for later ones, or those with an `idx`, `graph_<idx>` stands before
    the name. With `log_graph` the layers that run in the first forward pass become a Graph in the
    summary, under `graph_<idx>`; `criterion` goes with it. Raises ValueError for another `log`, for
    gradients that are watched under the same key and for a second graph of a model, TypeError for
    what is no torch module.
    """
    global _watched
    if log not in ("gradients", "parameters", "all", None):
        raise ValueError(
            "wandb.watch(log=): log must be one of 'gradients', 'parameters', 'all', or None, "
            f"not {log!r}"
        )
    if not hasattr(log_freq, "__index__") and not isinstance(log_freq, float):
        raise TypeError(f"wandb.watch(log_freq=) takes a number of batches, not {log_freq!r}")
    listed = list(models) if isinstance(models, list | tuple) else [models]
    for model in listed:
        if not _is_module(model):
            raise TypeError(
                "wandb.watch(models=): Expected a pytorch model (torch.nn.Module). "
                f"Received {type(model)}"
            )
    held = _held(run)
    first = _watched if idx is None else idx
    for number, model in enumerate(listed, first):
        prefix = f"graph_{number}" if number > 0 else ""
        _watched += 1
        if log in ("parameters", "all"):
            _watch_parameters(run, held, model, prefix, log_freq)
        if log in ("gradients", "all"):
            _watch_gradients(run, held, model, prefix, log_freq)
        if log_graph:
            _watch_graph(run, held, model, criterion, number)


def unwatch(run: Run, models: Any = None) -> None:
    """Take the hooks of these models away, or with none given those of all that `run` watches."""
    if models is None or (isinstance(models, list | tuple) and not models):
        stop(run)
        return
    held = _held(run)
    for model in models if isinstance(models, list | tuple) else [models]:
        names = [name for name, (module, _) in held.items() if module() is model]
        for name in names:
            held.pop(name)[1].remove()
        if not names:
            termwarn(f"wandb.unwatch: {type(model).__name__} model has not been watched")


def stop(run: Run) -> None:
    """Take all hooks away that log to `run`."""
    held: _Held = vars(run).pop("_watch_hooks", {})
    for _, handle in held.values():
        handle.remove()


def _held(run: Run) -> _Held:
    """The hooks of a run, without those that went away with their model."""
    held: _Held = vars(run).setdefault("_watch_hooks", {})
    for name in [name for name, (module, _) in held.items() if module() is None]:
        del held[name]
    return held


def _is_module(model: Any) -> bool:
    # Where nothing has imported torch there is no module of it.
    nn = getattr(sys.modules.get("torch"), "nn", None)
    return isinstance(model, getattr(nn, "Module", ()))


# -- the hooks -----------------------------------------------------------------------------------


def _watch_parameters(run: Run, held: _Held, model: Any, prefix: str, log_freq: float) -> None:
    name = f"parameters/{prefix}"
    try:
        handle = model.register_forward_hook(_ParameterHook(run, name, log_freq))
    except RuntimeError as error:  # a scripted module takes no hooks
        termwarn(f"wandb.watch: the parameters of {type(model).__name__} are skipped: {error}")
        return
    if name in held:
        held.pop(name)[1].remove()
    held[name] = weakref.ref(model), handle


class _ParameterHook:
    """Runs after each forward pass of a model."""

    def __init__(self, run: Run, prefix: str, log_freq: float) -> None:
        self._run = run
        self._prefix = prefix
        self._due = _every(log_freq)

    def __call__(self, module: Any, inputs: Any, output: Any) -> None:
        if self._due():
            found = {
                self._prefix + name: _histogram(self._prefix + name, parameter)
                for name, parameter in module.named_parameters()
            }
            _record(self._run, {name: value for name, value in found.items() if value is not None})

    def __reduce__(self) -> tuple[Any, ...]:
        # A model is copied and saved with its hooks. The copy logs nothing, and a saved model
        # loads where this package is not: a method of the standard library takes its place that
        # has three parameters as well, and returns None.
        return getattr, (contextlib.nullcontext(), "__exit__")


def _watch_gradients(run: Run, held: _Held, model: Any, prefix: str, log_freq: float) -> None:
    chosen = {
        f"gradients/{prefix}{name}": parameter
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }
    for name in chosen:
        if name in held:
            raise ValueError(
                f'A hook has already been set under name "{name}"; give wandb.watch another idx, '
                "or call wandb.unwatch first"
            )
    for name, parameter in chosen.items():
        try:
            handle = parameter.register_hook(_gradient_hook(run, name, log_freq))
        except (RuntimeError, ValueError) as error:  # a lazy module has no values yet
            termwarn(f"wandb.watch: {name} is skipped: {error}")
        else:
            held[name] = weakref.ref(model), handle


def _gradient_hook(run: Run, name: str, log_freq: float) -> Callable[[Any], None]:
    due = _every(log_freq)

    def hook(gradient: Any) -> None:
        if due():
            value = _histogram(name, gradient)
            if value is not None:
                _record(run, {name: value})

    return hook


def _watch_graph(run: Run, held: _Held, model: Any, criterion: Any, number: int) -> None:
    from synadb.wandb_compat._media.graph import TorchGraph

    name = f"graph_{number}"
    if any(module() is model and name.startswith("graph_") for name, (module, _) in held.items()):
        raise ValueError(
            "You can only call `wandb.watch` once per model with log_graph=True; call "
            "wandb.unwatch(model) first"
        )

    def done(graph: TorchGraph) -> None:
        handles.remove()
        # Another thread may have finished the run meanwhile.
        with contextlib.suppress(UsageError):
            run.summary[name] = graph

    handles = _Handles()
    handles.all = TorchGraph().watch(model, criterion, done)
    if name in held:
        held.pop(name)[1].remove()
    held[name] = weakref.ref(model), handles


class _Handles:
    """Several handles of hooks as one."""

    all: list[Any]

    def remove(self) -> None:
        for handle in self.all:
            handle.remove()


def _every(log_freq: float) -> Callable[[], bool]:
    """A function that is true at every `log_freq`-th call."""
    count = 0

    def due() -> bool:
        nonlocal count
        count += 1
        if count < log_freq:
            return False
        count = 0
        return True

    return due


def _record(run: Run, values: dict[str, Any]) -> None:
    """Add values to the open row."""
    # Another thread may be finishing the run while this one computes.
    with contextlib.suppress(UsageError):
        if values:
            run._log(values, None, False)


# -- histograms ----------------------------------------------------------------------------------


def _histogram(name: str, tensor: Any) -> dict[str, Any] | None:
    """The stored form of a histogram of the finite elements; None without any."""
    try:
        return _counted(tensor.detach())
    except (RuntimeError, TypeError) as error:
        # Tensors without data, or of a kind that has no order: no reason to end a training.
        termwarn(f"wandb.watch: no histogram of {name}: {error}", repeat=False)
        return None


def _counted(tensor: Any) -> dict[str, Any] | None:
    torch: Any = sys.modules["torch"]
    zeros = 0
    if tensor.is_sparse:
        stored = tensor.coalesce().values()
        zeros = tensor.numel() - stored.numel()
        tensor = stored
    flat = tensor.reshape(-1)
    if flat.is_complex():
        flat = flat.real
    if flat.dtype not in (torch.float32, torch.float64):
        flat = flat.to(torch.float32)
    if not flat.numel():
        return None
    low, high = _ends(flat)
    if not (math.isfinite(low) and math.isfinite(high)):
        flat = flat[torch.isfinite(flat)]
        if not flat.numel():
            return None
        low, high = _ends(flat)
    size = flat.numel()
    if zeros:
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        return {"_type": "histogram", "values": [size + zeros], "bins": [low, high]}
    if high - low > torch.finfo(flat.dtype).max:
        if flat.dtype == torch.float64:
            raise RuntimeError(f"the distance from {low} to {high} is no finite number")
        flat = flat.to(torch.float64)
    bins = torch.linspace(low, high, steps=_BINS + 1, dtype=flat.dtype, device="cpu").tolist()
    counts = [0] * _BINS
    for piece in flat.split(_EXACT):
        for place, count in enumerate(_histc(piece, low, high).tolist()):
            counts[place] += int(count)
    if zeros:
        counts[min(bisect_right(bins, 0.0), _BINS) - 1] += zeros
    return {"_type": "histogram", "values": counts, "bins": bins}


def _ends(flat: Any) -> tuple[float, float]:
    # Both are NaN where an element is.
    return flat.min().item(), flat.max().item()


def _histc(piece: Any, low: float, high: float) -> Any:
    try:
        return piece.histc(bins=_BINS, min=low, max=high)
    except RuntimeError:
        if piece.device.type == "cpu":
            raise
        # Not every device has it, and the one of CUDA is not deterministic where that is asked.
        return piece.cpu().histc(bins=_BINS, min=low, max=high)
