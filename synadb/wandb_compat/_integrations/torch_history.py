"""torch: the classes behind `wandb.watch`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat import _watch
from synadb.wandb_compat._integrations.library import active_run

__all__ = ["TorchHistory"]


class TorchHistory:
    """Hooks that log histograms of a module to the active run; `wandb.watch` is the way to them."""

    def add_log_parameters_hook(
        self, module: Any, name: str = "", prefix: str = "", log_freq: int = 0
    ) -> None:
        """Log the parameters, each `log_freq` forward passes, under `parameters/<prefix>`."""
        run = active_run("TorchHistory.add_log_parameters_hook()")
        _watch._watch_parameters(run, _watch._held(run), module, prefix + name, log_freq)

    def add_log_gradients_hook(
        self, module: Any, name: str = "", prefix: str = "", log_freq: int = 0
    ) -> None:
        """Log the gradients, each `log_freq` backward passes, under `gradients/<prefix>`."""
        run = active_run("TorchHistory.add_log_gradients_hook()")
        _watch._watch_gradients(run, _watch._held(run), module, prefix + name, log_freq)

    def log_tensor_stats(self, tensor: Any, name: str) -> None:
        """Add a histogram of a tensor to the open row."""
        run = active_run("TorchHistory.log_tensor_stats()")
        found = _watch._histogram(name, tensor)
        if found is not None:
            _watch._record(run, {name: found})

    def unhook_all(self) -> None:
        """Take all hooks away that log to the active run."""
        _watch.stop(active_run("TorchHistory.unhook_all()"))

    def unhook(self, name: str) -> None:
        """Take one hook away, by the key that it logs to."""
        _watch._held(active_run("TorchHistory.unhook()")).pop(name)[1].remove()
